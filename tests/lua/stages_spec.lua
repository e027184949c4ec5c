-- Tests the kinds of stages (steps of a study). Each kind is a file in scripts/assay/study/stages with the same
-- functions, and declares its place in the order.
local registry = require "assay.lib.registry"
local stage_list = require "assay.study.stage_list"

-- Returns a study of two subjects, one recipe, one calibration and two tasks. It has only the
-- fields that stage_list reads.
local function study(noise)
   local list = {}
   for _, subject in ipairs { { id = "a" }, { id = "b" } } do
      list[#list + 1] = { id = subject.id .. "/none", subject = subject, none = true }
      list[#list + 1] = { id = subject.id .. "/w4", subject = subject }
   end
   return { noise = noise, tasks = { { id = "ppl" }, { id = "arc" } }, variants = function() return list end,
            calibrations = function() return { { options = { name = "news" } } } end }
end

local function labels(stages)
   local out = {}
   for i, stage in ipairs(stages) do out[i] = stage.class.label(stage.variant, stage.what) end
   return out
end

describe("the stages of a study", function()
   it("are ordered by subject, calibration, variant and task", function()
      local expected = {}
      for _, subject in ipairs { "a", "b" } do
         for _, rest in ipairs { "none: identity", "none: calibration news", "none: preflight", "none: ppl", "none: ppl again",
                                 "none: arc", "none: arc again", "none: packed", "w4: quantize", "w4: preflight", "w4: ppl", "w4: arc",
                                 "w4: packed" } do
            expected[#expected + 1] = subject .. "/" .. rest
         end
      end
      assert.same(expected, labels(stage_list.of(study(4))))
   end)
   it("have no repeated runs if the study sets noise to 0", function()
      for _, label in ipairs(labels(stage_list.of(study(0)))) do assert.is_nil(label:match "again$", label) end
   end)
   it("include those of a further kind, at its place in the order", function()
      local kinds = stage_list.kinds()
      table.insert(kinds, 5, { order = 45, per = "variant", label = function(variant) return variant.id .. ": further" end })
      local found = labels(stage_list.of(study(0), kinds))
      assert.same({ "a/none: preflight", "a/none: further", "a/none: ppl" }, table.move(found, 3, 5, 1, {}))
   end)
end)

describe("a kind of stage", function()
   it("is a file of stages/ with the fields `order` and `per` and four functions", function()
      local names = registry.open("study/stages"):names()
      local kinds = stage_list.kinds()
      assert.equal(#names, #kinds)
      for i, kind in ipairs(kinds) do assert.is_true(i == 1 or kinds[i - 1].order < kind.order, "two kinds have the same order") end
   end)
   it("is refused, and its file is named, if a part is missing or wrong", function()
      local name = "assay.study.stages.measure"
      local own = package.loaded[name]
      local function with(changes)
         package.loaded[name] = setmetatable(changes, { __index = own })
         local ok, problem = pcall(stage_list.kinds)
         package.loaded[name] = own
         assert(not ok, "it was accepted")
         return problem
      end
      assert.equal("stages/measure.lua has no function 'label'", with { label = "measure" })
      assert.equal("stages/measure.lua has no order", with { order = false })
      assert.equal("stages/measure.lua: per must be one of calibration, subject, task, variant", with { per = "tasks" })
   end)
end)
