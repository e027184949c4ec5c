-- Renders report.html: one file that runs no script and loads nothing. This file puts the sections together; the other files of this
-- folder make their content.

local escape = require "assay.report.escape"
local evidence = require "assay.report.html.evidence"
local format = require "assay.report.format"
local measures = require "assay.report.html.measures"
local sections = require "assay.report.html.results"
local style = require "assay.report.html.style"
local svg = require "assay.report.html.svg"
local view = require "assay.report.view"

local esc <const> = escape.html

-- { anchor, title, function of the view that returns markup }. If the function returns nil, the section and its link are left out.
local SECTIONS <const> = {
   { "declared", "What was declared", measures.declared },
   { "results", "Results", sections.results },
   { "distance", "Distance to the untouched model", measures.distance },
   { "items", "Item by item", measures.items },
   { "interaction", "Base and tuned", measures.interaction },
   { "size", "Size against quality", sections.size_quality },
   { "decision", "Decision guide", measures.decision },
   { "layers", "Where the error sits", sections.layers },
   { "sensitivity", "Sensitivity to calibration", measures.sensitivity },
   { "answers", "Answers side by side", evidence.generations },
   { "failures", "Failure catalogue", evidence.failures },
   { "detectors", "Signs of broken output", evidence.detectors },
   { "validity", "Validity", sections.validity },
   { "threats", "What limits these conclusions", measures.threats },
   { "resources", "Time and memory", sections.resources },
   { "ledger", "Ledger", sections.ledger },
   { "methods", "Methods", measures.methods },
   { "setup", "What was measured", sections.setup },
   { "reproduce", "Reproduce", sections.reproduction },
}

local function head(v)
   local study = v.report.study
   return table.concat {
      '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
      '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="generator" content="assay">',
      "<title>", esc(study.title or study.name or "assay report"), "</title><style>", style,
         "</style></head>\n<body><main>\n",
   }
end

local function opening(v)
   local study, environment = v.report.study, v.report.environment
   local out = { '<header><p class="kicker">assay study report</p><h1>',
      esc(study.title or study.name or "Untitled study"), "</h1>" }
   if study.question then out[#out + 1] = '<p class="question">' .. esc(study.question) .. "</p>" end
   local facts = {}
   for _, subject in ipairs(v.report.subjects) do
      facts[#facts + 1] = (subject.name or subject.id) .. (subject.parameters and ", "
         .. format.count(subject.parameters) .. " parameters" or "")
   end
   facts[#facts + 1] = environment.device_name or environment.device
   facts[#facts + 1] = v.report.times.started and v.report.times.started:sub(1, 10)
   out[#out + 1] = '<p class="meta">' .. esc(table.concat(facts, " · ")) .. "</p></header>\n"
   return table.concat(out)
end

-- Notices above the results: invented data, and where the weights came from if they are not the published ones.
local function banners(v)
   local out = {}
   if v.report.example then
      out[#out + 1] = '<div class="banner" role="note"><p><b>Example data.</b> The numbers on this page are invented; '
         .. "they test how a report looks.</p></div>\n"
   end
   for _, note in ipairs(v:notes()) do
      out[#out + 1] = '<div class="banner" role="note"><p><b>About ' .. esc(note.subject) .. ":</b> " .. esc(note.text)
         .. ". Losses below are losses against these weights.</p></div>\n"
   end
   return table.concat(out)
end

return function(data)
   svg.start_document()
   local v = view.open(data)
   local body, links = {}, {}
   for _, section in ipairs(SECTIONS) do
      local anchor, title, make = table.unpack(section)
      local content = make(v)
      if content then
         links[#links + 1] = '<a href="#' .. anchor .. '">' .. title .. "</a>"
         body[#body + 1] = '<section id="' .. anchor .. '"><h2>' .. title .. "</h2>\n" .. content .. "</section>\n"
      end
   end
   return table.concat {
      head(v), opening(v), banners(v), sections.verdicts(v), "<nav aria-label=\"Sections\">", table.concat(links),
         "</nav>\n", table.concat(body),
      "<footer>Made by assay ", esc(v.report.environment.assay or ""), " from report.json (", esc(v.report.schema),
      "). Intervals are two-sided at the level stated; words for results come from a fixed list of verdicts.</footer>\n",
      "</main></body></html>\n",
   }
end
