-- The part `generations` of report.json: greedy answers of all variants side by side. Each has the place where it first differs from
-- the untouched model's answer, and the signs of broken output that it shows.
local detectors = require "assay.detectors"
local json = require("assay.native").json
local stored = require "assay.results.stored"
local list, null, object = json.list, json.null, json.object

local LONGEST_TEXT <const> = 100000 -- the detectors look at this many bytes of an answer

-- The first token of `output` (counted from 0) that differs from the reference's answer, and the bytes where it begins and ends; null
-- if nothing differs.
local function divergence(reference, output)
   if reference == output then return null end
   local a, b = reference.ids, output.ids
   for i = 1, math.max(#a, #b) do
      if a[i] ~= b[i] then
         return object { { "token", i - 1 }, { "byte", output.ends[i - 1] or 0 }, { "end_byte", output.ends[i] or null } }
      end
   end
   return null
end

-- The i-th prompt with the answers of all variants. rows: { { variant, stage }, ... }, the untouched model first.
local function item_of(task, rows, i)
   local prompt, outputs = rows[1].stage.result.outputs[i], list {}
   for k, row in ipairs(rows) do
      local o = row.stage.result.outputs[i]
      outputs[k] = object { { "variant", row.variant.id }, { "text", o.text }, { "tokens", #o.ids }, { "finish", o.finish },
                            { "divergence", divergence(prompt, o) } }
   end
   return object {
      { "prompt_id", prompt.prompt_id }, { "category", prompt.category }, { "prompt", prompt.prompt }, { "task", task.id },
      { "decode", object { { "temperature", 0 }, { "max_tokens", task.options.max_tokens } } }, { "outputs", outputs } }
end

-- Returns the records that the detectors read, and the outputs of one variant over all prompts. A record is made only from what the
-- report holds. The report has no token ids, so loops are looked for in bytes.
local function records_of(generations, variant_id)
   local records, outputs = {}, {}
   for _, item in ipairs(generations) do
      for _, output in ipairs(item.outputs) do
         if output.variant == variant_id then
            records[#records + 1] = { text = output.text, prompt = item.prompt, finish = output.finish,
                                      tokens = output.tokens, bytes = { output.text:byte(1, math.min(#output.text, LONGEST_TEXT)) } }
            outputs[#outputs + 1] = output
         end
      end
   end
   return records, outputs
end

local function sorted_ids(flags)
   local ids = list {}
   for id in pairs(flags) do ids[#ids + 1] = id end
   table.sort(ids)
   return ids
end

local generations = {}

-- Adds `flags` to each output that shows a sign. variants: { { id, reference = id of the untouched variant }, ... }.
function generations.add_flags(items, variants)
   for _, variant in ipairs(#items > 0 and variants or {}) do
      local records, outputs = records_of(items, variant.id)
      local base = records_of(items, variant.reference)
      local _, flags = detectors.compare.count(records, detectors.compare.summary(base))
      for i, output in ipairs(outputs) do
         if next(flags[i]) then output.flags = sorted_ids(flags[i]) end
      end
   end
   return items
end

function generations.part(run)
   local out, variants = list {}, {}
   for i, variant in ipairs(run.variants) do
      variants[i] = { id = variant.id, reference = variant.subject.id .. "/none" }
   end
   for _, task in ipairs(run.study.tasks) do
      for _, subject in ipairs(task.definition.kind == "generations" and run.study.subjects or {}) do
         local rows = stored.rows(run, task, subject)
         for i in ipairs(rows[1] and rows[1].stage.result.outputs or {}) do out[#out + 1] = item_of(task, rows, i) end
      end
   end
   return generations.add_flags(out, variants)
end

return generations
