-- Stores the results of finished stages, each in store/HASH/stage.json, where HASH is the hash of the stage's key. The file is written
-- last, by a rename. A folder without this file was left by a killed run, and its stage is computed again.
local native = require "assay.native"
local fs, json, sys = native.fs, native.json, native.sys

local store = {}
store.__index = store

-- Says on stderr that the folder holds results of another version of assay. They are kept but not used, since their keys contain the
-- version and so differ.
local function note_other_version(folder, version)
   local path = folder .. "/version"
   local before = (fs.read(path) or ""):match "^%S+"
   if before == version then return end
   if before then
      io.stderr:write(("assay: %s holds results of assay %s; they stay there, and this version %s computes its own\n")
                         :format(folder, before, version))
   end
   fs.write(path, version .. "\n")
end

function store.open(folder, version)
   fs.mkdir(folder)
   if version then note_other_version(folder, version) end
   return setmetatable({ folder = folder, asked = {} }, store)
end

-- The hash of a key, a table of strings, numbers, lists and objects. Tables with equal content have the same hash.
function store.hash(key) return fs.sha256(json.encode(key, { canonical = true })):sub(1, 24) end

function store:path(key) return self.folder .. "/" .. store.hash(key) end

-- The stored { key, result, times } of a finished stage, or nil. A damaged file counts as absent.
function store:find(key)
   local text = fs.read(self:path(key) .. "/stage.json")
   if not text then return nil end
   local ok, stage = pcall(json.decode, text)
   return ok and stage.result ~= nil and stage or nil
end

-- Returns the stage of a key, and true if an earlier run had finished it, else false. A stage that is not stored is
-- made: make(folder) returns its result. When this run asks for the same stage again, it gets false in any case.
function store:stage(key, make)
   local folder = self:path(key)
   local asked = self.asked[folder]
   self.asked[folder] = true
   local found = self:find(key)
   if found then return found, not asked end
   fs.remove_all(folder)
   fs.mkdir(folder)
   sys.reset_peak()
   local started = sys.clock()
   local result = make(folder)
   local stage = json.object {
      { "key", key },
      { "result", result },
      { "times", json.object { { "finished", sys.utc() },
                               { "seconds", sys.clock() - started },
                               { "peak_memory_bytes", sys.memory().peak } } },
   }
   fs.write(folder .. "/stage.json", json.encode(stage, { indent = 1 }) .. "\n")
   return json.decode(json.encode(stage)), false
end

return store
