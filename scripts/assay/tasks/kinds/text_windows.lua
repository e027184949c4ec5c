-- Chooses the windows of a long text that a task measures: all of them, or some, drawn by seed over the whole text so that no
-- chapter decides alone.
local items = require "assay.tasks.items"
local native = require "assay.native"

local windows = {}

local PARTS <const> = 8 -- of the text; each gives the same number of windows

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

-- Adds the choice to a protocol. Only the whole text has the plain name, which is the usual one in papers.
function windows.protocol(o, name, protocol)
   local null = native.json.null
   local chosen = o.limit > 0 and o.windows or "all"
   protocol.name = name .. (chosen == "drawn" and "-drawn" or chosen == "first" and "-first" or "")
   protocol.windows, protocol.limit = chosen, o.limit > 0 and o.limit or null
   protocol.seed = chosen == "drawn" and o.seed or null
   return protocol
end

-- The places, from 0, of the chosen windows among n. o.of_drawn: only so many of them, for the repeated run.
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

-- The ids of the chosen windows one after another, since the engine cuts ids at multiples of o.window; and their names.
-- A text that is shorter than one window is returned as it is: the engine refuses it with a message.
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

-- About how many tokens the chosen windows have, for plans: English prose has 4.2 bytes a token.
function windows.estimate(o, bytes)
   local n = math.floor(bytes / 4.2 / o.window)
   if o.limit > 0 then n = math.min(n, o.limit) end
   return n * o.window
end

return windows
