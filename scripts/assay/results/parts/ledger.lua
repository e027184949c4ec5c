-- What a run did not do as asked: fallbacks, skips, repairs, rows and prompts left out, recipes and tasks that cannot be had.
-- Parts of report.json; record.lua puts them in their place.
local native = require "assay.native"
local variants = require "assay.study.variant"
local json = native.json

local ledger = {}
local null = json.null

local function object(fields) return json.object(fields) end
local function list(t) return json.list(t or {}) end

-- Rows without gold and prompts longer than the context, of the first subject: counted here, listed in the samples.
function ledger.left_out(context, task)
   local stage = context.store:find(variants.measure_key(context, context.study:variants()[1], task))
   local result = stage and stage.result or {}
   return #(result.skipped or {}) + #(result.overlong or {})
end

local events = { fallback = "fallback", skip = "skip" }

local function left_out_message(task, kind, ids)
   return ("%s: %d %s left out: %s%s"):format(task, #ids, kind == "skipped" and "rows without a gold answer"
             or "prompts longer than the context", table.concat(ids, ", ", 1, math.min(5, #ids)),
             #ids > 5 and (" and %d more"):format(#ids - 5) or "")
end

function ledger.entries(context)
   local out = list()
   for _, variant in ipairs(context.study:variants()) do
      local stage = not variant.none and context.store:find(variants.quantize_key(context, variant))
      local saved = stage and stage.result.saved
      if saved and saved.reason then
         out[#out + 1] = object {
            { "variant", variant.id }, { "layer", null }, { "event", "note" }, { "kind", "not_saved" },
            { "message", "no checkpoint was written, so it was measured from memory: " .. saved.reason } }
      end
      for _, entry in ipairs(stage and stage.result.ledger or {}) do
         out[#out + 1] = object {
            { "variant", variant.id }, { "layer", entry.where ~= "" and entry.where or null },
            { "event", events[entry.kind] or "repair" }, { "kind", entry.kind },
            { "message", entry.text } }
      end
   end
   for _, task in ipairs(context.study.tasks) do
      local stage = context.store:find(variants.measure_key(context, context.study:variants()[1], task))
      for _, kind in ipairs { "skipped", "overlong" } do
         local ids = stage and stage.result[kind] or {}
         if #ids > 0 then
            out[#out + 1] = object {
               { "variant", null }, { "layer", null }, { "event", "skip" }, { "kind", kind },
               { "message", left_out_message(task.id, kind, ids) } }
         end
      end
   end
   return out
end

-- Recipes that cannot be made here stay in the list; tasks that cannot be run are named in the study.
function ledger.add_missing(context, report)
   report.study.not_available = list()
   for _, one in ipairs(context.study.missing) do
      report.study.not_available[#report.study.not_available + 1] = object {
         { "kind", one.kind }, { "label", one.label }, { "reason", one.reason } }
      for _, subject in ipairs(one.kind == "recipe" and context.study.subjects or {}) do
         report.variants[#report.variants + 1] = object {
            { "id", subject.id .. "/" .. one.label:lower():gsub("[^%w]+", "-") }, { "subject", subject.id },
            { "label", one.label }, { "method", one.label:match "^%w+" }, { "calibration", null },
            { "status", "not_available" }, { "reason", one.reason }, { "recipe", object { { "method", one.label } } },
            { "linears", list() } }
      end
   end
end

return ledger
