-- The part `results` of report.json: the rows of results/comparisons.lua, with their verdicts, as JSON objects. This file
-- only puts each row's fields into a fixed order.
local json = require("assay.native").json
local list, null, object = json.list, json.null, json.object

local function interval_part(i)
   if not i then return null end
   return object { { "low", i.low }, { "high", i.high }, { "level", i.level }, { "method", i.method } }
end

-- p: { p, p_method, p_holm | p_bh }, as results/families.lua makes it.
local function paired_part(paired, p)
   if not paired then return null end
   local out = object { { "against", paired.against }, { "quantity", paired.quantity } }
   out.unit = paired.unit
   for _, key in ipairs { "estimate", "low", "high", "level", "method" } do out[key] = paired[key] end
   out.p = p.p
   out.p_method = p.p_method
   out.p_holm = p.p_holm or null
   for _, key in ipairs { "p_mcnemar", "flips", "gained", "lost", "answer_change" } do out[key] = paired[key] end
   out.p_bh = p.p_bh
   return out
end

local function mde_part(mde)
   return mde and object { { "value", mde.value }, { "unit", mde.unit }, { "power", mde.power } } or null
end

-- The keys after the numbers, in order: for a comparison, for one that gate P8 excluded, and for the row of an untouched model.
local COMPARED <const> = { "reason", "series", "primary", "below_noise", "verdict", "within_margin" }
local EXCLUDED <const> = { "series", "primary", "below_noise", "reason", "verdict", "excluded" }
local REFERENCE <const> = { "verdict", "reason", "series", "primary" }

local function entry_of(row, p)
   local out = object {
      { "variant", row.variant }, { "task", row.task }, { "metric", row.metric }, { "subset", null },
      { "value", row.value or null }, { "unit", row.unit }, { "direction", row.direction }, { "kind", row.kind },
      { "counts", row.counts }, { "interval", interval_part(row.interval) }, { "paired", paired_part(row.paired, p) },
      { "mde", mde_part(row.mde) } }
   out.prompt_hash = row.prompt_hash
   for _, key in ipairs(row.reference and REFERENCE or row.excluded and EXCLUDED or COMPARED) do out[key] = row[key] end
   if row.reason == nil then out.reason = null end
   return out
end

-- rows: with verdicts, in order. p_values[i]: the p values of rows[i] (results/families.lua), nil if there is no comparison.
return function(rows, p_values)
   local out = list {}
   for i, row in ipairs(rows) do out[i] = entry_of(row, p_values[i]) end
   return out
end
