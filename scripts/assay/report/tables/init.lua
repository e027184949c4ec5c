-- The tables of a report as plain texts. The HTML page and the Markdown text both use them, so that the two cannot differ. Each table
-- is a function of the view that returns { hint, headers, rows, numeric = first numeric column }, or nil if the table is empty.

local tables = {}

for _, section in ipairs { "design", "validity", "distance", "items", "conclusions" } do
   for name, make in pairs(require("assay.report.tables." .. section)) do tables[name] = make end
end

return tables
