-- Tables of a report as plain texts, which the page and Markdown lay out alike, so that the two cannot differ. Each is a
-- function of the view that returns { hint, headers, rows, numeric = first numeric column }, or nil for an empty table.

local tables = {}

for _, section in ipairs { "design", "validity", "distance", "items", "conclusions" } do
   for name, make in pairs(require("assay.report.tables." .. section)) do tables[name] = make end
end

return tables
