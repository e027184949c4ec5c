-- Shortens a list of findings for the evidence of a gate: the first three and how many more there are.
return function(list)
   local n = #list
   return table.concat(list, ", ", 1, math.min(3, n)) .. (n > 3 and (" and %d more"):format(n - 3) or "")
end
