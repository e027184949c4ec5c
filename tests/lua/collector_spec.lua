-- Tests that Lua's garbage collector counts the memory of models, which it sees only as small objects: models that nobody
-- uses any more are collected while others are made.
local assay = require "assay"
local native = require "assay.native"

local make = assert(load(native.fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
local folder = "build/test-collector"
make(folder)

-- How many of n models that `made` returns are still alive after the last one was made.
local function alive(n, made)
   local models, left = setmetatable({}, { __mode = "v" }), 0
   for i = 1, n do models[i] = made() end
   for i = 1, n do left = left + (models[i] and 1 or 0) end
   return left
end

describe("models that are used no more", function()
   it("are collected while others are loaded or quantized", function()
      local m, recipe = assay.load(folder), assay.method.rtn { bits = 4, group = 8 }
      collectgarbage()
      assert.is_true(alive(100, function() return native.model.load(folder, {}) end) < 20)
      assert.is_true(alive(100, function() return m:quantize(recipe) end) < 20)
   end)
end)
