-- How many answers of a choice task change, by how far the untouched model's first choice led its second: rounding changes what
-- was undecided, damage changes what was sure (evaluation.md 2.6). Not the comparison of scores (judge_items.lua).
local native = require "assay.native"
local json = native.json

local QUARTERS <const> = 4
local FEWEST <const> = 5 -- items of a quarter, below which its share says nothing

-- Nats from the likeliest choice to the second; nil where a log-likelihood is missing or there is one choice.
local function lead(choice)
   local first, second = -math.huge, -math.huge
   for _, value in ipairs(choice.lls or {}) do
      if type(value) ~= "number" then return nil end
      if value > first then first, second = value, first elseif value > second then second = value end
   end
   return second > -math.huge and first - second or nil
end

-- { { from, to, items, changed, flips }, ... } from least to most sure; nil for too few items. own, base: choices in one order.
local function quarters_of(own, base)
   local items = {}
   for i, one in ipairs(base) do
      local margin = lead(one)
      if margin and own[i] then
         items[#items + 1] = { margin = margin, place = i, changed = own[i].pred ~= one.pred,
                               flipped = (own[i].pred == one.gold) ~= (one.pred == one.gold) }
      end
   end
   if #items < QUARTERS * FEWEST then return nil end
   table.sort(items, function(a, b)
      if a.margin ~= b.margin then return a.margin < b.margin end
      return a.place < b.place
   end)
   local out = json.list {}
   for q = 1, QUARTERS do
      local first, last = (q - 1) * #items // QUARTERS + 1, q * #items // QUARTERS
      local part = { from = items[first].margin, to = items[last].margin, items = last - first + 1, changed = 0, flips = 0 }
      for i = first, last do
         if items[i].changed then part.changed = part.changed + 1 end
         if items[i].flipped then part.flips = part.flips + 1 end
      end
      out[q] = json.object { { "from", part.from }, { "to", part.to }, { "items", part.items }, { "changed", part.changed },
                             { "flips", part.flips } }
   end
   return out
end

-- Rows of `changed_answers` in report.json. measured(context, task, subject) as in record.lua.
return function(context, measured)
   local out = json.list {}
   for _, task in ipairs(context.study.tasks) do
      for _, subject in ipairs(context.study.subjects) do
         local rows = measured(context, task, subject)
         local base = rows[1] and rows[1].variant.none and rows[1].stage.result.choices
         for k = 2, base and #rows or 0 do
            local quarters = quarters_of(rows[k].stage.result.choices or {}, base)
            if quarters then
               out[#out + 1] = json.object { { "variant", rows[k].variant.id }, { "task", task.id }, { "unit", "nats" },
                                             { "quarters", quarters } }
            end
         end
      end
   end
   return out
end
