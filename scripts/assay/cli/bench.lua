-- assay bench decode|prefill MODEL..: measures the tokens per second of one or more models, and compares them with this
-- machine's rates (bytes read and fp32 operations per second). The models take turns, and the rates are measured before
-- and after them in the same run, so that other work on the machine disturbs all of them alike. Each speed is the best
-- of its rounds.
local fail = require "assay.lib.fail"
local model = require "assay.model"
local native = require "assay.native"
local json, sys = native.json, native.sys

-- tokens: of the prompt (prefill) or generated (decode); context: tokens before the generated ones; rounds: turns of each model
local defaults = { prefill = { tokens = 512, rounds = 3 }, decode = { tokens = 64, context = 16, rounds = 3 } }

local function format_of(facts, packed)
   local names = {}
   if packed then
      for name in pairs(facts.packed.formats) do names[#names + 1] = name end
   else
      names[1] = facts.dtype
   end
   table.sort(names)
   return table.concat(names, "+")
end

-- Returns one row for each model and batch size (number of sequences decoded together), still without measurements.
-- told: sentences of the packed runtime about weights that no kernel runs from codes.
local function rows_of(o, batches)
   local rows = {}
   for _, path in ipairs(o.models) do
      local m, resident = model.load_measured(model.find(path), o.packed and "packed" or "dequantized")
      local facts = m:info()
      for _, batch in ipairs(batches) do
         rows[#rows + 1] = { m = m, model = native.model.name(path), runtime = o.packed and "packed" or "dequantized",
                             format = format_of(facts, o.packed), batch = batch, resident_bytes = resident,
                             told = o.packed and facts.packed.told or {} }
      end
   end
   return rows
end

local function measure(row, o, settings)
   if o.phase == "prefill" then return row.m:time_prefill { tokens = settings.tokens } end
   return row.m:time_decode { batch = row.batch, context = settings.context, steps = settings.tokens }
end

local function best_rates(a, b)
   return { read_bytes = math.max(a.read_bytes, b.read_bytes), fp32_operations = math.max(a.fp32_operations, b.fp32_operations) }
end

local heading = "%-36s %-12s %-22s %5s %10s %12s %8s %8s %9s\n"
local line = "%-36s %-12s %-22s %5d %10.1f %12s %8s %7.0f%% %6.0f MB\n"

local function print_table(rows, rates, o, settings)
   local machine = ("this machine reads %.1f GB/s and computes %.0f GFLOP/s in fp32"):format(rates.read_bytes * 1e-9,
                                                                                          rates.fp32_operations * 1e-9)
   io.write(("%s of %d tokens; %s\n"):format(o.phase, settings.tokens, machine))
   io.write(heading:format("model", "runtime", "format", "batch", "tokens/s", "MB/token", "of read", "of fp32", "resident"))
   for _, row in ipairs(rows) do
      local bytes = row.bytes_per_token and ("%.1f"):format(row.bytes_per_token * 1e-6) or "-"
      local share = row.bandwidth_share and ("%.0f%%"):format(100 * row.bandwidth_share) or "-"
      io.write(line:format(row.model:sub(1, 36), row.runtime, row.format:sub(1, 22), row.batch, row.tokens_per_second, bytes,
                           share, 100 * row.flops_share, row.resident_bytes * 1e-6))
   end
   for _, row in ipairs(rows) do
      for _, sentence in ipairs(row.told) do io.write("note: ", row.model, ": ", sentence, "\n") end
   end
end

local columns = { "model", "runtime", "format", "batch", "tokens_per_second", "bytes_per_token", "bandwidth_share",
                  "flops_share", "resident_bytes" }

return function(o)
   local settings = defaults[o.phase]
   if not settings then fail.usage(("bench: '%s' is neither decode nor prefill"):format(o.phase)) end
   for _, key in ipairs { "tokens", "context", "rounds" } do settings[key] = o[key] or settings[key] end
   local batches = o.phase == "decode" and #o.batch > 0 and o.batch or { 1 }
   local rows = rows_of(o, batches)
   local rates = native.model.machine_rates()
   for _ = 1, settings.rounds do
      for _, row in ipairs(rows) do
         local one = measure(row, o, settings)
         if not row.best or one.tokens_per_second > row.best.tokens_per_second then row.best = one end
      end
   end
   rates = best_rates(rates, native.model.machine_rates())
   for _, row in ipairs(rows) do
      row.tokens_per_second = row.best.tokens_per_second
      row.bytes_per_token = row.best.bytes_per_token
      row.bandwidth_share = row.bytes_per_token and row.bytes_per_token * row.tokens_per_second / rates.read_bytes
      row.flops_share = row.best.operations_per_token * row.tokens_per_second / rates.fp32_operations
      if sys.settings().json then
         local line = json.object {}
         for _, key in ipairs(columns) do line[key] = row[key] == nil and json.null or row[key] end
         io.write(json.encode(line), "\n")
      end
   end
   if not sys.settings().json then print_table(rows, rates, o, settings) end
   return 0
end
