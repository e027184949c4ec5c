-- assay.study { ... }: a study as plain data. A wrong option is an error at this line of the script. No model is loaded here: plan.lua
-- shows what the study would cost, and run.lua runs it.
local available = require "assay.study.available"
local fail = require "assay.lib.fail"
local method = require "assay.recipe"
local native = require "assay.native"
local options = require "assay.lib.options"
local task = require "assay.tasks"

local study = {}
local study_class = { __name = "study" }
study_class.__index = study_class

local RUNTIMES <const> = { "packed", "dequantized" }

local subject_spec = {
   path = { type = "string", required = true, about = "path or known name of a model" },
   runtime = { type = "string", one_of = RUNTIMES, about = "how it and its variants are evaluated, instead of the study's" },
}

local spec = {
   name = { type = "string", required = true, about = "names the folder of results" },
   title = { type = "string", about = "heading of the report" },
   question = { type = "string", about = "what the study wants to know" },
   seed = { type = "integer", about = "seed of everything random (default 1, or --seed)" },
   subjects = { type = "table", required = true, about = "{ name = \"model folder\" }" },
   recipes = { type = "list", required = true, about = "what is done to each subject" },
   tasks = { type = "list", required = true, about = "what is measured" },
   calibration = { type = "table", about = "assay.calibration { ... }" },
   after = { type = "function", about = "function(report, folder, context), called once report.json is written" },
   report = { type = "list", about = "of html, md, csv, yaml (default: all but yaml)" },
   primary = { type = "list", about = "{ task, metric, margin }: what the verdicts depend on (default: each task's first metric)" },
   noise = { type = "integer", default = 4, min = 0,
             about = "items of each task measured again on the untouched model (A/A run); 0 = none" },
   runtime = { type = "string", one_of = RUNTIMES,
               about = "how models are evaluated: packed = from codes as they are stored, dequantized = from floats (default: packed where a kernel runs all codes); recipes and subjects may differ" },
   alpha = { type = "number", default = 0.05, min = 0.0001, max = 0.5, about = "error level" },
}

local formats = { html = true, md = true, csv = true, yaml = true }

