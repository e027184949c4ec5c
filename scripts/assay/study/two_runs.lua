-- Measures by how much two runs of one task on one model differ, in scores, answers and divergence (for the stage repeat_run).
-- In all functions `again` is the result over a few items, and `first` is the result over all items.
local json = require("assay.native").json

local two_runs = {}

-- The places of a list's entries: { [entry[key]] = place } with a key such as "id", { [entry] = place } without a key.
local function index_by(list, key)
   local out = {}
   for i, one in ipairs(list or {}) do out[key and one[key] or one] = i end
   return out
end

-- Compares the scores that both runs have: the number of flips for right and wrong, else the largest difference. place: { [item id] =
-- its place in `first` }, or nil if items have no ids.
local function compare_scores(name, metric, first, ids, place)
   local n, largest, flips = 0, 0, 0
   for i, score in ipairs(metric.scores) do
      local other = first.scores[place and ids[i] and place[ids[i]] or i]
      if other then
         n = n + 1
         largest = math.max(largest, math.abs(score - other))
         if score ~= other then flips = flips + 1 end
      end
   end
   local binary = metric.kind == "binary"
   return { metric = name, items = n, quantity = binary and "flips" or "largest difference",
            value = binary and flips or largest,
            unit = binary and "count" or metric.link == "exp" and "nats" or metric.unit }
end

-- Counts the answers whose texts differ.
local function compare_outputs(again, first)
   local place, n, changed = index_by(first, "id"), 0, 0
   for _, output in ipairs(again) do
      local other = first[place[output.id]]
      if other then
         n = n + 1
         if other.text ~= output.text then changed = changed + 1 end
      end
   end
   return { metric = "text", items = n, quantity = "other answers", value = changed, unit = "count" }
end

-- { [item id] = whether both answers are equal word for word }, for the items that were asked twice.
function two_runs.stable(again, first)
   local place, out = index_by(first, "id"), json.object()
   for _, output in ipairs(again) do
      local other = first[place[output.id]]
      if other then out[output.id] = other.text == output.text end
   end
   return out
end

-- One row for each metric, for the answers and for the divergence that both runs have: { metric, items, quantity, value, unit }.
function two_runs.differences(task, again, first)
   local rows = json.list {}
   for _, declared in ipairs(task.definition.metrics) do
      local name = declared.name
      local metric, other = (again.metrics or {})[name], (first.metrics or {})[name]
      if metric and other then
         local ids = again.ids or {}
         rows[#rows + 1] = compare_scores(name, metric, other, ids, #ids > 0 and index_by(first.ids) or nil)
      end
   end
   if again.outputs and first.outputs then rows[#rows + 1] = compare_outputs(again.outputs, first.outputs) end
   if again.distance then
      rows[#rows + 1] = { metric = "kld", items = again.counts.windows, quantity = "divergence from itself",
                          value = again.distance.kld.value, unit = "nats" }
   end
   return rows
end

return two_runs
