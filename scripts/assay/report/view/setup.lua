-- The cards at the end of a report, as lists of names and texts: subjects, protocols of tasks, calibrations, environment.
local format = require "assay.report.format"

local setup = {}

-- The pairs { name, text } that have a text.
local function pairs_of(list)
   local out = {}
   for _, item in ipairs(list) do if item[2] ~= nil and item[2] ~= "" then out[#out + 1] = { item[1],
      tostring(item[2]) } end end
   return out
end

local function short_hash(hash) return hash and hash:sub(1, 12) end

-- How many records of each task share a passage of 13 words with the calibration: "arc_easy: 2 of 2,376 records, no record of the
-- other 3 tasks".
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

local function subject_card(s)
   return { "Subject " .. (s.name or s.id), pairs_of {
      { "architecture", s.architecture }, { "parameters", s.parameters and format.count(s.parameters) },
      { "in linears", s.linear_parameters and format.count(s.linear_parameters) }, { "blocks", s.blocks },
      { "head tied to embedding", s.tied_head ~= nil and (s.tied_head and "yes" or "no") or nil }, { "licence", s.license },
      { "fingerprint", short_hash(s.fingerprint) }, { "provenance", s.provenance_note } } }
end

local function task_card(t)
   local p, d = t.protocol or {}, t.dataset or {}
   return { "Task " .. (t.title or t.id), pairs_of {
      { "protocol", p.id }, { "window", p.window and p.window .. " tokens" }, { "limit", p.limit },
      { "which windows", p.windows == "drawn" and "drawn over the text, seed " .. p.seed or p.windows },
      { "items", (p.items or 0) > 0 and p.items .. ", drawn with seed " .. p.seed or nil },
      { "shots", (p.shots or 0) > 0 and ("%d, seed %s"):format(p.shots, p.shot_seed) or nil },
      { "tokens of an answer", p.max_tokens }, { "stops", stops_text(p.stops) }, { "decoding", p.decode },
      { "normaliser", p.normaliser }, { "abstentions", p.abstentions and table.concat(p.abstentions, ", ") },
      { "dtype", p.dtype }, { "template", p.template }, { "dataset", d.name or d.id }, { "split", d.split },
      { "records", d.records }, { "size", d.bytes and format.bytes(d.bytes) }, { "licence", d.license },
      { "content", short_hash(d.sha256) } } }
end

local function calibration_card(c)
   return { "Calibration " .. c.id, pairs_of {
      { "name", c.name }, { "source", c.source }, { "split", c.split }, { "a part, because", c.subset },
      { "licence", c.license }, { "sequences", c.sequences }, { "tokens", c.tokens and format.count(c.tokens) },
      { "counted tokens", c.counted_tokens ~= c.tokens and c.counted_tokens and format.count(c.counted_tokens) or nil },
      { "shortest, longest", c.longest and ("%d, %d tokens"):format(c.shortest, c.longest) },
      { "template", c.template }, { "layout", c.layout }, { "mask", c.mask }, { "seed", c.seed },
      { "records shared with evaluation", c.overlap_with_eval }, { "13-word passages in", passages_text(c.overlap) },
      { "overlap allowed, because", c.allow_overlap }, { "held-out split used, because", c.allow_held_out },
      { "content", short_hash(c.sha256) } } }
end

local function environment_card(e)
   return { "Environment", pairs_of {
      { "assay", e.assay }, { "revision", short_hash(e.revision) }, { "LibTorch", e.libtorch },
      { "device", e.device_name or e.device }, { "instructions", e.isa }, { "threads", e.threads },
      { "compute dtype", e.dtype }, { "system", e.os } } }
end

-- Returns all cards: { { title, { { name, text }, ... } }, ... }.
function setup:cards()
   local out = {}
   local function add(list, card_of) for _, item in ipairs(list) do out[#out + 1] = card_of(item) end end
   add(self.report.subjects, subject_card)
   add(self.report.tasks, task_card)
   add(self.report.calibrations, calibration_card)
   add({ self.report.environment }, environment_card)
   return out
end

return setup
