-- Gate P7: no calibration sequence is shorter than 16 tokens. Shorter ones are a sign that texts were torn into pieces.

local SHORTEST <const> = 16 -- tokens

local function is_calibrated(study)
   for _, recipe in ipairs(study.recipes) do if recipe.calibrated then return true end end
   return false
end

return {
   id = "P7", title = "calibration sequences are whole", severity = "block", scope = "study",
   failed = "calibration texts were torn apart or are missing",
   check = function(facts)
      if not is_calibrated(facts.run.study) then return "pass", "nothing is calibrated" end
      local sequences, tokens, shortest = 0, 0, math.huge
      for _, made in ipairs(facts.calibrations) do
         sequences, tokens = sequences + made.sequences, tokens + made.tokens
         shortest = math.min(shortest, made.shortest)
      end
      if sequences == 0 then return "not_run", "no calibration was made" end
      return shortest >= SHORTEST and "pass" or "fail",
             ("%d sequences, %d tokens, the shortest of %d"):format(sequences, tokens, shortest)
   end,
}
