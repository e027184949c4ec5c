-- Renders metadata of each quantized variant for the Hugging Face Hub: `model-index` for the head of a model card, and the list of
-- results for .eval_results/assay.yaml. report.yaml holds both. Strings are always quoted and numbers unrounded.

local escape = require "assay.report.escape"
local format = require "assay.report.format"
local view = require "assay.report.view"
local words = require "assay.report.words"

local function quoted(text)
   text = escape.utf8(text):gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\t", "\\t")
   return '"' .. text .. '"'
end

local function scalar(value) return type(value) == "number" and format.exact(value) or quoted(tostring(value)) end

-- Lines "key: value" with an indent, for those fields { key, value } whose value is not nil.
local function block(indent, fields)
   local out = {}
   for _, field in ipairs(fields) do
      if field[2] ~= nil then out[#out + 1] = (" "):rep(indent) .. field[1] .. ": " .. scalar(field[2]) end
   end
   return table.concat(out, "\n")
end

-- Turns a block into an item of a YAML list: its first line begins with "- ".
local function list_item(indent, text) return (" "):rep(indent) .. "- " .. text:sub(indent + 3) end

local TYPES <const> = { perplexity = "text-generation", choice = "multiple-choice", generation = "text-generation" }

-- "20.49, 95 % interval [18.9, 22.1]; change +8.35 % [+8.03, +8.67]: worse"
local function note_of(result)
   local value, range = format.value(result)
   local text = value .. (range ~= "" and ", 95 % interval " .. range or "")
   if result.paired then
      local change, change_range = format.change(result.paired)
      text = text .. "; change to the untouched model " .. change .. " " .. change_range
   end
   return text .. (result.verdict and ": " .. words.short(result.verdict, result) or "")
end

local function result_entry(v, result)
   local task = v.task[result.task] or {}
   local data = task.dataset or {}
   return table.concat({
      "  - task:", block(6, { { "type", TYPES[task.kind] or "text-generation" },
         { "name", task.title or result.task } }),
      "    dataset:", block(6, { { "name", data.name or data.id or result.task }, { "type", data.id or "text" },
         { "split", data.split },
         { "revision", data.sha256 } }),
      "    metrics:", list_item(4, block(6, { { "type", words.metric(result.metric) }, { "value", result.value },
         { "name", result.metric } })),
      "    source:", block(6, { { "name", "assay " .. (v.report.environment.assay or "") }, { "url", "report.html" } }),
   }, "\n")
end

local function eval_entry(v, result)
   local task = v.task[result.task] or {}
   local data = task.dataset or {}
   return table.concat({
      "- dataset:", block(4, { { "id", data.name or data.id or result.task },
         { "task_id", task.protocol and task.protocol.id or result.task },
         { "revision", data.sha256 } }),
      block(2, { { "value", result.value }, { "date", (v.report.times.started or ""):sub(1, 10) } }),
      "  source:", block(4, { { "name", "assay" }, { "url", "report.html" } }),
      block(2, { { "notes", note_of(result) } }),
   }, "\n")
end

local yaml = {}

-- Returns for each quantized variant { name, title, index = the head of its model card, entries = its list of results }.
function yaml.parts(data)
   local v = view.open(data)
   local parts = {}
   for _, variant in ipairs(v.report.variants) do
      local results, entries = {}, {}
      for _, result in ipairs(v.report.results) do
         if result.variant == variant.id and result.value and not result.subset then
            results[#results + 1] = result_entry(v, result)
            entries[#entries + 1] = eval_entry(v, result)
         end
      end
      if variant.recipe and #results > 0 then
         local subject = v.subject[variant.subject] or {}
         parts[#parts + 1] = { name = (variant.id:gsub("/", ".")), title = escape.utf8(v:label(variant.id)):gsub("\n", " "),
            index = table.concat({ block(0, { { "base_model", subject.name }, { "base_model_relation", "quantized" } }),
               "model-index:", "- name: " .. quoted((subject.name or variant.subject) .. " " .. v:label(variant.id)), "  results:",
               table.concat(results, "\n") }, "\n"),
            entries = table.concat(entries, "\n") }
      end
   end
   return parts
end

-- Files to copy into the folder of each variant's checkpoint: { { path, text }, ... }. Paths are below the folder of the report.
function yaml.files(data)
   local out = {}
   for _, part in ipairs(yaml.parts(data)) do
      out[#out + 1] = { "hub/" .. part.name .. "/model-index.yaml", part.index .. "\n" }
      out[#out + 1] = { "hub/" .. part.name .. "/.eval_results/assay.yaml", part.entries .. "\n" }
   end
   return out
end

return setmetatable(yaml, { __call = function(_, data)
   local documents = {}
   for i, part in ipairs(yaml.parts(data)) do
      documents[i] = "---\n# " .. part.title .. "\n" .. part.index .. "\neval_results:\n" .. part.entries
   end
   return #documents > 0 and table.concat(documents, "\n") .. "\n" or "# no quantized variant was measured\n"
end })
