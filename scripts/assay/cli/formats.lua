-- assay formats: prints which programs load which of the formats that are written here, with dates and sources. --json prints the data.
local data = require "assay.recipe.consumers"
local native = require "assay.native"
local json, sys = native.json, native.sys

-- { consumers = { { id, name, known, sources } }, forms = { { id, format, title, loads = { [consumer] = { answer, remark } } } } }
local function as_json()
   local consumers, forms = json.list {}, json.list {}
   for i, c in ipairs(data.consumers) do
      consumers[i] = json.object { { "id", c.id }, { "name", c.name }, { "known", c.known }, { "sources", json.list(c.sources) } }
   end
   for i, form in ipairs(data.forms) do
      local loads = json.object {}
      for _, c in ipairs(data.consumers) do
         local own = form.loads[c.id]
         loads[c.id] = json.object { { "answer", own[1] }, { "remark", own[2] or json.null } }
      end
      forms[i] = json.object { { "id", form.id }, { "format", form.exporter }, { "title", form.title }, { "loads", loads } }
   end
   return json.encode(json.object { { "consumers", consumers }, { "forms", forms } }, { indent = 1 })
end

local function print_row(first, cells)
   io.write(("%-66s"):format(first))
   for _, cell in ipairs(cells) do io.write((" %-13s"):format(cell)) end
   io.write "\n"
end

local function print_table()
   local cells = {}
   for i, c in ipairs(data.consumers) do cells[i] = c.name end
   print_row("--format", cells)
   local remarks, numbers = {}, {}
   for _, form in ipairs(data.forms) do
      for i, c in ipairs(data.consumers) do
         local answer, remark = form.loads[c.id][1], form.loads[c.id][2]
         if remark and not numbers[remark] then
            remarks[#remarks + 1] = remark
            numbers[remark] = #remarks
         end
         cells[i] = remark and ("%s [%d]"):format(answer, numbers[remark]) or answer
      end
      print_row(("%-19s %s"):format((form.exporter:gsub("_", "-")), form.title), cells)
   end
   io.write "\n"
   for i, remark in ipairs(remarks) do io.write(("[%d] %s\n"):format(i, remark)) end
   io.write "\nread from code or documentation, not tried:\n"
   for _, c in ipairs(data.consumers) do
      io.write(("%-13s %s  %s\n"):format(c.name, c.known, table.concat(c.sources, "; ")))
   end
end

return function()
   if sys.settings().json then io.write(as_json(), "\n") else print_table() end
   return 0
end
