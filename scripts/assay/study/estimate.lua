-- Estimates for a plan: the seconds and bytes that stages will take. They come from the header of a model and a short speed
-- measurement of this machine. No result depends on them.
local native = require "assay.native"
local stage_list = require "assay.study.stage_list"
local subjects = require "assay.study.subjects"

local estimate = {}

local EFFICIENCY <const> = 0.6      -- speed of a whole forward pass as a share of the measured speed of matrix products (GEMM)
local PROGRAM_MEMORY <const> = 300e6 -- bytes that the program needs beside the models

local dtype_bytes = { float32 = 4, bfloat16 = 2, float16 = 2, float64 = 8 }

estimate.WRITE_RATE = 400e6 -- bytes per second of saving or reading a model

-- { rate = FLOP/s of a matrix product, value_bytes = bytes of one weight in memory }
function estimate.machine()
   return { rate = native.tensor.gemm_rate(), value_bytes = dtype_bytes[native.sys.settings().dtype] or 4 }
end

-- Bits of one quantized weight with its share of scales and zero points. Bits and group size come from the recipe's configuration. If the
-- quantizer has no such option, they come from its facts. Without either, 16 bits are assumed. Without a quantizer: the bits as stored.
local function linear_bits(recipe, facts)
   local q = recipe.data.quantizer
   if not q then return 8 * facts.tensor_bytes / facts.parameters end
   local c = native.plugin.check("quantizer", q.id, q.config or {})
   local fixed = native.plugin.describe("quantizer", q.id).facts
   local bits, group = c.bits or fixed.bits or 16, c.group_size or fixed.group_size or -1
   local per_group = 16 + (c.symmetric == false and bits or 0)
   return group > 0 and bits + per_group / group or bits + per_group / facts.hidden
end

-- { linear_bits, bits, bytes } of a variant: bits per weight of its linears, bits per weight of all parameters, bytes of its file.
function estimate.sizes(variant)
   local facts = subjects.facts(variant.subject)
   local bits = linear_bits(variant.recipe, facts)
   local rest = (facts.parameters - facts.linear_parameters) * facts.tensor_bytes / facts.parameters
   local bytes = variant.none and facts.tensor_bytes or facts.linear_parameters * bits / 8 + rest
   return { linear_bits = bits, bits = 8 * bytes / facts.parameters, bytes = bytes }
end

-- Seconds of `count` floating-point operations inside a forward pass.
function estimate.operations(machine, count) return count / (machine.rate * EFFICIENCY) end

-- Seconds of a forward pass over `tokens` tokens.
function estimate.forward(machine, facts, tokens)
   return estimate.operations(machine, tokens * 2 * (facts.linear_parameters + facts.vocabulary * facts.hidden))
end

-- Bytes of memory with `copies` copies of a subject's weights.
function estimate.memory(machine, subject, copies)
   return subjects.facts(subject).parameters * machine.value_bytes * copies + PROGRAM_MEMORY
end

-- Tokens that a task reads or writes for one variant.
function estimate.tokens(task)
   return task.definition.tokens and task.definition.tokens(task.options) or 32768
end

local function add(row, cost)
   row.seconds = row.seconds + cost.seconds
   row.memory = math.max(row.memory, cost.memory or 0)
   row.disk = row.disk + (cost.disk or 0)
end

-- Estimates for a whole study: { variants = { { id, label, bits, linear_bits, bytes, seconds, memory, disk } }, stages = { { label,
-- seconds, memory, disk } }, seconds, memory, disk, rate }. Memory and disk are in bytes. Seconds and disk are sums; memory is the
-- largest value, since one stage runs at a time.
function estimate.study(study)
   local machine, by_id = estimate.machine(), {}
   local total = { variants = {}, stages = {}, seconds = 0, memory = 0, disk = 0, rate = machine.rate }
   for i, variant in ipairs(study:variants()) do
      local row = estimate.sizes(variant)
      row.id, row.label, row.seconds, row.memory, row.disk = variant.id, variant.recipe.label, 0, 0, 0
      total.variants[i], by_id[variant.id] = row, row
   end
   for i, stage in ipairs(stage_list.of(study)) do
      local cost = stage.class.estimate(machine, stage.variant, stage.what)
      total.stages[i] = { label = stage.class.label(stage.variant, stage.what), seconds = cost.seconds,
                          memory = cost.memory or 0, disk = cost.disk or 0 }
      add(by_id[stage.variant.id], cost)
      add(total, cost)
   end
   return total
end

return estimate
