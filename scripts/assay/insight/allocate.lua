-- assay.allocate { model = m, calibration = c, bits = { 3, 4, 5, 6, 8 }, target = 4.5 }: chooses the bits of each part of a model so
-- that the whole stays within a target, in bits per quantized weight with scales and zeros counted. A part is one
-- linear, or those that inference programs store as one matrix (q, k and v; gate and up). The costs of parts are
-- assumed to add up; a:check(q) compares the loss that follows from this assumption with the real loss.
-- assay.allocate { model = m, calibration = c, mixture = "Q4_K_M" } chooses a type of GGUF blocks for each linear instead, within the size
-- that the mixture gives the linears. assay.method.gguf_best { allocation = a } makes the model.
local fail = require "assay.lib.fail"
local method = require "assay.recipe"
local mixtures = require "assay.recipe.mixtures"
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
   target = { type = "number", min = 1, max = 16, about = "bits per quantized weight, with scales and zeros counted" },
   mixture = { type = "string", one_of = mixtures.names(), about = "GGUF blocks within the size of this mixture, in place of target" },
   types = { type = "list", about = "types of blocks to choose from (default Q3_K, IQ4_XS, Q4_K, Q5_K, Q6_K, Q8_0)" },
   keep = { type = "list", about = "linears that stay in float (default lm_head)" },
   measure = { type = "string", default = "gradient", one_of = { "gradient", "kl" },
               about = "gradient: one backward pass for each width; kl: one run of the model for each part and width" },
}

-- The first n sequences of a calibration as plain data.
local function first_sequences(calibration, model, n)
   local ids = calibration:tokens_for(model).ids
   return { ids = table.move(ids, 1, math.min(n, #ids), 1, {}) }
end

-- The trial recipes, each with the label of its choice: one for each width, or for each type of blocks.
local function trials(o)
   local list = {}
   for _, bits in ipairs(o.mixture and {} or o.bits) do
      list[#list + 1] = { label = tostring(bits), recipe = method[o.method] { bits = bits, group = o.group, keep = o.keep } }
   end
   for _, type in ipairs(o.mixture and o.types or {}) do
      local quantizer = { id = "kquant", config = { type = type, feedback = false } }
      list[#list + 1] = { label = type, recipe = { data = { method = "kquant", quantizer = quantizer, keep = o.keep or { "lm_head" } } } }
   end
   return list
end

-- The bits per weight that the mixture gives the linears, counted on the quantized model.
local function bits_of_mixture(o)
   local recipe = method.gguf { mixture = o.mixture, search = "reference", feedback = false, embeddings = false,
                                keep = o.keep and table.move(o.keep, 1, #o.keep, 1, {}) }
   recipe.data.overrides = select(2, mixtures.rules(o.mixture, true)) -- its sizes where blocks are searched by importance
   return o.model:quantize(recipe).summary.bits_per_quantized_weight
end

-- Returns the costs of every part at every width: { { name, linears, parameters, choices = { { label, bits, damage } } }, ... }.
-- bits: the sum over all weights of the part, scales included. damage: KL divergence from the untouched model in nats.
local function costs(o, sequences)
   local units, order = {}, {}
   for _, trial in ipairs(trials(o)) do
      local q = o.model:quantize(trial.recipe, o.calibration)
      local found = o.model:sensitivity(q, sequences, { swap = o.measure == "kl", gradient = o.measure == "gradient",
                                                        fused = o.mixture == nil })
      for _, unit in ipairs(found.units) do
         if not units[unit.name] then
            order[#order + 1] = unit.name
            units[unit.name] = { name = unit.name, linears = unit.linears, parameters = unit.parameters,
                                 choices = {} }
         end
         table.insert(units[unit.name].choices, { label = trial.label, bits = unit.bits * unit.parameters,
                                                  damage = unit.kl or unit.gradient })
      end
   end
   local list = {}
   for i, name in ipairs(order) do list[i] = units[name] end
   return list
end

-- The widths (or types) of the linears as `overrides` of any recipe: assay.method.gptq { overrides = a:overrides() }.
function allocation_class:overrides()
   local list = {}
   for _, unit in ipairs(self.units) do
      for _, linear in ipairs(unit.linears) do
         local config = self.mixture and { type = unit.chosen, raised_where = "nowhere" } or
                        { bits = math.tointeger(tonumber(unit.chosen)) }
         list[#list + 1] = { match = linear, config = config }
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
   local words = self.mixture and "%d parts %s" or "%d parts at %s bits"
   for i, width in ipairs(widths) do widths[i] = words:format(counts[width], width) end
   return ("allocation: %.3f bits per quantized weight (target %g), predicted %.5f nats, no allocation below %.5f; %s")
      :format(self.bits, self.target, self.predicted, self.bound, table.concat(widths, ", "))
end

return function(given)
   local o = options.check("assay.allocate", given, spec)
   o.bits = o.bits or { 3, 4, 5, 6, 8 }
   o.types = o.types or { "Q3_K", "IQ4_XS", "Q4_K", "Q5_K", "Q6_K", "Q8_0" }
   if #o.bits < 2 then fail.usage "assay.allocate: 'bits' must name at least two widths" end
   if #o.types < 2 then fail.usage "assay.allocate: 'types' must name at least two types" end
   if (o.target == nil) == (o.mixture == nil) then fail.usage "assay.allocate: give either 'target' or 'mixture'" end
   if o.mixture then o.target = bits_of_mixture(o) end
   local sequences = o.sequences or first_sequences(o.calibration, o.model, 2)
   local units = costs(o, sequences)
   local parameters = 0
   for _, unit in ipairs(units) do parameters = parameters + unit.parameters end
   local found = native.quant.allocate(units, o.target * parameters)
   for _, unit in ipairs(units) do unit.chosen = found.chosen[unit.name] end
   return setmetatable({ units = units, bits = found.bits / parameters, target = o.target, model = o.model, mixture = o.mixture,
                         sequences = sequences, predicted = found.damage, bound = found.bound },
                       allocation_class)
end
