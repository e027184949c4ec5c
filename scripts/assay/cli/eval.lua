-- assay eval MODEL TEXT: perplexity of a model on a text file, with its interval over windows.
local fail = require "assay.lib.fail"
local model = require "assay.model"
local native = require "assay.native"
local json, sys = native.json, native.sys

return function(o)
   local text, problem = native.fs.read(o.text)
   if not text then error(problem, 0) end
   local m = model.load(o.model, { adapter = o.adapter })
   sys.begin(o.model)
   local started = sys.clock()
   local r = m:perplexity(text, { window = o.window, limit = o.limit })
   local seconds = sys.clock() - started
   sys.finish()
   local i = #r.windows > 1 and native.stats.perplexity_interval(r.windows, {}) or nil
   if sys.settings().json then
      r.interval, r.seconds = i, seconds
      io.write(json.encode(r), "\n")
      return 0
   end
   local interval = i and (" [%.3f, %.3f]"):format(i.low, i.high) or ""
   io.write(("perplexity %.4f%s over %d tokens in %d windows of %d (%s)\n"):format(r.ppl, interval,
            r.tokens, #r.windows, o.window, sys.duration(seconds)))
   local note = m:info().provenance_note
   if note ~= "" then io.write("note: ", note, "\n") end
   if r.ppl ~= r.ppl then fail.work("the perplexity is not a number") end
   return 0
end
