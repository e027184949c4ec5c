-- The part `changed_answers` of report.json: how many answers of a multiple-choice task change. The items are split into
-- four quarters by how sure the untouched model was of its choice. Rounding changes undecided answers; damage also changes sure ones.
local json = require("assay.native").json
local stored = require "assay.results.stored"

local QUARTERS <const> = 4
local FEWEST <const> = 5 -- items of a quarter; a share of fewer items says nothing

-- How sure a model is of its choice: the log-likelihood of its likeliest choice minus that of the second, in nats. Nil if a
-- log-likelihood is missing or there is only one choice.
local function lead(choice)
   local first, second = -math.huge, -math.huge
   for _, value in ipairs(choice.lls or {}) do
      if type(value) ~= "number" then return nil end
      if value > first then
         first, second = value, first
      elseif value > second then
         second = value
      end
   end
   return second > -math.huge and first - second or nil
end

-- The items, the least sure first: { { lead, changed, flipped }, ... }. changed: another choice; flipped: right became wrong or wrong
-- became right. own, base: choices of the variant and the untouched model in the same order of items.
local function sorted_items(own, base)
   local items = {}
   for i, one in ipairs(base) do
      local by = lead(one)
      if by and own[i] then
         items[#items + 1] = { lead = by, place = i, changed = own[i].pred ~= one.pred,
                               flipped = (own[i].pred == one.gold) ~= (one.pred == one.gold) }
      end
   end
   table.sort(items, function(a, b)
      if a.lead ~= b.lead then return a.lead < b.lead end
      return a.place < b.place
   end)
   return items
end

-- { { from, to, items, changed, flips }, ... }; nil for too few items.
local function quarters_of(own, base)
   local items, out = sorted_items(own, base), json.list {}
   if #items < QUARTERS * FEWEST then return nil end
   for q = 1, QUARTERS do
      local first, last = (q - 1) * #items // QUARTERS + 1, q * #items // QUARTERS
      local changed, flips = 0, 0
      for i = first, last do
         if items[i].changed then changed = changed + 1 end
         if items[i].flipped then flips = flips + 1 end
      end
      out[q] = json.object { { "from", items[first].lead }, { "to", items[last].lead }, { "items", last - first + 1 },
                             { "changed", changed }, { "flips", flips } }
   end
   return out
end

return function(run)
   local out = json.list {}
   stored.each_task(run, function(task, base, others)
      local choices = base.stage.result.choices
      for _, row in ipairs(choices and others or {}) do
         local quarters = quarters_of(row.stage.result.choices or {}, choices)
         if quarters then
            out[#out + 1] = json.object { { "variant", row.variant.id }, { "task", task.id }, { "unit", "nats" },
                                          { "quarters", quarters } }
         end
      end
   end)
   return out
end
