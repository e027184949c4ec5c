-- report.json as the renderers want it: references resolved, tables as columns and cells, texts formatted once.
-- Not HTML, not Markdown: it makes the plain content that both of them lay out.

local format = require "assay.report.format"
local words = require "assay.report.words"

local view = {}

-- JSON null arrives as some sentinel of the decoder: whatever is no plain value is absence.
local function without_nulls(value)
   local kind = type(value)
   if kind == "table" then
      local out = {}
      for key, item in pairs(value) do out[key] = without_nulls(item) end
      return out
   end
   if kind == "string" or kind == "number" or kind == "boolean" then return value end
   return nil
end

local function index_by_id(list)
   local out = {}
   for _, item in ipairs(list) do out[item.id] = item end
   return out
end

local LISTS <const> = { "subjects", "calibrations", "variants", "tasks", "results", "generations", "gates",
   "verdicts", "ledger" }

function view.open(data)
   local report = without_nulls(data)
   if type(report.schema) ~= "string" or not report.schema:match("^assay%.report/1$") then
      error("this is no report of schema assay.report/1: its 'schema' is " .. tostring(report.schema), 0)
   end
   for _, name in ipairs(LISTS) do report[name] = report[name] or {} end
   report.study = report.study or {}
   report.environment = report.environment or {}
   report.times = report.times or {}
   local self = { report = report, variant = index_by_id(report.variants), task = index_by_id(report.tasks),
      subject = index_by_id(report.subjects) }
   self.many_subjects = #report.subjects > 1
   self.symptoms = {} -- id to title, as the report's own detectors name them
   for _, item in ipairs(report.detectors or {}) do self.symptoms[item.id] = item.title end
   self.verdict_of = {}
   for _, item in ipairs(report.verdicts) do self.verdict_of[item.variant] = item end
   return setmetatable(self, { __index = view })
end

-- "rtn W4 g64", with its subject in front where there are several.
function view:label(variant_id)
   local variant = self.variant[variant_id]
   if not variant then return variant_id end
   return (self.many_subjects and variant.subject .. " · " or "") .. (variant.label or variant.id)
end

-- "loop at the end (F05)".
function view:symptom(id)
   return self.symptoms[id] and self.symptoms[id] .. " (" .. id .. ")" or id
end

function view:margin(task_id, metric)
   for _, item in ipairs(self.report.study.primary or {}) do
      if item.task == task_id and item.metric == metric then return item end
   end
end

