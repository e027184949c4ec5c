-- Content-addressed results: store/<hash of the key>/stage.json, written last, by a rename.
-- A folder with stage.json is a finished stage; anything else there is the rest of a killed run.
local native = require "assay.native"
local fs, json, sys = native.fs, native.json, native.sys

local store = {}
store.__index = store

function store.open(folder)
   fs.mkdir(folder)
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
