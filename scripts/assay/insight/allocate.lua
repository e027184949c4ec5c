-- assay.allocate { model = m, calibration = c, bits = { 3, 4, 5, 6, 8 }, target = 4.5 }: chooses the bits of each part of a model so
-- that the whole stays within a target, in bits per quantized weight with scales and zeros counted. A part is one
-- linear, or those that inference programs store as one matrix (q, k and v; gate and up). The costs of parts are
-- assumed to add up; a:check(q) compares the loss that follows from this assumption with the real loss.
local fail = require "assay.lib.fail"
local method = require "assay.recipe"
local native = require "assay.native"
local options = require "assay.lib.options"

local allocation_class = { __name = "allocation" }
allocation_class.__index = allocation_class

local spec = {
   model = { type = "model", required = true, about = "the untouched model" },
   calibration = { type = "table", required = true, about = "assay.calibration: statistics of the trial recipes" },
   sequences = { type = "table", about = "sequences that costs are measured on (default: two of the calibration)" },
   method = { type = "string", default = "opt_rtn", about = "method of the trials; the default is fast and ranks the parts as other methods do" },
   bits = { type = "list", about = "widths to choose from (default 3, 4, 5, 6, 8)" },
   group = { type = "integer", default = 64, min = -1, about = "weights per scale" },
   target = { type = "number", required = true, min = 1, max = 16, about = "bits per quantized weight, with scales and zeros counted" },
   measure = { type = "string", default = "gradient", one_of = { "gradient", "kl" },
               about = "gradient: one backward pass for each width; kl: one run of the model for each part and width" },
}

-- The first n sequences of a calibration as plain data.
local function first_sequences(calibration, model, n)
   local ids = calibration:tokens_for(model).ids
   return { ids = table.move(ids, 1, math.min(n, #ids), 1, {}) }
end

-- Returns the costs of every part at every width: { { name, linears, parameters, choices = { { label, bits, damage } } }, ... }.
-- bits: the sum over all weights of the part, scales included. damage: KL divergence from the untouched model in nats.
local function costs(o, sequences)
   local units, order = {}, {}
   for _, bits in ipairs(o.bits) do
      local q = o.model:quantize(method[o.method] { bits = bits, group = o.group }, o.calibration)
      local found = o.model:sensitivity(q, sequences,
                                        { swap = o.measure == "kl", gradient = o.measure == "gradient" })
      for _, unit in ipairs(found.units) do
         if not units[unit.name] then
            order[#order + 1] = unit.name
            units[unit.name] = { name = unit.name, linears = unit.linears, parameters = unit.parameters,
                                 choices = {} }
         end
         table.insert(units[unit.name].choices, { label = tostring(bits), bits = unit.bits * unit.parameters,
                                                  damage = unit.kl or unit.gradient })
      end
   end
   local list = {}
   for i, name in ipairs(order) do list[i] = units[name] end
   return list
end

-- The widths of the linears as `overrides` of any recipe: assay.method.gptq { overrides = a:overrides() }.
function allocation_class:overrides()
   local list = {}
   for _, unit in ipairs(self.units) do
      for _, linear in ipairs(unit.linears) do
         list[#list + 1] = { match = linear, config = { bits = math.tointeger(tonumber(unit.chosen)) } }
      end
   end
   return list
end

-- Compares the predicted loss with the real loss of `quantized`, a model that was made with this allocation. Both are mean KL
-- divergences in nats on the same sequences.
function allocation_class:check(quantized)
   local real = self.model:divergence(quantized, self.sequences).kl
   return { predicted = self.predicted, measured = real, ratio = real / self.predicted,
            bits = quantized.summary.bits_per_quantized_weight }
end

-- Text for print. "no allocation below" is followed by a lower bound: no choice of bits within the target has a smaller predicted loss.
function allocation_class:__tostring()
   local counts, widths = {}, {}
   for _, unit in ipairs(self.units) do
      if not counts[unit.chosen] then widths[#widths + 1] = unit.chosen end
      counts[unit.chosen] = (counts[unit.chosen] or 0) + 1
   end
   table.sort(widths)
   for i, width in ipairs(widths) do widths[i] = ("%d parts at %s bits"):format(counts[width], width) end
   return ("allocation: %.3f bits per quantized weight (target %g), predicted %.5f nats, no allocation below %.5f; %s")
      :format(self.bits, self.target, self.predicted, self.bound, table.concat(widths, ", "))
end

return function(given)
   local o = options.check("assay.allocate", given, spec)
   o.bits = o.bits or { 3, 4, 5, 6, 8 }
   if #o.bits < 2 then fail.usage "assay.allocate: 'bits' must name at least two widths" end
   local sequences = o.sequences or first_sequences(o.calibration, o.model, 2)
   local units = costs(o, sequences)
   local parameters = 0
   for _, unit in ipairs(units) do parameters = parameters + unit.parameters end
   local found = native.quant.allocate(units, o.target * parameters)
   for _, unit in ipairs(units) do unit.chosen = found.chosen[unit.name] end
   return setmetatable({ units = units, bits = found.bits / parameters, target = o.target, model = o.model,
                         sequences = sequences, predicted = found.damage, bound = found.bound },
                       allocation_class)
end
