-- Copies a decoded JSON value without its nulls, so that code needs to test an absent value for nil only.
-- It is meant for code that reads a report: the copy is made of plain tables, which do not keep the order of keys.

local function without_nulls(value)
   local kind = type(value)
   if kind == "table" then
      local out = {}
      for key, item in pairs(value) do out[key] = without_nulls(item) end
      return out
   end
   if kind == "string" or kind == "number" or kind == "boolean" then return value end
   return nil -- JSON's null is a light userdata
end

return without_nulls
