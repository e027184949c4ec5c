-- Tests how recipes and studies are described in a script: a mistake is an error at its line, with a hint such as "Did you mean".
local assay = require "assay"

describe("methods and grids", function()
   it("name the wrong option and the right one", function()
      local problem = assert.raises("assay.method.rtn: unknown option 'grup'. Did you mean 'group'?",
                                    function() local _ = assay.method.rtn { grup = 64 } end)
      assert.equal("usage", problem.kind)
      assert.contains(problem.script, "describe_spec.lua:")
   end)
   it("check types and ranges", function()
      assert.raises("assay.method.rtn: 'bits' must be an integer, not 'four'",
                    function() return assay.method.rtn { bits = "four" } end)
      assert.raises("assay.method.rtn: 'bits' must be in 2..8, not 9",
                    function() return assay.method.rtn { bits = 9 } end)
   end)
   it("name an unknown method", function()
      assert.raises("unknown method 'rtm'. Did you mean 'rtn'?", function() return assay.method.rtm end)
   end)
   it("make a recipe of each combination, in order", function()
      local labels = {}
      for i, r in ipairs(assay.grid { assay.method.rtn, bits = { 8, 4 }, group = { 64, -1 } }) do
         labels[i] = r.label
      end
      assert.same({ "rtn W8 g64", "rtn W8 per channel", "rtn W4 g64", "rtn W4 per channel" }, labels)
   end)
   it("refuse an option that no method has", function()
      assert.raises("unknown option 'bit'. Did you mean 'bits'?",
                    function() return assay.grid { assay.method.rtn, bit = { 4 } } end)
   end)
   it("give each recipe a label and an id", function()
      assert.equal("recipe rtn W4 g128 asym", tostring(assay.method.rtn { symmetric = false }))
      assert.equal("rtn-w3-ch", assay.method.rtn { bits = 3, group = -1 }.id)
   end)
end)

describe("assay.study", function()
   local function study(changes)
      local spec = { name = "s", subjects = { base = "x" }, recipes = { assay.method.rtn }, tasks = {} }
      for key, value in pairs(changes) do spec[key] = value end
      return assay.study(spec)
   end
   it("puts the untouched subject first", function()
      local variants = study({}):variants()
      assert.equal("base/none", variants[1].id)
      assert.equal("base/rtn-w4-g128", variants[2].id)
   end)
   it("names an unknown key", function()
      assert.raises("assay.study: unknown option 'task'. Did you mean 'tasks'?", study, { task = {} })
   end)
   it("names a missing key and says what it is", function()
      assert.raises("assay.study: 'subjects' is missing. { name = \"model folder\" }", assay.study,
                    { name = "s", recipes = {}, tasks = {} })
   end)
   it("refuses a name that cannot be the name of a folder", function()
      assert.raises("assay.study: 'name' must be usable as a folder, not '../x'", study, { name = "../x" })
   end)
   it("refuses the same recipe twice", function()
      assert.raises("assay.study: the recipe 'rtn W4 g128' is there twice. Give one of them a 'label'", study,
                    { recipes = { assay.method.rtn, assay.method.rtn {} } })
   end)
   it("refuses what is no task", function()
      assert.raises("assay.study: tasks[1] is not a task. Write assay.task.perplexity { dataset = ... }", study,
                    { tasks = { 1 } })
   end)
   it("refuses an unknown report format", function()
      assert.raises("unknown report format 'pdf'. Known: csv, html, md, yaml", study, { report = { "pdf" } })
   end)
   it("prints itself", function()
      assert.equal("study s: 1 subjects x 2 recipes x 0 tasks", tostring(study {}))
   end)
end)
