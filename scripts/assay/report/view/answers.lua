-- Generated answers as a report shows them: split at the first difference from the reference's answer, with a line of facts
-- about each answer.
local format = require "assay.report.format"

local answers = {}

-- Returns the part of a text that equals the reference's answer, and the rest; the rest is nil if the two answers are equal. No
-- UTF-8 character is cut in two.
function answers.split_at_divergence(output)
   local divergence, text = output.divergence, output.text or ""
   if not divergence or not divergence.byte then return text, nil end
   local place = math.min(divergence.byte, #text)
   while place > 0 and place < #text and text:byte(place + 1) & 0xC0 == 0x80 do place = place - 1 end
   return text:sub(1, place), text:sub(place + 1)
end

-- "48 tokens · cut at the limit · differs from token 7 · loop at the end (F05)"
function answers:output_note(output)
   local parts = {}
   if output.tokens then parts[#parts + 1] = format.count(output.tokens) .. " tokens" end
   if output.finish == "length" then parts[#parts + 1] = "cut at the limit" end
   if output.divergence then parts[#parts + 1] = "differs from token " .. format.count(output.divergence.token) end
   for _, flag in ipairs(output.flags or {}) do
      if not (flag == "F02" and output.finish == "length") then parts[#parts + 1] = self:symptom(flag) end -- F02 is said already
   end
   return table.concat(parts, " · ")
end

return answers
