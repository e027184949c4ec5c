-- Renders report.json as an HTML page, a Markdown text, a CSV table or YAML metadata. A renderer reads only the decoded JSON.
--
--   local report = require "assay.report"
--   report.render(data, "html")                        --> text
--   report.write(data, "runs/quickstart", { "html", "md", "csv" })   --> list of paths

local fs = require("assay.native").fs

local report = {}

report.formats = { "html", "md", "csv" } -- the default of a study; yaml is made on request

local RENDERERS <const> = { html = "assay.report.html", md = "assay.report.md", csv = "assay.report.csv",
   yaml = "assay.report.yaml" }

-- Returns the report in one format as a text. data: decoded report.json.
function report.render(data, format)
   local name = RENDERERS[format]
   if not name then error("a report has no format '" .. tostring(format) .. "'; there are html, md, csv and yaml", 2) end
   return require(name)(data)
end

-- Writes folder/report.FORMAT for each format, each file whole or not at all. Returns the paths in the order of formats.
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
