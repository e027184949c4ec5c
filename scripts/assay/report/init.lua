-- Renders a report: report.json in; a page, a Markdown text, a table or metadata out. A renderer reads the decoded JSON
-- and nothing else.
--
--   local report = require "assay.report"
--   report.render(data, "html")                        --> text
--   report.write(data, "runs/quickstart", { "html", "md", "csv" })   --> list of paths

local fs = require("assay.native").fs

local report = {}

report.formats = { "html", "md", "csv" } -- the default of a study; yaml is made on request

local RENDERERS <const> = { html = "assay.report.html", md = "assay.report.md", csv = "assay.report.csv",
   yaml = "assay.report.yaml" }

function report.render(data, format)
   local name = RENDERERS[format]
   if not name then error("a report has no format '" .. tostring(format) .. "'; there are html, md, csv and yaml", 2) end
   return require(name)(data)
end

-- Each file is written whole or not at all. Returns the paths in the order of formats.
function report.write(data, folder, formats)
   local paths = {}
   for _, format in ipairs(formats or report.formats) do
      local path = folder .. "/report." .. format
      fs.write(path, report.render(data, format))
      paths[#paths + 1] = path
   end
   return paths
end

return report
