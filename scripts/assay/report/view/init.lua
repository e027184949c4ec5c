-- The view: report.json as the renderers read it. Variants, tasks and subjects can be found by their ids, JSON nulls are removed, and
-- each piece of text comes from one method, so that all renderers show the same. Each other file of this folder holds the methods
-- of one section.
local without_nulls = require "assay.lib.without_nulls"

local view = {}

for _, section in ipairs { "results", "verdicts", "layers", "answers", "resources", "setup" } do
   for name, method in pairs(require("assay.report.view." .. section)) do view[name] = method end
end

local function index_by_id(list)
   local out = {}
   for _, item in ipairs(list) do out[item.id] = item end
   return out
end

local LISTS <const> = { "subjects", "calibrations", "variants", "tasks", "results", "generations", "gates",
   "verdicts", "ledger" }

-- Returns the view of a decoded report.json. Raises an error if its schema is not assay.report/1.
function view.open(data)
   local report = without_nulls(data)
   if type(report.schema) ~= "string" or not report.schema:match("^assay%.report/1$") then
      error("this is no report of schema assay.report/1: its 'schema' is " .. tostring(report.schema), 0)
   end
   for _, name in ipairs(LISTS) do report[name] = report[name] or {} end
   report.study = report.study or {}
   report.environment = report.environment or {}
   report.times = report.times or {}
   local self = { report = report, variant = index_by_id(report.variants), task = index_by_id(report.tasks),
      subject = index_by_id(report.subjects) }
   self.many_subjects = #report.subjects > 1
   self.symptoms = {} -- { [id of a detector] = its title }
   for _, item in ipairs(report.detectors or {}) do self.symptoms[item.id] = item.title end
   self.verdict_of = {}
   for _, item in ipairs(report.verdicts) do self.verdict_of[item.variant] = item end
   return setmetatable(self, { __index = view })
end

-- A variant's name for readers: "rtn W4 g64". If the report has several subjects, the subject comes first.
function view:label(variant_id)
   local variant = self.variant[variant_id]
   if not variant then return variant_id end
   return (self.many_subjects and variant.subject .. " · " or "") .. (variant.label or variant.id)
end

-- "loop at the end (F05)".
function view:symptom(id)
   return self.symptoms[id] and self.symptoms[id] .. " (" .. id .. ")" or id
end

-- The entry of study.primary for a metric; nil for a metric that is not primary.
function view:margin(task_id, metric)
   for _, item in ipairs(self.report.study.primary or {}) do
      if item.task == task_id and item.metric == metric then return item end
   end
end

-- Notes on where weights come from (such as a 4-bit file), which every renderer prints: { { subject, text }, ... }.
function view:notes()
   local out = {}
   for _, subject in ipairs(self.report.subjects) do
      if subject.provenance_note and subject.provenance_note ~= "" then
         out[#out + 1] = { subject = subject.name or subject.id, text = subject.provenance_note }
      end
   end
   return out
end

return view
