-- The part `labels` of report.json: how often each place (A, B, ...) was chosen in a multiple-choice task, beside how often it is
-- the right one.
local breakage = require "assay.results.breakage"
local json = require("assay.native").json
local stored = require "assay.results.stored"

local LETTERS <const> = { "A", "B", "C", "D", "E" }

local function count(values)
   local counts, places = {}, json.object()
   for _, value in ipairs(values) do counts[value] = (counts[value] or 0) + 1 end
   for value = 1, #LETTERS do if counts[value] then places[LETTERS[value]] = counts[value] end end
   return places
end

-- The row without a variant holds the right answers.
local function row_of(variant_id, task, values)
   return json.object { { "variant", variant_id or json.null }, { "task", task.id }, { "counts", count(values) } }
end

return function(run)
   local out = json.list {}
   stored.each_task(run, function(task, base, others)
      for i, row in ipairs { base, table.unpack(others) } do
         local predicted, gold = breakage.predictions(row.stage.result)
         if #predicted > 0 then
            if i == 1 then out[#out + 1] = row_of(nil, task, gold) end
            out[#out + 1] = row_of(row.variant.id, task, predicted)
         end
      end
   end)
   return out
end
