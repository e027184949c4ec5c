-- Content-addressed results: store/<hash of the key>/stage.json, written last, by a rename.
-- A folder with stage.json is a finished stage; anything else there is the rest of a killed run.
local native = require "assay.native"
local fs, json, sys = native.fs, native.json, native.sys

local store = {}
store.__index = store

-- Says once, on stderr, that a folder holds results of another version: their keys differ, so they are kept and not used.
local function greet(folder, version)
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
   if version then greet(folder, version) end
   return setmetatable({ folder = folder }, store)
end

function store.hash(key) return fs.sha256(json.encode(key, { canonical = true })):sub(1, 24) end

function store:path(key) return self.folder .. "/" .. store.hash(key) end

-- The stored { key, result, times } of a finished stage, or nil. A damaged file counts as absent.
function store:find(key)
   local text = fs.read(self:path(key) .. "/stage.json")
   if not text then return nil end
   local ok, stage = pcall(json.decode, text)
   return ok and stage.result ~= nil and stage or nil
end

-- Finds the stage or makes it: make(folder) returns the result. Returns stage, was_there.
function store:stage(key, make)
   local found = self:find(key)
   if found then return found, true end
   local folder = self:path(key)
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
