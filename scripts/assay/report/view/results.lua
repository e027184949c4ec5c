-- The result tables of a report: groups of results, their titles, and rows of texts.
local format = require "assay.report.format"
local words = require "assay.report.words"

local results = {}

-- Results grouped by task, metric and subset, in the order of their first appearance.
function results:groups()
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

-- The group of the first primary metric; if there is none, the first group.
function results:headline()
   local groups = self:groups()
   for _, group in ipairs(groups) do if group.margin then return group end end
   return groups[1]
end

-- The result of one variant in a group; nil if the variant has none there.
function results.result_of(group, variant_id)
   for _, result in ipairs(group and group.results or {}) do if result.variant == variant_id then return result end end
end

-- "Word problems (GSM8K)" for a primary metric; for others the metric is added: "Word problems (GSM8K): last number".
function results.group_title(group)
   local first = group.results[1]
   return (group.task.title or group.task.id) .. (group.subset and ", " .. group.subset or "")
      .. (first and first.primary == false and ": " .. words.metric(group.metric) or "")
end

-- How much text or how many items a group's numbers are computed from: "49,128 tokens in 24 windows".
function results.basis(group)
   local counts = group.results[1] and group.results[1].counts or {}
   if counts.tokens then
      return format.count(counts.tokens) .. " tokens" .. (counts.windows and " in " .. format.count(counts.windows)
         .. " windows" or "")
   end
   if counts.items then return format.count(counts.items) .. " items" end
   return ""
end

-- The scores that need no model, as a text: "random choice 25.0 %, commonest answer 27.1 %".
function results.baselines(group)
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

-- Rows of a result table as texts. html/ leaves out the columns `flips`, `p` and `mde` if all of their texts are empty.
function results:result_rows(group)
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

return results
