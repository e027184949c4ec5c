-- assay.calibration { ... }: the token sequences from which a method takes its statistics. The script gives them as ids, or they are
-- drawn from a dataset and encoded by the model's tokenizer (calibration_tokens.lua).
local fail = require "assay.lib.fail"
local first_token = require "assay.lib.first_token"
local native = require "assay.native"
local options = require "assay.lib.options"
local tokens = require "assay.data.calibration_tokens"

local calibration_class = { __name = "calibration" }
calibration_class.__index = calibration_class

local spec = {
   name = { type = "string", about = "what reports call it" },
   ids = { type = "list", about = "token sequences: { { 504, 3575 }, ... }" },
   source = { type = "table", about = "with ids: where they come from, for the metadata" },
   counted = { type = "list", about = "with ids: 1 for each token that enters the statistics, 0 for others" },
   dataset = { type = "table", about = "where the texts come from" },
   samples = { type = "integer", min = 1, about = "sequences (default 64)" },
   share = { type = "number", min = 0, max = 1, about = "sequences as a share of the records; at least 8, at most 128" },
   length = { type = "integer", default = 512, min = 2, about = "most tokens of a sequence" },
   seed = { type = "integer", default = 42, about = "which part of the text is taken" },
   template = { type = "string", default = "none", one_of = { "none", "raw", "chat" },
                about = "text as it is (none or raw), or through the chat template" },
   layout = { type = "string", one_of = { "joined", "samples" },
              about = "texts joined and cut, or one sequence a record (default with chat)" },
   mask = { type = "string", default = "all", one_of = { "all", "response" },
            about = "tokens that enter the statistics; response needs the chat template" },
   allow_short = { type = "string", about = "why the texts may be short lines" },
   allow_held_out = { type = "string", about = "why a split that is kept for evaluation is used" },
   allow_overlap = { type = "string", about = "why texts that a task evaluates may be used" },
}

local SMALLEST_SHARE <const>, LARGEST_SHARE <const> = 8, 128 -- sequences

-- How many sequences are wanted: the number that the script gives, or its share of the records within the bounds.
function calibration_class:wanted()
   local o = self.options
   if not o.share then return o.samples or 64 end
   local share = math.floor(o.dataset:count() * o.share)
   return math.min(LARGEST_SHARE, math.max(SMALLEST_SHARE, share))
end

-- Returns plain data for the quantizer: { ids = sequences, counted?, source }. counted: for each token 1 if it enters the
-- statistics, else 0. The data are made once for each model in memory, since each model may have its own tokenizer.
function calibration_class:tokens_for(model)
   local made = self.made[model]
   if not made then
      local o = self.options
      if o.ids then
         made = { ids = o.ids, counted = o.counted, source = o.source or { dataset = "ids" } }
      else
         local texts, records
         made, texts, records = tokens.make(self, model)
         self.texts[model] = { texts, records }
      end
      self.made[model], self.facts = made, native.quant.calibration(made)
   end
   return made
end

-- Counts the sequences that this model's tokenizer makes: { sequences, tokens, counted_tokens, shortest, longest, hash, source }.
-- shortest and longest are in tokens; the hash covers ids and masks.
function calibration_class:describe(model) return native.quant.calibration(self:tokens_for(model)) end

-- Returns the texts of the sequences and the texts of the records from which they were cut (if ids are given: the same texts twice).
-- overlap.lua looks for both in the tasks.
function calibration_class:texts_for(model)
   local made = self:tokens_for(model)
   if not self.texts[model] then
      local texts = {}
      for i, ids in ipairs(made.ids) do texts[i] = model:decode(ids) end
      self.texts[model] = { texts, texts }
   end
   return self.texts[model][1], self.texts[model][2]
end

-- Everything that fixes the content of the calibration. The keys of stored results contain it.
function calibration_class:identity()
   local o = self.options
   if o.ids then return { ids = native.fs.sha256(native.json.encode { o.ids, o.counted or {} }) } end
   return { dataset = o.dataset:identity(), samples = self:wanted(), length = o.length, seed = o.seed,
            template = o.template, layout = o.layout, mask = o.mask, first_token = first_token }
end

function calibration_class:__tostring()
   local o, f = self.options, self.facts
   if f then
      return ("calibration: %d sequences, %d tokens (%d counted), shortest %d, longest %d, %s"):format(
         f.sequences, f.tokens, f.counted_tokens, f.shortest, f.longest, f.hash:sub(1, 12))
   end
   if o.ids then return ("calibration: %d sequences of given tokens"):format(#o.ids) end
   local n = o.share and ("%g %% of the records"):format(100 * o.share) or tostring(o.samples or 64)
   return ("calibration: %s x %d tokens of %s"):format(n, o.length, tostring(o.dataset))
end

local function check_dataset(o)
   if type(o.dataset.records) ~= "function" then
      fail.usage("assay.calibration: 'dataset' must be a dataset", "assay.dataset.text { path = \"FILE\" }")
   end
   if o.dataset.held_out and o.dataset:held_out() and not o.allow_held_out then
      fail.usage(("assay.calibration: %s is kept for evaluation"):format(tostring(o.dataset)),
                 "Take the train split, or say why with allow_held_out = \"...\"")
   end
   if o.share and o.samples then fail.usage("assay.calibration takes either 'share' or 'samples'") end
   if o.template == "raw" then o.template = "none" end
   o.layout = o.layout or (o.template == "chat" and "samples" or "joined")
   if o.template == "chat" and o.layout == "joined" then
      fail.usage("assay.calibration: chats are not joined", "layout = \"samples\" keeps one sequence a record")
   end
   if o.mask == "response" and o.template ~= "chat" then
      fail.usage("assay.calibration: mask = \"response\" needs template = \"chat\"",
                 "Without a template nothing tells where an answer begins")
   end
end

return function(given)
   local o = options.check("assay.calibration", given, spec)
   if (o.ids == nil) == (o.dataset == nil) then
      fail.usage("assay.calibration takes either 'ids' or 'dataset'")
   end
   if o.dataset then check_dataset(o) end
   local by_model = { __mode = "k" } -- tokens are forgotten with the model whose tokenizer made them
   return setmetatable({ options = o, made = setmetatable({}, by_model), texts = setmetatable({}, by_model) },
                       calibration_class)
end
