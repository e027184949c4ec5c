-- assay.calibration { ... }: the token sequences that statistics are taken from.
-- Either token ids as they are, or samples of a dataset cut to a length by the model's tokenizer.
local fail = require "assay.fail"
local native = require "assay.native"
local options = require "assay.options"

local calibration_class = { __name = "calibration" }
calibration_class.__index = calibration_class

local spec = {
   ids = { type = "list", about = "token sequences: { { 504, 3575 }, ... }" },
   dataset = { type = "table", about = "where the texts come from" },
   samples = { type = "integer", default = 64, min = 1, about = "sequences" },
   length = { type = "integer", default = 512, min = 2, about = "tokens of a sequence" },
   seed = { type = "integer", default = 42, about = "which part of the text is taken" },
   template = { type = "string", default = "none", one_of = { "none", "chat" },
                about = "text as it is, or through the chat template" },
}

-- Fisher-Yates with the study's labelled seed: the same choice on every machine.
local function shuffled(n, seed)
   local order = {}
   for i = 1, n do order[i] = i end
   for i = n, 2, -1 do
      local j = native.sys.seed(seed, "calibration", tostring(i), "shuffle") % i + 1
      order[i], order[j] = order[j], order[i]
   end
   return order
end

local function text_of(self, model, record)
   if self.options.template == "none" then return record.text end
   local messages = record.messages or {
      { role = "user", content = record.prompt or record.question or record.text },
      { role = "assistant", content = record.answer or record.response },
   }
   return model:chat(messages)
end

-- Texts are joined to one stream, which is cut into chunks; the seed chooses among the chunks.
local function cut(self, model)
   local parts = {}
   for record in self.options.dataset:records() do parts[#parts + 1] = text_of(self, model, record) end
   local ids = model:encode(table.concat(parts, "\n\n"))
   local length, wanted = self.options.length, self.options.samples
   local chunks = #ids // length
   if chunks < wanted then
      fail.usage(("calibration: %d sequences of %d tokens are wanted, the text has only %d")
                    :format(wanted, length, chunks), "Lower samples or length, or give more text")
   end
   local sequences = {}
   for i, chunk in ipairs(shuffled(chunks, self.options.seed)) do
      if i > wanted then break end
      sequences[i] = table.move(ids, (chunk - 1) * length + 1, chunk * length, 1, {})
   end
   return sequences
end

-- Plain data for the quantizer: { ids = ..., source = ... }. Made once per calibration.
function calibration_class:tokens_for(model)
   if not self.made then
      local o = self.options
      local source = { seed = o.seed, template = o.template }
      if o.dataset then
         source.dataset = o.dataset.id
         source.sha256 = o.dataset:identity().sha256
      else
         source.dataset = "ids"
      end
      self.made = { ids = o.ids or cut(self, model), source = source }
   end
   return self.made
end

-- What fixes its content, for keys of stored results.
function calibration_class:identity()
   local o = self.options
   if o.ids then return { ids = native.fs.sha256(native.json.encode(o.ids)) } end
   return { dataset = o.dataset:identity(), samples = o.samples, length = o.length, seed = o.seed,
            template = o.template }
end

function calibration_class:__tostring()
   local o = self.options
   if o.ids then return ("calibration: %d sequences of given tokens"):format(#o.ids) end
   return ("calibration: %d x %d tokens of %s"):format(o.samples, o.length, tostring(o.dataset))
end

return function(given)
   local o = options.check("assay.calibration", given, spec)
   if (o.ids == nil) == (o.dataset == nil) then
      fail.usage("assay.calibration takes either 'ids' or 'dataset'")
   end
   return setmetatable({ options = o }, calibration_class)
end
