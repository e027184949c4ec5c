-- The manual is complete and the files made from it are up to date.
local assay = require "assay"
local annotations = require "assay.lib.annotations"
local manual = require "assay.lib.manual"
local native = require "assay.native"

-- The value behind "assay.json.decode".
local function resolve(name)
   local at = assay
   for part in name:match "^assay%.(.*)$":gmatch "[^.]+" do at = at[part] end
   return at
end

describe("the manual", function()
   it("names only what is there", function()
      for _, e in ipairs(manual.entries) do
         if e.name:find "^assay%." then assert(resolve(e.name) ~= nil, e.name .. " does not exist") end
         local method = e.name:match "^model:(.*)$"
         if method then assert(native.model.methods[method], e.name .. " does not exist") end
      end
   end)
   it("has an entry for every function of assay and every method of a model", function()
      for key, value in pairs(assay) do
         if type(value) == "function" and key ~= "finish" then
            assert(manual.find("assay." .. key), "assay." .. key .. " has no entry")
         end
      end
      local internal = { quantization_summary = true, quantization_ledger = true, quantization_metadata = true,
                         sensitivity_data = true, salience_data = true, help = true, free = true }
      for key in pairs(native.model.methods) do
         if not internal[key] then assert(manual.find("model:" .. key), "model:" .. key .. " has no entry") end
      end
   end)
   it("made scripts/meta/assay.lua as it is", function()
      local committed = native.fs.read(native.fs.scripts_folder() .. "/meta/assay.lua")
      assert(committed == annotations.meta(),
             "out of date: assay api --set format=annotations > scripts/meta/assay.lua")
   end)
   it("made scripts/REFERENCE.md as it is", function()
      local committed = native.fs.read(native.fs.scripts_folder() .. "/REFERENCE.md")
      assert(committed == annotations.markdown(),
             "out of date: assay api --set format=markdown > scripts/REFERENCE.md")
   end)
end)
