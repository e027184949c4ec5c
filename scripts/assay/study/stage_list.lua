-- Lists the stages of a study (steps whose results are stored) in the order in which they run. Each kind of stage is one file of
-- stages/, and no other file lists them.
--
-- Each file returns a table, the class of its stages:
--   order     a number: kinds with a lower order come first; kinds next to each other with the same `per` alternate (see groups_of)
--   per       there is one stage for each "subject", "calibration" (of each subject), "variant" or "task" (of each variant)
--   exists    function(study, variant, what), optional: false if there is no stage for this variant
--   key       function(context, variant, what): everything that fixes the result, as data that the store hashes
--   estimate  function(machine, variant, what): { seconds, memory?, disk? } before anything is computed; memory and disk in bytes
--   run       function(context, variant, what): the stored stage, and whether an earlier run had finished it
--   label     function(variant, what): the name of the stage in progress lines and events
-- `what` is the task or the calibration, else nil. A stage for a subject or a calibration gets the subject's untouched variant.
local fail = require "assay.lib.fail"
local registry = require "assay.lib.registry"

local stage_list = {}

-- For each `per`, the list of `what` for one variant; { false } means one stage without `what`. first: whether the variant is the first
-- of its subject, which is the untouched one.
local places = {
   subject = function(_, first) return first and { false } or {} end,
   calibration = function(study, first) return first and study:calibrations() or {} end,
   variant = function() return { false } end,
   task = function(study) return study.tasks end,
}

local function check(name, class)
   local file = ("stages/%s.lua"):format(name)
   for _, part in ipairs { "key", "estimate", "run", "label" } do
      if type(class[part]) ~= "function" then error(("%s has no function '%s'"):format(file, part), 0) end
   end
   if type(class.order) ~= "number" then error(file .. " has no order", 0) end
   if not places[class.per] then
      error(("%s: per must be one of %s"):format(file, table.concat(fail.sorted_keys(places), ", ")), 0)
   end
   return class
end

-- Loads the kinds of stages from a folder, sorted by `order`, then by name.
function stage_list.kinds(folder)
   local files, kinds = registry.open(folder or "study/stages"), {}
   local place = {}
   for i, name in ipairs(files:names()) do
      kinds[i] = check(name, files:load(name))
      place[kinds[i]] = i
   end
   table.sort(kinds, function(a, b)
      if a.order ~= b.order then return a.order < b.order end
      return place[a] < place[b]
   end)
   return kinds
end

-- Groups kinds that follow each other and have the same `per`. The kinds of a group alternate: measure and repeat_run, both with
-- per = "task", run for the first task, then both run for the second.
local function groups_of(kinds)
   local groups = {}
   for _, class in ipairs(kinds) do
      local last = groups[#groups]
      if last and last.per == class.per then
         last[#last + 1] = class
      else
         groups[#groups + 1] = { per = class.per, class }
      end
   end
   return groups
end

-- Returns { { class, variant, what }, ... }, all stages of a study in the order in which they run. kinds: default those of stages/.
function stage_list.of(study, kinds)
   local stages, seen = {}, {}
   local groups = groups_of(kinds or stage_list.kinds())
   for _, variant in ipairs(study:variants()) do
      local first = not seen[variant.subject.id]
      seen[variant.subject.id] = true
      for _, group in ipairs(groups) do
         for _, place in ipairs(places[group.per](study, first)) do
            local what = place or nil
            for _, class in ipairs(group) do
               if not class.exists or class.exists(study, variant, what) then
                  stages[#stages + 1] = { class = class, variant = variant, what = what }
               end
            end
         end
      end
   end
   return stages
end

return stage_list
