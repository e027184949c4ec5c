-- Tests the table of programs that load our formats, what is derived from it, and the part of the model card that it makes.
local assay = require "assay"
local data = require "assay.recipe.consumers"
local loading = require "assay.recipe.loading"
local native = require "assay.native"
local fs, json = native.fs, native.json

local folder = "build/test-loading"
local make = assert(load(fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
fs.remove_all(folder)
make(folder .. "/tiny")

-- What planned_export returns for linears of one kind.
local function planned(exporter, item, activation)
   return { exporter = exporter, items = { item }, scheme = { activation = activation or json.null, kv = json.null } }
end
local function int(bits, symmetric) return { bits = bits, group_size = 64, symmetric = symmetric, format = "int/1" } end
local function float(bits, group) return { bits = bits, group_size = group, symmetric = true, format = "float/1" } end

describe("the table of consumers", function()
   it("has an answer of every program for every form, with a date and a source", function()
      for _, c in ipairs(data.consumers) do
         assert.is_true(c.known:match "^20%d%d%-%d%d%-%d%d$" ~= nil, c.id)
         assert.is_true(#c.sources > 0, c.id)
         for _, form in ipairs(data.forms) do
            local own = form.loads[c.id] or {}
            local answer = own[1]
            assert.is_true(answer == "yes" or answer == "part" or answer == "no", form.id .. " has no answer of " .. c.id)
            assert.is_true(answer == "yes" or own[2] ~= nil, form.id .. ": no remark says why " .. c.id .. " says " .. answer)
            if answer ~= "no" then assert.is_true(c.commands[form.exporter] ~= nil, c.id .. " has no command for " .. form.exporter) end
         end
      end
   end)
   it("knows the form of each kind of linear", function()
      local cases = {
         { "packed_symmetric", planned("compressed_tensors", int(4, true)) }, { "packed_other", planned("compressed_tensors", int(3, true)) },
         { "packed_asymmetric", planned("compressed_tensors", int(4, false)) }, { "packed_other", planned("compressed_tensors", int(8, false)) },
         { "int8_inputs", planned("compressed_tensors", int(8, true), { bits = 8 }) },
         { "int4_int8_inputs", planned("compressed_tensors", int(4, true), { bits = 8 }) },
         { "fp8", planned("compressed_tensors", float(8, 0)) }, { "nvfp4", planned("compressed_tensors", float(4, 16)) },
         { "mxfp4", planned("compressed_tensors", float(4, 32)) }, { "gptq_symmetric", planned("gptq", int(4, true)) },
         { "gptq_other", planned("gptq", int(4, false)) }, { "awq", planned("awq", int(4, false)) },
         { "gguf", planned("gguf", int(4, true)) }, { "floats", planned("safetensors", nil) },
      }
      for _, case in ipairs(cases) do assert.equal(case[1], (loading.forms(case[2])[1] or {}).id) end
   end)
   it("gives the worst answer of several forms, and none for a foreign exporter", function()
      local mixed = planned("compressed_tensors", int(4, true))
      mixed.items[2] = int(4, false)
      assert.equal("transformers, vLLM, SGLang (only versions after 0.5.11); not in llama.cpp, GPTQModel, MLX", loading.sentence(mixed))
      assert.is_nil(loading.sentence(planned("somebody's", int(4, true))))
   end)
end)

describe("a saved folder", function()
   local m = assay.load(folder .. "/tiny")
   it("has a card with commands for the programs that load it, and with measured values", function()
      local q = m:quantize(assay.method.rtn { bits = 4, group = 16 })
      q:save(folder .. "/mine", { format = "gptq", figures = { { "perplexity, novel", "12.3 [12.1, 12.5]" } } })
      local card = fs.read(folder .. "/mine/README.md")
      for _, line in ipairs { "| perplexity, novel | 12.3 [12.1, 12.5] |", "assay chat mine --packed", "vllm serve mine   # vLLM\n",
                              "python -m sglang.launch_server --model-path mine   # SGLang\n", "# transformers, with gptqmodel and optimum",
                              "Not loaded by llama.cpp (", "mlx", "| measured: error of a quantized weight matrix" } do
         assert.is_true(card:lower():find(line:lower(), 1, true) ~= nil, "not in the card: " .. line)
      end
   end)
   it("is planned before it is quantized, and refused where the format cannot hold it", function()
      local plan = native.quant.planned_export(assay.method.rtn { bits = 4, group = 16 }.data, folder .. "/tiny", "awq")
      assert.equal("awq", plan.exporter)
      assert.same({ bits = 4, group_size = 16, symmetric = true, format = "int/1" }, plan.items[1])
      assert.equal(1, #plan.items)
      local ok = pcall(native.quant.planned_export, assay.method.hqq { bits = 4, group = 16 }.data, folder .. "/tiny", "gptq")
      assert.equal(false, ok)
   end)
end)
