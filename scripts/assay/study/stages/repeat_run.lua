-- The A/A run: a few items of every task again on the untouched subject, computed with another number of threads. What
-- differs between two runs of one model is noise; a difference between two models below it is none.
local native = require "assay.native"
local store = require "assay.study.store"
local variants = require "assay.study.variant"
local json, sys, tensor = native.json, native.sys, native.tensor

local noise = {}

-- The task over few items; every kind names its size in one of these options. Of windows, the first of those that the task
-- has drawn: their kept states lie in that order.
local function smaller(task, n)
   local options = setmetatable({}, { __index = task.options })
   if task.options.windows then
      options.of_drawn = n
      return options
   end
   for _, name in ipairs { "items", "limit" } do
      local given = task.options[name]
      if given then options[name] = given == 0 and n or math.min(given, n) end
   end
   return options
end

function noise.key(context, variant, task)
   return { stage = "noise", of = store.hash(variants.measure_key(context, variant, task)), items = context.study.noise }
end

local function with_other_threads(body)
   local own = tensor.threads()
   local other = own == 1 and 2 or 1
   tensor.set_threads(other)
   local ok, result = pcall(body)
   tensor.set_threads(own)
   if not ok then error(result, 0) end
   return result, ("%d thread%s against %d"):format(other, other == 1 and "" or "s", own)
end

local function index_by(list, key)
   local out = {}
   for i, one in ipairs(list or {}) do out[key and one[key] or one] = i end
   return out
end

-- Largest difference, or number of flips, of the scores that both runs have.
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

-- Whether an answer came out again word for word, by item, for the items that were asked twice.
local function stable_of(again, first)
   local place, out = index_by(first, "id"), json.object()
   for _, output in ipairs(again) do
      local other = first[place[output.id]]
      if other then out[output.id] = other.text == output.text end
   end
   return out
end

local function rows_of(task, again, first)
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

-- The stage { result = { rows, how } }, was_there. variant: the untouched one, measured already.
function noise.run(context, variant, task)
   return context.store:stage(noise.key(context, variant, task), function(folder)
      local m = context.models:of_subject(variant.subject)
      local key = variants.measure_key(context, variant, task)
      local first = context.store:find(key).result
      local place = { none = false, folder = folder,
                      reference = function() return m, context.store:path(key) end }
      local again, how = with_other_threads(function()
         return task.definition.run(smaller(task, context.study.noise), m, sys.update, place)
      end)
      again = json.decode(json.encode(again))
      return json.object { { "rows", rows_of(task, again, first) }, { "how", how },
                           { "stable", again.outputs and first.outputs and stable_of(again.outputs, first.outputs) or json.null } }
   end)
end

return noise