-- Results grouped by task, metric and subset, in the order of their first appearance.
function view:groups()
   local groups, place = {}, {}
   for _, result in ipairs(self.report.results) do
      local key = result.task .. "\0" .. result.metric .. "\0" .. (result.subset or "")
      if not place[key] then
         local task = self.task[result.task] or { id = result.task, title = result.task }
         groups[#groups + 1] = { task = task, metric = result.metric, subset = result.subset, unit = result.unit,
            results = {},
            margin = self:margin(result.task, result.metric), direction = result.direction }
         place[key] = groups[#groups]
      end
      table.insert(place[key].results, result)
   end
   return groups
end

-- The first declared primary metric, else the first metric measured.
function view:headline()
   local groups = self:groups()
   for _, group in ipairs(groups) do if group.margin then return group end end
   return groups[1]
end

function view.result_of(group, variant_id)
   for _, result in ipairs(group and group.results or {}) do if result.variant == variant_id then return result end end
end

function view:notes()
   local out = {}
   for _, subject in ipairs(self.report.subjects) do
      if subject.provenance_note and subject.provenance_note ~= "" then
         out[#out + 1] = { subject = subject.name or subject.id, text = subject.provenance_note }
      end
   end
   return out
end

local function ratio_to_reference(self, variant)
   local reference = self.variant[variant.subject .. "/none"]
   if not reference or reference == variant or not reference.bytes_on_disk or not variant.bytes_on_disk then return end
   return variant.bytes_on_disk / reference.bytes_on_disk
end

-- A reason can list every layer; the card shows its beginning, the table of variants in CSV all of it.
local function shortened(text)
   if not text or #text <= 260 then return text end
   local cut = text:sub(1, 240)
   while not utf8.len(cut) do cut = cut:sub(1, -2) end
   return cut .. " …"
end

-- The result that a variant's verdict rests on.
function view:deciding_result(variant_id)
   local judged = self.verdict_of[variant_id]
   local because = judged and judged.because and judged.because[1]
   for _, group in ipairs(because and self:groups() or {}) do
      if group.task.id == because.task and group.metric == because.metric then
         return view.result_of(group, variant_id)
      end
   end
end

-- One line per variant for the card at the top: { label, verdict, tone, finding, size }.
function view:card()
   local headline, rows = self:headline(), {}
   for _, variant in ipairs(self.report.variants) do
      local result = view.result_of(headline, variant.id)
      local judged = self.verdict_of[variant.id]
      local verdict = judged and judged.verdict or result and result.verdict or "not_run"
      result = self:deciding_result(variant.id) or result
      local size = {}
      if variant.bits_per_weight then
         size[#size + 1] = format.fixed(variant.bits_per_weight, 2) .. " bits per weight"
      end
      if variant.bytes_on_disk then
         local ratio = ratio_to_reference(self, variant)
         size[#size + 1] = format.bytes(variant.bytes_on_disk) .. (ratio and " (" .. format.significant(ratio, 2) .. "×)"
            or "")
      end
      local broken = variant.collapsed and #variant.collapsed > 0 and "collapsed; " .. table.concat(variant.collapsed, "; ")
      rows[#rows + 1] = { id = variant.id, label = self:label(variant.id), verdict = verdict,
         tone = words.tone(verdict, result), short = words.short(verdict, result),
         finding = broken or result and words.finding(result, self:margin(result.task, result.metric)) or shortened(variant.reason) or "not measured",
         size = table.concat(size, ", ") }
   end
   return rows
end

function view:gate_summary()
   local counts = { pass = 0, fail = 0, not_run = 0, blocked = 0 }
   for _, gate in ipairs(self.report.gates) do
      counts[gate.status] = (counts[gate.status] or 0) + 1
      if gate.status == "fail" and gate.severity == "block" then counts.blocked = counts.blocked + 1 end
   end
   counts.total = #self.report.gates
   return counts
end

function view:gate_sentence()
   local counts = self:gate_summary()
   if counts.total == 0 then return "No validity checks were recorded" end
   local text = counts.pass .. " of " .. counts.total .. " validity checks passed"
   if counts.fail > 0 then
      text = text .. ", " .. counts.fail .. " failed" .. (counts.blocked > 0 and " (" .. counts.blocked .. " blocking)"
         or "")
   end
   if counts.not_run > 0 then text = text .. ", " .. counts.not_run .. " not run" end
   return text
end

-- "Word problems (GSM8K): right answers", the metric only where it is not the task's first.
function view.group_title(group)
   local first = group.results[1]
   return (group.task.title or group.task.id) .. (group.subset and ", " .. group.subset or "")
      .. (first and first.primary == false and ": " .. words.metric(group.metric) or "")
end

-- What a group's numbers rest on: "49,128 tokens in 24 windows".
function view.basis(group)
   local counts = group.results[1] and group.results[1].counts or {}
   if counts.tokens then
      return format.count(counts.tokens) .. " tokens" .. (counts.windows and " in " .. format.count(counts.windows)
         .. " windows" or "")
   end
   if counts.items then return format.count(counts.items) .. " items" end
   return ""
end

-- "random choice 25.0 %, commonest answer 27.1 %"
function view.baselines(group)
   local parts = {}
   for _, baseline in ipairs(group.task.baselines or {}) do
      if baseline.value and (not baseline.metric or baseline.metric == group.metric) then
         local value = group.unit == "fraction" and format.percent(baseline.value)
            or format.significant(baseline.value, 4)
         parts[#parts + 1] = baseline.name .. " " .. value
      end
   end
   return table.concat(parts, ", ")
end

-- Rows of a result table as texts; columns that nobody fills are left out by the renderers.
function view:result_rows(group)
   local rows = {}
   for _, result in ipairs(group.results) do
      local variant = self.variant[result.variant] or {}
      local value, range = format.value(result)
      local row = { id = result.variant, label = self:label(result.variant), result = result, verdict = result.verdict,
         short = words.short(result.verdict, result),
         tone = words.tone(result.verdict, result), value = value, range = range, change = "", change_range = "",
         bits = variant.bits_per_weight and format.fixed(variant.bits_per_weight, 2) or "",
         disk = variant.bytes_on_disk and format.bytes(variant.bytes_on_disk) or "",
         memory = variant.bytes_in_memory and format.bytes(variant.bytes_in_memory) or "", mde = format.mde(result.mde),
            p = "", flips = "" }
      local paired = result.paired
      if paired then
         row.change, row.change_range = format.change(paired)
         local p = paired.p_holm or paired.p_bh or paired.p
         if p then row.p = format.p_value(p) end
         if paired.lost then row.flips = paired.lost .. " / " .. paired.gained end
      end
      rows[#rows + 1] = row
   end
   return rows
end

-- Relative errors as a grid per variant: { label, roles, blocks, cells[role][block], low, high, mean }.
function view:layer_grids()
   local grids = {}
   for _, variant in ipairs(self.report.variants) do
      local linears = variant.linears or {}
      if #linears > 0 then
         local grid = { label = self:label(variant.id), roles = {}, blocks = 0, cells = {}, low = math.huge,
            high = -math.huge, mean = 0, count = 0 }
         for _, linear in ipairs(linears) do
            if linear.relative_error and linear.block then
               if not grid.cells[linear.role] then
                  grid.cells[linear.role] = {}
                  table.insert(grid.roles, linear.role)
               end
               grid.cells[linear.role][linear.block] = linear
               grid.blocks = math.max(grid.blocks, linear.block + 1)
               grid.low, grid.high = math.min(grid.low, linear.relative_error), math.max(grid.high, linear.relative_error)
               grid.mean, grid.count = grid.mean + linear.relative_error, grid.count + 1
               if not grid.worst or linear.relative_error > grid.worst.relative_error then grid.worst = linear end
            end
         end
         if grid.count > 0 then
            grid.mean = grid.mean / grid.count
            grids[#grids + 1] = grid
         end
      end
   end
   return grids
end

-- A generated text split where it leaves the reference: the part in common and the rest. UTF-8 characters stay whole.
function view.split_at_divergence(output)
   local divergence, text = output.divergence, output.text or ""
   if not divergence or not divergence.byte then return text, nil end
   local place = math.min(divergence.byte, #text)
   while place > 0 and place < #text and text:byte(place + 1) & 0xC0 == 0x80 do place = place - 1 end
   return text:sub(1, place), text:sub(place + 1)
end

function view:output_note(output)
   local parts = {}
   if output.tokens then parts[#parts + 1] = format.count(output.tokens) .. " tokens" end
   if output.finish == "length" then parts[#parts + 1] = "cut at the limit" end
   if output.divergence then parts[#parts + 1] = "differs from token " .. format.count(output.divergence.token) end
   for _, flag in ipairs(output.flags or {}) do
      if not (flag == "F02" and output.finish == "length") then parts[#parts + 1] = self:symptom(flag) end -- said already
   end
   return table.concat(parts, " · ")
end

-- Time and memory, the only numbers that change from run to run.
function view:resource_rows()
   local rows, times = {}, self.report.times.variants or {}
   for _, variant in ipairs(self.report.variants) do
      local own = times[variant.id]
      if own then
         local speed
         for _, task in pairs((self.report.times.results or {})[variant.id] or {}) do
            speed = speed or task.tokens_per_second
         end
         rows[#rows + 1] = { self:label(variant.id), own.quantize_seconds and own.quantize_seconds > 0
            and format.seconds(own.quantize_seconds) or "–",
            own.evaluate_seconds and format.seconds(own.evaluate_seconds) or "–", own.peak_memory_bytes
               and format.bytes(own.peak_memory_bytes) or "–",
            variant.bytes_in_memory and format.bytes(variant.bytes_in_memory) or "–",
            speed and format.significant(speed, 3) .. " tok/s" or "–" }
      end
   end
   return { "variant", "quantize", "evaluate", "peak memory", "weights in memory", "prefill" }, rows
end

local function pairs_of(list)
   local out = {}
   for _, item in ipairs(list) do if item[2] ~= nil and item[2] ~= "" then out[#out + 1] = { item[1],
      tostring(item[2]) } end end
   return out
end

local function short_hash(hash) return hash and hash:sub(1, 12) end

-- "arc_easy: 2 of 2,376 records, piqa: 0 of 1,838 records"
local function passages_text(overlaps)
   local parts, none = {}, 0
   for _, one in ipairs(overlaps or {}) do
      if one.records_with_passage == 0 then
         none = none + 1
      else
         parts[#parts + 1] = ("%s: %s of %s records"):format(one.task, format.count(one.records_with_passage),
            format.count(one.records))
      end
   end
   if none > 0 then parts[#parts + 1] = ("no record of %s%d task%s"):format(#parts > 0 and "the other " or "the ", none, none > 1 and "s" or "") end
   return #parts > 0 and table.concat(parts, ", ") or nil
end

-- Stop texts with their line ends made visible.
local function stops_text(stops)
   local shown = {}
   for i, text in ipairs(stops or {}) do shown[i] = (text:gsub("\n", "\u{21b5}")) end
   return #shown > 0 and table.concat(shown, "  ") or nil
end

-- Definition lists: subjects, protocols, calibrations, environment. Each { title, { {name, text}, ... } }.
function view:cards()
   local out = {}
   for _, s in ipairs(self.report.subjects) do
      out[#out + 1] = { "Subject " .. (s.name or s.id), pairs_of { { "architecture", s.architecture },
         { "parameters", s.parameters and format.count(s.parameters) },
         { "in linears", s.linear_parameters and format.count(s.linear_parameters) }, { "blocks", s.blocks },
            { "head tied to embedding", s.tied_head ~= nil and (s.tied_head and "yes" or "no") or nil },
         { "licence", s.license }, { "fingerprint", short_hash(s.fingerprint) }, { "provenance", s.provenance_note } } }
   end
   for _, t in ipairs(self.report.tasks) do
      local p, d = t.protocol or {}, t.dataset or {}
      out[#out + 1] = { "Task " .. (t.title or t.id), pairs_of { { "protocol", p.id },
         { "window", p.window and p.window .. " tokens" }, { "limit", p.limit },
         { "which windows", p.windows == "drawn" and "drawn over the text, seed " .. p.seed or p.windows },
         { "items", (p.items or 0) > 0 and p.items .. ", drawn with seed " .. p.seed or nil },
         { "shots", (p.shots or 0) > 0 and ("%d, seed %s"):format(p.shots, p.shot_seed) or nil },
         { "tokens of an answer", p.max_tokens }, { "stops", stops_text(p.stops) }, { "decoding", p.decode },
         { "normaliser", p.normaliser }, { "abstentions", p.abstentions and table.concat(p.abstentions, ", ") },
         { "dtype", p.dtype }, { "template", p.template }, { "dataset", d.name or d.id }, { "split", d.split },
         { "records", d.records }, { "size", d.bytes and format.bytes(d.bytes) }, { "licence", d.license },
         { "content", short_hash(d.sha256) } } }
   end
   for _, c in ipairs(self.report.calibrations) do
      out[#out + 1] = { "Calibration " .. c.id, pairs_of { { "name", c.name }, { "source", c.source }, { "split", c.split },
         { "a part, because", c.subset }, { "licence", c.license }, { "sequences", c.sequences },
         { "tokens", c.tokens and format.count(c.tokens) },
         { "counted tokens", c.counted_tokens ~= c.tokens and c.counted_tokens and format.count(c.counted_tokens) or nil },
         { "shortest, longest", c.longest and ("%d, %d tokens"):format(c.shortest, c.longest) },
         { "template", c.template }, { "layout", c.layout }, { "mask", c.mask }, { "seed", c.seed },
         { "records shared with evaluation", c.overlap_with_eval }, { "13-word passages in", passages_text(c.overlap) },
         { "overlap allowed, because", c.allow_overlap }, { "held-out split used, because", c.allow_held_out },
            { "content", short_hash(c.sha256) } } }
   end
   local e = self.report.environment
   out[#out + 1] = { "Environment", pairs_of { { "assay", e.assay }, { "revision", short_hash(e.revision) },
      { "LibTorch", e.libtorch }, { "device", e.device_name or e.device }, { "instructions", e.isa },
      { "threads", e.threads }, { "compute dtype", e.dtype }, { "system", e.os } } }
   return out
end

return view
