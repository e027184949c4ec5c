-- Which windows of a long text are measured: all, or some of them, drawn by seed over the whole text so that no chapter
-- decides alone. What tasks over running text share. Not the measuring, and no drawing of questions (items.lua).
local items = require "assay.tasks.items"
local native = require "assay.native"

local windows = {}

local PARTS <const> = 8 -- of the text, each of which gives equally many windows

windows.options = {
   limit = { type = "integer", default = 0, min = 0, about = "windows at most, 0 = all" },
   windows = { type = "string", default = "drawn", one_of = { "drawn", "first" },
               about = "which ones if limited: drawn over the whole text, or the first, to compare with numbers made so" },
   seed = { type = "integer", default = 1, min = 0, about = "of the draw of windows" },
}

function windows.with(more)
   local all = {}
   for key, rule in pairs(windows.options) do all[key] = rule end
   for key, rule in pairs(more) do all[key] = rule end
   return all
end

-- What the choice adds to a protocol; a name of the field is kept for the whole text alone.
function windows.protocol(o, name, protocol)
   local null = native.json.null
   local chosen = o.limit > 0 and o.windows or "all"
   protocol.name = name .. (chosen == "drawn" and "-drawn" or chosen == "first" and "-first" or "")
   protocol.windows, protocol.limit = chosen, o.limit > 0 and o.limit or null
   protocol.seed = chosen == "drawn" and o.seed or null
   return protocol
end

-- Places of the windows among n, from 0. o.of_drawn: only so many of them, for a second look at a few.
function windows.places(o, n)
   local all = {}
   for i = 1, n do
      local part = math.floor((i - 1) * PARTS / n)
      all[i] = { place = i - 1, prompt = "window " .. i - 1, stratum = native.fs.sha256(o.seed .. "\0part " .. part) }
   end
   local chosen = o.windows == "first" and o.limit > 0 and table.move(all, 1, math.min(o.limit, n), 1, {})
                  or items.select(all, o.limit, o.seed)
   local places = {}
   for i = 1, math.min(#chosen, o.of_drawn or #chosen) do places[i] = chosen[i].place end
   return places
end

-- The chosen windows of a text one after another, for an engine that cuts ids at multiples of o.window; and their names.
-- Text for less than one window goes through as it is: the engine says what is wrong with it.
function windows.cut(o, ids)
   local n = #ids // o.window
   if n == 0 then return ids, {} end
   local places, out, names = windows.places(o, n), {}, {}
   for i, place in ipairs(places) do
      table.move(ids, place * o.window + 1, (place + 1) * o.window, #out + 1, out)
      names[i] = "window-" .. place
   end
   return out, names
end

-- Tokens of the chosen windows, by the usual bytes per token of English prose: for plans.
function windows.estimate(o, bytes)
   local n = math.floor(bytes / 4.2 / o.window)
   if o.limit > 0 then n = math.min(n, o.limit) end
   return n * o.window
end

return windows
