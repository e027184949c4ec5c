-- Raises error objects, either for a mistake in the script (the message names the script's line) or for work that failed.
-- A fault of the library itself is raised with plain error() instead.
local sys = require("assay.native").sys

local fail = {}

-- Raises an error for a mistake of the script or the command line (exit code 2).
function fail.usage(message, hint)
   sys.fail { kind = "usage", message = message, hint = hint }
end

-- Raises an error for work that failed (exit code 1). parts: { where = path, cause = text, hint = text }; all optional.
function fail.work(message, parts)
   parts = parts or {}
   sys.fail { kind = "failed", message = message, hint = parts.hint, where = parts.where,
              cause = parts.cause }
end

local function sorted_keys(t)
   local keys = {}
   for key in pairs(t) do keys[#keys + 1] = tostring(key) end
   table.sort(keys)
   return keys
end
fail.sorted_keys = sorted_keys

-- Raises an error for a word that is not among the keys of `known`. Its hint may be "Did you mean 'group'?".
function fail.unknown(what, word, known)
   fail.usage(("unknown %s '%s'"):format(what, tostring(word)),
              sys.suggestion(tostring(word), sorted_keys(known)))
end

return fail
