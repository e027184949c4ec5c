-- The facts that are stored about every generated answer beside its text: its tokens and where each ends in the text, why the answer
-- ended, and how sure the model was.
local native = require "assay.native"

-- Each token is decoded together with this many tokens before it, because its text (a space, a part of a character) depends on them.
local BEFORE <const> = 6

-- The byte at which the text of each token ends, so that a report can mark the token where two answers begin to differ.
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

-- For each place in the answer, the log-probability of the likeliest token minus that of the second, in nats, rounded to four decimals;
-- nil if one of these numbers is not finite.
local function margins_of(values)
   local out = native.json.list {}
   for i, value in ipairs(values or {}) do
      if value ~= value or value == math.huge then return nil end
      out[i] = math.floor(value * 1e4 + 0.5) / 1e4
   end
   return values and out
end

-- Returns { ids, tokens, ends, finish, margins, mean_logprob, nonfinite }. answer: from batch.generate. If a log-probability is not a
-- number, mean_logprob is nil and nonfinite is 1.
return function(m, answer)
   local confidence = mean(answer.logprobs)
   local finite = confidence and confidence == confidence
   return { ids = native.json.list(answer.ids), tokens = #answer.ids, ends = m.decode and ends_of(m, answer.ids) or nil,
            finish = answer.finish, margins = margins_of(answer.margins), mean_logprob = finite and confidence or nil,
            nonfinite = confidence and not finite and 1 or nil }
end
