-- assay eval MODEL TEXT: prints the perplexity of a model on a text file or on the texts of a data file. The confidence interval
-- comes from the differences between the windows into which the text is cut.
local data_form = require "assay.data.data_form"
local dataset = require "assay.data.dataset"
local fail = require "assay.lib.fail"
local model = require "assay.model"
local native = require "assay.native"
local json, sys = native.json, native.sys

-- Returns the text of a file. Plain text is taken as it is; from other forms (JSON, CSV, ...) the texts of the records are joined.
-- A pipe must hold plain text, because it can be read only once and the other forms are opened by path.
local function text_of(path)
   if data_form.is_file(path) and data_form.of(path).form ~= "text" then return dataset.text { path = path }:text() end
   local text, problem = native.fs.read(path)
   if not text then error(problem, 0) end
   local form = data_form.readable(path, data_form.of_bytes(path, text)).form
   if form ~= "text" then
      fail.work(("this is %s, which cannot be read from a pipe"):format(form), { where = path, hint = "Save it as a file" })
   end
   return text
end

return function(o)
   local text = text_of(o.text)
   local m = model.load(o.model, { adapter = o.adapter, runtime = o.packed and "packed" or nil })
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
