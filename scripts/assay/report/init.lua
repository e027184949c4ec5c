-- Renders a report: report.json in; a page, a Markdown text, a table or metadata out. A renderer reads the decoded JSON and
-- nothing else.
--
--   local report = require "assay.report"
--   report.render(data, "html")                        --> text
--   report.write(data, "runs/quickstart", { "html", "md", "csv" })   --> list of paths

local report = {}

report.formats = { "html", "md", "csv" } -- the default of a study; yaml is made on request

local RENDERERS <const> = { html = "assay.report.html", md = "assay.report.md", csv = "assay.report.csv",
   yaml = "assay.report.yaml" }

function report.render(data, format)
   local name = RENDERERS[format]
   if not name then error("a report has no format '" .. tostring(format) .. "'; there are html, md, csv and yaml", 2) end
   return require(name)(data)
end

-- Writes a file under another name first, so that an interrupted run leaves no half-written report.
local function write_with_rename(path, bytes)
   local temporary = path .. ".part"
   local file = assert(io.open(temporary, "wb"))
   local ok, problem = file:write(bytes)
   local closed, late_problem = file:close()
   if not (ok and closed) then
      os.remove(temporary)
      error(path .. ": writing failed: " .. tostring(problem or late_problem), 0)
   end
   assert(os.rename(temporary, path))
end

-- write(path, bytes): how files are written, such as the host's fs.write, which renames too. Returns the paths in the order
-- of formats.
function report.write(data, folder, formats, write)
   local paths = {}
   for _, format in ipairs(formats or report.formats) do
      local path = folder .. "/report." .. format
      local bytes = report.render(data, format);
      (write or write_with_rename)(path, bytes)
      paths[#paths + 1] = path
   end
   return paths
end

return report
