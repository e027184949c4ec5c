-- Measures the seconds to render a report of 20 variants and 10 tasks in each format. Not a test: nothing fails here.
-- usage: assay run tests/bench/report.lua
local assay = require "assay"
local native = require "assay.native"
local report = require "assay.report"

local VARIANTS <const>, TASKS <const> = 20, 10

local function example()
   local file = assert(io.open(native.fs.scripts_folder() .. "/../tests/golden/report/full.json"))
   local text = file:read "a"
   file:close()
   return assay.json.decode(text)
end

local function copy(value, changes)
   local out = assay.json.decode(assay.json.encode(value))
   for key, one in pairs(changes or {}) do out[key] = one end
   return out
end

-- Returns report data of the wanted size: copies of the example's variants, tasks and results under new names.
local function grown()
   local data = example()
   local variants, results, tasks = data.variants, data.results, data.tasks
   local by_variant = {}
   for _, result in ipairs(results) do
      by_variant[result.variant] = by_variant[result.variant] or {}
      table.insert(by_variant[result.variant], result)
   end
   data.variants, data.results, data.tasks = assay.json.list {}, assay.json.list {}, assay.json.list {}
   for t = 1, TASKS do data.tasks[t] = copy(tasks[(t - 1) % 3 + 1], { id = "task" .. t, title = "Task " .. t }) end
   for v = 1, VARIANTS do
      local from = variants[(v - 1) % 5 + 1]
      local id = v == 1 and "base/none" or "base/variant-" .. v
      data.variants[v] = copy(from, { id = id, subject = "base", linears = variants[4].linears })
      for t = 1, TASKS do
         data.results[#data.results + 1] = copy(by_variant[from.id][(t - 1) % 2 + 1], { variant = id, task = "task" .. t })
      end
   end
   return data
end

local data = grown()
for _, format in ipairs { "html", "md", "csv", "yaml" } do
   local started = native.sys.clock()
   local text = report.render(data, format)
   print(("%-5s %6.3f s  %8d bytes"):format(format, native.sys.clock() - started, #text))
end