-- runtime: the study's.
local function check_subjects(given, runtime)
   local subjects = {}
   for _, name in ipairs(fail.sorted_keys(given)) do
      local item = given[name]
      if type(item) == "string" then item = { path = item } end
      if type(item) ~= "table" then
         fail.usage(("assay.study: subject '%s' must be a path or a known name"):format(name),
                    "subjects = { base = \"models/base\" }")
      end
      local one = options.check(("assay.study: subject '%s'"):format(name), item, subject_spec)
      subjects[#subjects + 1] = { id = name, path = one.path, runtime = one.runtime or runtime }
   end
   if #subjects == 0 then fail.usage "assay.study: 'subjects' is empty" end
   return subjects
end

-- Returns the recipes. The first is always `none`, the untouched model. Recipes that are not available are added to `missing`.
local function check_recipes(given, missing)
   local is_recipe, is_method = getmetatable(method).is_recipe, getmetatable(method).is_method
   local none = method.none {}
   local recipes, seen = { none }, { [none.id] = true }
   for i, item in ipairs(given) do
      if is_method(item) then item = item {} end
      if available.is_note(item) then
         missing[#missing + 1] = { kind = "recipe", label = item.label, reason = item.reason }
         item = none
      end
      if not is_recipe(item) then
         fail.usage(("assay.study: recipes[%d] is not a recipe"):format(i),
                    "Write assay.method.rtn { bits = 4 }, or assay.grid { ... }")
      end
      if item.id == none.id and item.runtime then
         fail.usage("assay.study: the recipe 'none' takes no runtime", "Give it to the subject: { path = ..., runtime = \"packed\" }")
      end
      if item.id ~= none.id then
         if seen[item.id] then
            fail.usage(("assay.study: the recipe '%s' is there twice"):format(item.label),
                       "Give one of them a 'label'")
         end
         seen[item.id] = true
         recipes[#recipes + 1] = item
      end
   end
   return recipes
end

local function check_tasks(given, missing)
   local tasks, seen = {}, {}
   for i, item in ipairs(available.present(given, missing)) do
      if not getmetatable(task).is_task(item) then
         fail.usage(("assay.study: tasks[%d] is not a task"):format(i),
                    "Write assay.task.perplexity { dataset = ... }")
      end
      if seen[item.id] then
         fail.usage(("assay.study: the task '%s' is there twice"):format(item.id),
                    "Give one of them an 'id'")
      end
      seen[item.id] = true
      tasks[i] = item
   end
   return tasks
end

-- Returns the declared primary metrics as { { task, metric, margin }, ... }; nil if none were declared. Each must exist in the tasks,
-- so that a misspelt name cannot leave a study without a declaration.
local function check_primary(given, tasks)
   if given == nil then return nil end
   local known, out = {}, {}
   for _, item in ipairs(tasks) do
      for _, metric in ipairs(item.definition.metrics) do known[item.id .. "." .. metric.name] = { item.id, metric.name } end
   end
   for i, one in ipairs(given) do
      if type(one) == "string" then one = { one } end
      local name = one[1] or (one.task or "?") .. "." .. (one.metric or "?")
      if not known[name] then fail.unknown("primary metric", name, known) end
      out[i] = { task = known[name][1], metric = known[name][2], margin = one.margin }
   end
   return out
end

function study.describe(given)
   local o = options.check("assay.study", given, spec)
   if not o.name:match "^[%w][%w._-]*$" then
      fail.usage(("assay.study: 'name' must be usable as a folder, not '%s'"):format(o.name))
   end
   for _, format in ipairs(o.report or {}) do
      if not formats[format] then fail.unknown("report format", format, formats) end
   end
   local needs, missing = false, {}
   local primary = o.primary
   o.subjects, o.recipes, o.tasks = check_subjects(o.subjects, o.runtime), check_recipes(o.recipes, missing),
                                    check_tasks(o.tasks, missing)
   o.primary = check_primary(primary, o.tasks)
   for _, recipe in ipairs(o.recipes) do
      needs = needs or recipe.calibrated and not recipe.calibration
   end
   if needs and not o.calibration then
      fail.usage("assay.study: a recipe needs calibration data, but there is no 'calibration'",
                 "calibration = assay.calibration { dataset = ... }")
   end
   o.missing = missing
   o.seed = native.sys.settings().seed or o.seed or 1
   o.report = o.report or { "html", "md", "csv" }
   return setmetatable(o, study_class)
end

function study.is_study(value) return getmetatable(value) == study_class end

-- Returns { id, subject, recipe, none, runtime, calibration } for every subject with every recipe, in the order in which they are
-- computed. none: true for the untouched model. runtime: the one asked for, by the recipe, else by the subject, else by the study; or nil.
function study_class:variants()
   local list = {}
   for _, subject in ipairs(self.subjects) do
      for _, recipe in ipairs(self.recipes) do
         list[#list + 1] = { id = subject.id .. "/" .. recipe.id, subject = subject,
                             recipe = recipe, none = recipe.id == "none", runtime = recipe.runtime or subject.runtime,
                             calibration = recipe.calibrated and (recipe.calibration or self.calibration) or nil }
      end
   end
   return list
end

-- Returns the calibration of the study, then those of single recipes, each once.
function study_class:calibrations()
   local list, seen = {}, {}
   local function add(calibration)
      if calibration and not seen[calibration] then list[#list + 1] = calibration end
      if calibration then seen[calibration] = true end
   end
   add(self.calibration)
   for _, recipe in ipairs(self.recipes) do add(recipe.calibrated and recipe.calibration or nil) end
   return list
end

function study_class:plan() return require("assay.study.plan").print(self) end

function study_class:__tostring()
   return ("study %s: %d subjects x %d recipes x %d tasks"):format(self.name, #self.subjects,
                                                                #self.recipes, #self.tasks)
end

return study
