-- Counts the incidents of a ledger: the entries that --strict does not allow. An entry with the event "note" only informs.
local ledger = {}

function ledger.incidents(entries)
   local n = 0
   for _, entry in ipairs(entries) do
      if entry.event ~= "note" then n = n + 1 end
   end
   return n
end

return ledger
