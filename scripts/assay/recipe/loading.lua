-- Says which programs load what an exporter will write, from the table in consumers.lua. planned: what native.quant.planned_export
-- returns, { exporter, items, scheme }.
local data = require "assay.recipe.consumers"
local native = require "assay.native"

local loading = {}

local RANK <const> = { no = 1, part = 2, yes = 3 }

local function form_named(id)
   for _, form in ipairs(data.forms) do if form.id == id then return form end end
end

-- The id of the form of one kind of linear in compressed-tensors.
local function compressed_form(item, activation)
   if item.format == "float/1" then
      return item.bits == 8 and "fp8" or item.group_size == 16 and "nvfp4" or "mxfp4"
   end
   if activation then return item.bits == 8 and "int8_inputs" or "int4_int8_inputs" end
   if item.symmetric and (item.bits == 4 or item.bits == 8) then return "packed_symmetric" end
   return not item.symmetric and item.bits == 4 and "packed_asymmetric" or "packed_other"
end

-- The forms that will be written, each once; empty for an exporter that the table does not know.
function loading.forms(planned)
   local activation = planned.scheme.activation
   activation = activation ~= nil and activation ~= native.json.null
   local out, seen = {}, {}
   local function add(id)
      local form = not seen[id] and form_named(id)
      seen[id] = true
      if form then out[#out + 1] = form end
   end
   for _, item in ipairs(planned.items) do
      if planned.exporter == "compressed_tensors" then
         add(compressed_form(item, activation))
      elseif planned.exporter == "gptq" then
         add(item.symmetric and item.bits ~= 2 and "gptq_symmetric" or "gptq_other")
      end
   end
   if planned.exporter == "awq" or planned.exporter == "gguf" then add(planned.exporter) end
   if planned.exporter == "safetensors" then add "floats" end
   return out
end

-- For each consumer { consumer, answer = "yes"|"part"|"no", remark }: the worst answer of all forms that will be written.
function loading.rows(planned)
   local forms, rows = loading.forms(planned), {}
   for i, consumer in ipairs(#forms > 0 and data.consumers or {}) do
      local answer, remark = "yes", nil
      for _, form in ipairs(forms) do
         local own = form.loads[consumer.id]
         if RANK[own[1]] < RANK[answer] or RANK[own[1]] == RANK[answer] and not remark then answer, remark = own[1], own[2] end
      end
      rows[i] = { consumer = consumer, answer = answer, remark = remark }
   end
   return rows
end

-- "transformers, vLLM, SGLang (only versions after 0.5.11); not in llama.cpp, GPTQModel, MLX"; nil if nothing is known.
function loading.sentence(planned)
   local yes, no = {}, {}
   for _, row in ipairs(loading.rows(planned)) do
      local name = row.consumer.name
      if row.answer == "no" then no[#no + 1] = name
      else yes[#yes + 1] = row.remark and ("%s (%s)"):format(name, row.remark) or name end
   end
   if #yes + #no == 0 then return nil end
   local text = #yes > 0 and table.concat(yes, ", ") or "none of the programs in `assay formats`"
   return #no > 0 and ("%s; not in %s"):format(text, table.concat(no, ", ")) or text
end

-- The part of a model card about loading the folder: a table of programs with their commands. folder: its name, which the commands use.
-- figures: { { name, text }, ... }, measured values that the card names; or nil.
function loading.card(planned, folder, figures)
   local out = {}
   local function add(...) out[#out + 1] = string.format(...) end
   if figures and #figures > 0 then
      add "## Measured\n\n| what | value |\n|---|---|"
      for _, one in ipairs(figures) do add("| %s | %s |", tostring(one[1]), tostring(one[2])) end
      add ""
   end
   local here = planned.exporter == "gguf" and folder .. "/model.gguf" or folder
   add("## Loading\n\n```sh\nassay chat %s --packed", here)
   local remarks = {}
   for _, row in ipairs(loading.rows(planned)) do
      local c = row.consumer
      local command, needs = c.commands[planned.exporter], c.needs[planned.exporter]
      if row.answer ~= "no" and command then
         add("%s   # %s%s%s", command:gsub("DIR", function() return folder end), c.name, needs and ", with " .. needs or "",
             row.remark and "; " .. row.remark or "")
      elseif row.answer == "no" then
         remarks[#remarks + 1] = ("%s (%s)"):format(c.name, row.remark)
      end
   end
   add "```"
   if #remarks > 0 then add("\nNot loaded by %s.", table.concat(remarks, ", ")) end
   local dates = {}
   for i, c in ipairs(data.consumers) do dates[i] = ("%s %s"):format(c.name, c.known) end
   add("\nRead from the code or documentation of these programs, not tried: %s.", table.concat(dates, ", "))
   return table.concat(out, "\n") .. "\n"
end

return loading
