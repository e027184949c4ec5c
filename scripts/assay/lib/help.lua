-- help(x): prints what a value or a name is and which options it takes. The texts come from the manual or from the value itself.
local pretty = require "assay.lib.pretty"

local help = {}

local general = [[
assay, a laboratory for quantizing language models. Some words to start with:

  m = assay.load("smollm2-135m-instruct")     a model: folder, GGUF file or known name
  m:generate("Once upon a time", { max_tokens = 20 })
  q = m:quantize(assay.method.rtn { bits = 4, group = 64 })
  print(q.summary.bits_per_weight)

help(assay.method)        methods          help(assay.task)      tasks
help(assay.method.rtn)    one of them      print(assay.plugins)  plugins
help "assay.study"        by name          help(m)               any value]]

-- The manual's text about a name such as "assay.study", or the most similar names if there is none.
local function by_name(name)
   local manual = require "assay.lib.manual"
   local entry = manual.find(name)
   if entry then return manual.text(entry) end
   return ("no help for '%s'. %s"):format(name, require("assay.native").sys.suggestion(
      name, manual.names()))
end

-- A value that has a function `help` describes itself. A function of the library is looked up in the manual.
local function text_of(value)
   if value == nil then return general end
   if type(value) == "string" then return by_name(value) end
   local meta = getmetatable(value)
   local class = type(meta) == "table" and meta.__index
   if type(value) == "table" and rawget(value, "help") then return value:help() end
   if type(class) == "table" and class.help then return value:help() end
   if type(value) == "userdata" and type(class) == "function" and value.help then
      return value:help()
   end
   local entry = require("assay.lib.manual").find_value(value)
   if entry then return require("assay.lib.manual").text(entry) end
   return pretty.text(value)
end

function help.help(...)
   local value = ...
   if select("#", ...) == 0 then value = nil end
   print(text_of(value))
end

return help
