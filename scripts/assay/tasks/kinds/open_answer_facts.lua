-- What is kept of every generated answer beside its text: tokens and where each one's text ends, why it ended, how sure the
-- model was. Not how it was asked and not its grade (answering.lua, free_answers.lua).
local native = require "assay.native"

-- Tokens decoded before each one: how a token reads (its space, its part of a character) depends on few before it.
local BEFORE <const> = 6

-- Byte at which the text of each token ends, so that a report can mark the token where two answers part.
local function ends_of(m, ids)
   local ends, total = native.json.list {}, 0
   for i = 1, #ids do
      local window = table.move(ids, math.max(1, i - BEFORE), i, 1, {})
      local with = #m:decode(window)
      window[#window] = nil
      total = total + with - (#window > 0 and #m:decode(window) or 0)
      ends[i] = total
   end
   return ends
end

local function mean(values)
   local sum = 0
   for _, value in ipairs(values or {}) do sum = sum + value / #values end
   return values and #values > 0 and sum or nil
end

-- Nats from the likeliest token to the second at each decision, to four digits; nil where one is not finite.
local function margins_of(values)
   local out = native.json.list {}
   for i, value in ipairs(values or {}) do
      if value ~= value or value == math.huge then return nil end
      out[i] = math.floor(value * 1e4 + 0.5) / 1e4
   end
   return values and out
end

-- answer: of many.generate. The logarithms' mean is nil, and `nonfinite` 1, where one of them is not a number.
return function(m, answer)
   local confidence = mean(answer.logprobs)
   local finite = confidence and confidence == confidence
   return { ids = native.json.list(answer.ids), tokens = #answer.ids, ends = m.decode and ends_of(m, answer.ids) or nil,
            finish = answer.finish, margins = margins_of(answer.margins), mean_logprob = finite and confidence or nil,
            nonfinite = confidence and not finite and 1 or nil }
end
