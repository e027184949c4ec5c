-- m:sensitivity(quantized, sequences, { swap = true, gradient = true, fused = true }): what each part of a quantized model costs. The
-- cost is the KL divergence from the float model, in nats per token, when this part alone is quantized. It is measured by a swap (the
-- float model gets the part's quantized weights) or predicted from a gradient. host/insight/sensitivity.hpp does both; this file prints.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local options = require "assay.lib.options"

local sensitivity_class = { __name = "sensitivity" }
sensitivity_class.__index = sensitivity_class

local spec = {
   swap = { type = "boolean", default = true, about = "run the model once for each part" },
   gradient = { type = "boolean", default = true, about = "predict all parts from one backward pass" },
   fused = { type = "boolean", default = true, about = "q, k, v are one part, gate and up another" },
}

local function score(unit) return unit.kl or unit.gradient end

-- The parts, the most costly first.
function sensitivity_class:ranked()
   local list = table.move(self.units, 1, #self.units, 1, {})
   table.sort(list, function(a, b)
      if score(a) ~= score(b) then return score(a) > score(b) end
      return a.name < b.name
   end)
   return list
end

-- Spearman's rank correlation of measured (kl) and predicted (gradient) costs: 1 if both put the parts into the same order.
function sensitivity_class:agreement()
   local function ranks(key)
      local order, rank = {}, {}
      for i in ipairs(self.units) do order[i] = i end
      table.sort(order, function(a, b)
         local x, y = self.units[a][key], self.units[b][key]
         if x ~= y then return x < y end
         return a < b
      end)
      for place, i in ipairs(order) do rank[i] = place end
      return rank
   end
   local n, a, b, sum = #self.units, ranks "kl", ranks "gradient", 0
   for i = 1, n do sum = sum + (a[i] - b[i]) ^ 2 end
   return 1 - 6 * sum / (n * (n * n - 1))
end

function sensitivity_class:__tostring()
   local lines = { ("KL of the whole model %.5f nats over %d tokens"):format(self.full, self.tokens) }
   if self.control then
      lines[#lines + 1] = ("control, a swap of nothing: %g (must be 0); whole divided by sum of parts %.3f"):format(
         self.control, self.additivity)
   end
   for i, unit in ipairs(self:ranked()) do
      if i > 12 then break end
      lines[#lines + 1] = ("%-34s %5.2f bits  kl %s  gradient %s"):format(unit.name, unit.bits,
         unit.kl and ("%.6f"):format(unit.kl) or "-", unit.gradient and ("%.6f"):format(unit.gradient) or "-")
   end
   return table.concat(lines, "\n")
end

return function(reference, quantized, calibration, given)
   local o = options.check("sensitivity", given, spec)
   local data = calibration
   if type(data) == "table" and data.tokens_for then data = data:tokens_for(reference) end
   local found = reference:sensitivity_data(quantized, data, o)
   if found.control and found.control ~= 0 then
      fail.work(("sensitivity: a swap of nothing changed the output by %g nats"):format(found.control),
                { hint = "Two forward passes of this machine differ: no swap can be believed" })
   end
   native.sys.finish()
   return setmetatable(found, sensitivity_class)
end
