-- Chooses which windows (pieces of equal length) of a long text a task measures: all, the first ones, or some that are drawn by seed
-- over the whole text, so that the result does not depend on one chapter.
local items = require "assay.tasks.items"
local native = require "assay.native"

local windows = {}

local PARTS <const> = 8 -- the text is divided into this many parts, from which equally many windows are drawn

windows.options = {
   limit = { type = "integer", default = 0, min = 0, about = "most windows to measure; 0 = all" },
   windows = { type = "string", default = "drawn", one_of = { "drawn", "first" },
               about = "which windows if limited: drawn over the whole text, or the first, to compare with published numbers" },
   seed = { type = "integer", default = 1, min = 0, about = "seed of the draw of windows" },
}

-- The options above and those of `more`.
function windows.with(more)
   local all = {}
   for key, rule in pairs(windows.options) do all[key] = rule end
   for key, rule in pairs(more) do all[key] = rule end
   return all
end

-- Adds the choice of windows to a protocol. Only a measurement of the whole text, as in papers, gets the name without an ending.
function windows.protocol(o, name, protocol)
   local null = native.json.null
   local chosen = o.limit > 0 and o.windows or "all"
   protocol.name = name .. (chosen == "drawn" and "-drawn" or chosen == "first" and "-first" or "")
   protocol.windows, protocol.limit = chosen, o.limit > 0 and o.limit or null
   protocol.seed = chosen == "drawn" and o.seed or null
   return protocol
end

-- The numbers (from 0) of the chosen windows among n. If o.of_drawn is given, only that many of the chosen windows are returned, the
-- first ones; the repeated run uses this (study/stages/repeat_run.lua).
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

-- Returns the ids of the chosen windows in one list, and the names of the windows. The engine cuts this list at multiples of o.window.
-- A text that is shorter than one window is returned as it is; then the engine raises an error.
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

-- The token that the tokenizer puts before a text by itself; nil if it puts none.
function windows.first_token(m)
   local begun, bare = m:encode("a", { start = true }), m:encode "a"
   return #begun > #bare and begun[1] or nil
end

-- Puts this token in the place of the first token of every window.
function windows.begin_each(ids, window, token)
   for place = 1, #ids - window + 1, window do ids[place] = token end
end

-- About how many tokens the chosen windows have, for plans. English prose has about 4.2 bytes per token.
function windows.estimate(o, bytes)
   local n = math.floor(bytes / 4.2 / o.window)
   if o.limit > 0 then n = math.min(n, o.limit) end
   return n * o.window
end

return windows
