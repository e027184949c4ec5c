-- Measures how long it takes to open a parquet file, and to read its records as Lua tables. Each is done three times;
-- the shortest time is printed, as JSON.
-- usage: assay run tests/bench/bench_data.lua FILE.parquet
local assay = require "assay"
local native = require "assay.native"

local path = ...
local clock = native.sys.clock

local function best(work)
   local least = math.huge
   for _ = 1, 3 do
      local begin = clock()
      work()
      least = math.min(least, clock() - begin)
   end
   return least
end

local rows = 0
local open = best(function() assay.dataset.parquet({ path = path }):info() end)
local records = best(function()
   rows = 0
   for _ in assay.dataset.parquet({ path = path }):records() do rows = rows + 1 end
end)
io.write(assay.json.encode(assay.json.object { { "rows", rows }, { "open_seconds", open }, { "records_seconds", records } }), "\n")
