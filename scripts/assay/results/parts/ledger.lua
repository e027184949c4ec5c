-- The part `ledger` of report.json: everything that a run did otherwise than asked. It lists fallbacks, skips and repairs of the
-- quantizers, variants without a checkpoint, and rows and prompts that were left out.
local json = require("assay.native").json
local null, object = json.null, json.object

local EVENTS <const> = { fallback = "fallback", skip = "skip" }

local function add_variant(out, variant)
   local made = variant.made and variant.made.result or {}
   if made.saved and made.saved.reason then
      out[#out + 1] = object {
         { "variant", variant.id }, { "layer", null }, { "event", "note" }, { "kind", "not_saved" },
         { "message", "no checkpoint was written, so it was measured from memory: " .. made.saved.reason } }
   end
   for _, entry in ipairs(made.ledger or {}) do
      out[#out + 1] = object {
         { "variant", variant.id }, { "layer", entry.where ~= "" and entry.where or null },
         { "event", EVENTS[entry.kind] or "repair" }, { "kind", entry.kind }, { "message", entry.text } }
   end
end

local LEFT_OUT <const> = { { "skipped", "rows without a gold answer" }, { "overlong", "prompts longer than the context" } }

-- Every variant leaves out the same items, so the first variant's list is enough.
local function add_task(out, run, task)
   local stage = run.variants[1] and run.variants[1].measured[task.id]
   for _, one in ipairs(LEFT_OUT) do
      local kind, what = table.unpack(one)
      local ids = stage and stage.result[kind] or {}
      if #ids > 0 then
         out[#out + 1] = object {
            { "variant", null }, { "layer", null }, { "event", "skip" }, { "kind", kind },
            { "message", ("%s: %d %s left out: %s%s"):format(task.id, #ids, what,
               table.concat(ids, ", ", 1, math.min(5, #ids)), #ids > 5 and (" and %d more"):format(#ids - 5) or "") } }
      end
   end
end

return function(run)
   local out = json.list {}
   for _, variant in ipairs(run.variants) do add_variant(out, variant) end
   for _, task in ipairs(run.study.tasks) do add_task(out, run, task) end
   return out
end
