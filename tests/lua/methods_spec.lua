-- Tests that methods take type, default, range and meaning of an option from the schema of the plugin that reads the option.
local assay = require "assay"
local native = require "assay.native"
local plugin_options = require "assay.recipe.plugin_options"

local function schema(kind, id) return native.plugin.describe(kind, id).schema.properties end

-- For every option of every method that a plugin reads, calls f(method, kind, plugin, option, key). `key` is the
-- option's name in the plugin's schema.
local function each_option(f)
   for _, method in pairs(assay.method) do
      for kind, plugin in pairs(method.plugins or {}) do
         for option, key in pairs(plugin.takes) do
            f(method, kind, plugin, math.type(option) and key or option, key)
         end
      end
   end
end

describe("the options of a method", function()
   it("are those of its plugins, word for word", function()
      local seen = 0
      each_option(function(method, kind, plugin, option, key)
         local rule, property = method.options[option], schema(kind, plugin.id)[key]
         local where = method.name .. "." .. option
         assert.equal(property.type, rule.type, where)
         assert.equal(property.minimum, rule.min, where)
         assert.equal(property.maximum, rule.max, where)
         assert.equal(property.description, rule.about, where)
         seen = seen + 1
      end)
      assert(seen > 60, "only " .. seen .. " options belong to plugins")
   end)
   it("have the plugin's defaults, except where the method says otherwise on purpose", function()
      local other = {}
      each_option(function(method, kind, plugin, option, key)
         local own = method.options[option].default
         if own ~= schema(kind, plugin.id)[key].default then
            other[#other + 1] = ("%s.%s = %s"):format(method.name, option, own)
         end
      end)
      table.sort(other)
      assert.same({ "awq.group = 64", "quarot.group = -1" }, other)
   end)
   it("restate nothing that a schema has", function()
      each_option(function(method, _, _, option)
         assert(method.own_options[option] == nil, method.name .. "." .. option .. " is there twice")
      end)
   end)
   it("are shown by help", function()
      local text = assay.method.gptq:help()
      assert.contains(text, "damping      number     default 0.05   added to diag H, as a share of its mean")
      assert.contains(text, "columns that share a scale; -1 = the whole row")
   end)
   it("refuse a group of no columns and say how the whole row is written", function()
      assert.raises("assay.method.gptq: 'group' must not be 0. It means: columns that share a scale; -1 = the whole row; " ..
                    "the last group may be short", function() return assay.method.gptq { group = 0 } end)
   end)
   it("are read from the plugins only when they are needed, and a missing plugin is named", function()
      assert.contains(tostring(assay.method), "gptq")
      local ok, problem = pcall(plugin_options.rules, "mine", { quantizer = { id = "nowhere", takes = {} } })
      assert.equal(false, ok)
      assert.equal("usage", problem.kind)
      assert.equal("assay.method.mine needs the quantizer 'nowhere': there is no quantizer 'nowhere'", problem.message)
      assert.contains(problem.hint, "Known: ")
   end)
end)

describe("a recipe", function()
   it("holds what the plugin takes, under the plugin's names", function()
      local recipe = assay.method.salient { bits = 3, group = 32, high = 8, middle = 5 }
      assert.equal("salient", recipe.data.quantizer.id)
      local config = recipe.data.quantizer.config
      assert.equal(3, config.bits)
      assert.equal(32, config.group_size)
      assert.equal(8, config.high_bits)
      assert.equal(5, config.middle_bits)
      assert.equal(nil, config.group)
   end)
   it("writes a whole row as -1, whatever the method", function()
      for _, name in ipairs { "rtn", "opt_rtn", "gptq", "gptaq", "adaround", "autoround", "awq", "awq_gptq", "hqq" } do
         assert.equal(-1, assay.method[name] { group = -1 }.data.quantizer.config.group_size, name)
      end
      assert.equal(-1, assay.method.smoothquant {}.data.quantizer.config.group_size)
      assert.equal(-1, assay.method.quarot {}.data.quantizer.config.group_size)
   end)
   it("is the plugin's complete configuration once the host has filled it in", function()
      for _, method in pairs(assay.method) do
         local quantizer = method {}.data.quantizer
         if quantizer then native.plugin.check("quantizer", quantizer.id, quantizer.config) end
      end
   end)
end)
