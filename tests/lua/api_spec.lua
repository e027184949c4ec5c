-- Tests that the built-in manual is complete, and that scripts/meta/assay.lua and scripts/REFERENCE.md, which are generated from it,
-- are up to date.
local assay = require "assay"
local annotations = require "assay.lib.annotations"
local manual = require "assay.lib.manual"
local native = require "assay.native"

-- Returns the value that a dotted name such as "assay.json.decode" stands for.
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
   it("lists every method, task and known dataset with all its options", function()
      local function names_below(folder)
         local out = {}
         for _, name in ipairs(native.fs.list(folder)) do
            local path = folder .. "/" .. name
            if native.fs.kind(path) == "folder" then table.move(names_below(path), 1, 1000, #out + 1, out) end
            out[#out + 1] = name:match "^([%w_]+)%.lua$"
         end
         return out
      end
      local page, scripts = annotations.markdown(), native.fs.scripts_folder() .. "/assay/"
      for kind, folders in pairs { method = { "recipe/methods" }, task = { "tasks/text", "tasks/benchmarks" },
                                   dataset = { "data/datasets" } } do
         for _, folder in ipairs(folders) do
            for _, name in ipairs(names_below(scripts .. folder)) do
               local full = ("assay.%s.%s"):format(kind, name)
               assert.contains(page, "### `" .. full .. "(")
               for option in pairs(manual.find(full).options) do
                  local section = page:match("### `" .. full:gsub("%.", "%%.") .. "%(.-\n###") or page:match("### `" .. full .. "%(.*$")
                  assert.contains(section, "| `" .. option .. "` |", full)
               end
            end
         end
      end
   end)
   it("gives exactly the text of scripts/meta/assay.lua", function()
      local committed = native.fs.read(native.fs.scripts_folder() .. "/meta/assay.lua")
      assert(committed == annotations.meta(),
             "out of date: assay api --set format=annotations > scripts/meta/assay.lua")
   end)
   it("gives exactly the text of scripts/REFERENCE.md", function()
      local committed = native.fs.read(native.fs.scripts_folder() .. "/REFERENCE.md")
      assert(committed == annotations.markdown(),
             "out of date: assay api --set format=markdown > scripts/REFERENCE.md")
   end)
end)
