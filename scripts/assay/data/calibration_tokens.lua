-- Makes a calibration's token sequences from records: draws records, applies the chat template, cuts, and makes the mask (which tokens
-- enter the statistics). It refuses texts that are only short lines. No sequence is filled up with padding tokens.
local fail = require "assay.lib.fail"
local native = require "assay.native"

local tokens = {}

local shortest_median = 16   -- tokens; if half of the texts are shorter, they are lines and not whole texts
local most_records = 50000   -- the largest number of records to join; from a larger set this number is drawn

-- Encodes a text as the model will read it: with the tokenizer's own first token (such as <s>), once. AWQ
-- (awq/utils/calib_data.py) and llm-compressor (transformers/data/base.py) let the tokenizer add it too. If records are joined, only
-- the beginning of the whole has this token.
local function begun(model, text) return model:encode(text, { start = true }) end

-- The numbers 1 to n in a random order (Fisher-Yates); the seed gives the same order on every machine.
local function shuffled(n, seed)
   local order = {}
   for i = 1, n do order[i] = i end
   for i = n, 2, -1 do
      local j = native.sys.seed(seed, "calibration", tostring(i), "shuffle") % i + 1
      order[i], order[j] = order[j], order[i]
   end
   return order
end

-- k different numbers of 1 to n in the order in which they were drawn. Unlike `shuffled` it makes no list of n numbers, because a
-- dataset may have millions of records.
local function drawn(n, k, seed)
   local out, seen, draw = {}, {}, 0
   while #out < math.min(n, k) do
      local i = native.sys.seed(seed, "calibration", tostring(draw), "draw") % n + 1
      draw = draw + 1
      if not seen[i] then
         seen[i] = true
         out[#out + 1] = i
      end
   end
   return out
end

-- { number = record } for these numbers. The dataset is read only up to the largest of them.
local function records_at(dataset, numbers)
   local wanted, found, last = {}, {}, 0
   for _, i in ipairs(numbers) do
      wanted[i] = true
      last = math.max(last, i)
   end
   local i = 0
   for record in dataset:records() do
      i = i + 1
      if wanted[i] then found[i] = record end
      if i == last then break end
   end
   return found
end

local function median(values)
   local sorted = table.move(values, 1, #values, 1, {})
   table.sort(sorted)
   return sorted[(#sorted + 1) // 2]
end

-- Raises if the median text is shorter than 16 tokens, unless `allow_short` is given: a document was probably split at its line ends.
-- Statistics from such lines would describe little but the first tokens of a text. what: what the message calls the texts.
local function refuse_shattered(self, lengths, what)
   local middle = median(lengths)
   if middle >= shortest_median or self.options.allow_short then return end
   fail.usage(("calibration: half of the %d %s have %d tokens or fewer: the text is split into short lines")
                 :format(#lengths, what, middle),
              "records = \"document\" or \"paragraph\" keeps texts whole; allow_short = \"why\" if they are meant")
end

-- ---- one sequence a record -------------------------------------------------------------------

-- The record as a chat: its own messages, or its question as the user's turn and its answer as the assistant's.
local function messages_of(dataset, record)
   if record.messages then return record.messages end
   local question, answer = dataset:ask(record)
   question = question or record.text
   if type(question) ~= "string" then
      fail.usage(("calibration: a record of %s has neither messages nor a question"):format(tostring(dataset)),
                 "Give the dataset a 'map' to { prompt = ..., answer = ... } or { messages = ... }")
   end
   local messages = { { role = "user", content = question } }
   if type(answer) == "string" then messages[2] = { role = "assistant", content = answer } end
   return messages
end

local function common_prefix(a, b)
   local n = 0
   while n < #a and n < #b and a[n + 1] == b[n + 1] do n = n + 1 end
   return n
end

-- 1 for the tokens of every assistant turn and of its end-of-turn mark, else 0. For each such turn the chat is rendered
-- twice: without this turn, and with it as the last. The tokens that only the longer text has belong to the turn.
local function response_mask(model, messages, ids)
   local counted = {}
   for i = 1, #ids do counted[i] = 0 end
   for turn, message in ipairs(messages) do
      if message.role == "assistant" then
         local before, upto = {}, {}
         for i = 1, turn do
            upto[i] = messages[i]
            if i < turn then before[i] = messages[i] end
         end
         local asked = begun(model, model:chat(before, { generate = true }))
         local told = begun(model, model:chat(upto))
         for i = common_prefix(asked, told) + 1, math.min(common_prefix(told, ids), #ids) do counted[i] = 1 end
      end
   end
   return counted
end

-- The token ids of a record, its mask (nil if all tokens count), and its text without the template.
local function sequence_of(self, model, record, number)
   local o = self.options
   if o.template == "none" then
      local text = o.dataset:need_text(record, number)
      return begun(model, text), nil, text
   end
   local messages = messages_of(o.dataset, record)
   local ids, parts = begun(model, model:chat(messages)), {}
   for i, message in ipairs(messages) do parts[i] = type(message.content) == "string" and message.content or "" end
   return ids, o.mask == "response" and response_mask(model, messages, ids) or nil, table.concat(parts, "\n")
end

local function any_counted(counted, length)
   if not counted then return true end
   for i = 1, math.min(length, #counted) do if counted[i] == 1 then return true end end
   return false
end

local function cut(list, length)
   if not list or #list <= length then return list end
   return table.move(list, 1, length, 1, {})
end

-- Layout "samples": one sequence for each record. Twice as many records as wanted are drawn, because some cannot be used.
local function one_a_record(self, model)
   local o, wanted = self.options, self:wanted()
   local order = drawn(o.dataset:count(), 2 * wanted, o.seed)
   local records = records_at(o.dataset, order)
   local made = { ids = {}, counted = o.mask == "response" and {} or nil, texts = {}, lengths = {}, skipped = 0 }
   for _, i in ipairs(order) do
      if #made.ids == wanted then break end
      local ids, counted, text = sequence_of(self, model, records[i], i)
      if #ids >= 2 and any_counted(counted, o.length) then
         local n = #made.ids + 1
         made.ids[n], made.texts[n], made.lengths[n] = cut(ids, o.length), text, #ids
         if made.counted then made.counted[n] = cut(counted, o.length) end
      else
         made.skipped = made.skipped + 1
      end
   end
   if #made.ids < wanted then
      fail.usage(("calibration: %d sequences are wanted, only %d of the %d records that were drawn can be used")
                    :format(wanted, #made.ids, #order),
                 o.mask == "response" and "No answer begins within the length: raise it, or take mask = \"all\""
                 or "Lower samples, or give more data")
   end
   refuse_shattered(self, made.lengths, "texts")
   return made
end

-- ---- joined texts, cut ---------------------------------------------------------------------------

-- The texts of all records, or of most_records drawn ones, in the order of the dataset.
local function joined_texts(self)
   local dataset, parts, order = self.options.dataset, {}, nil
   if dataset:count() > most_records then order = drawn(dataset:count(), most_records, self.options.seed) end
   local wanted = {}
   for _, i in ipairs(order or {}) do wanted[i] = true end
   local i = 0
   for record in dataset:records() do
      i = i + 1
      if not order or wanted[i] then
         parts[#parts + 1] = dataset:need_text(record, i)
      end
   end
   return parts
end

-- Lengths in tokens of up to 511 of the texts, taken at equal distances. That is enough for a median.
local function lengths_of(model, texts)
   local lengths, step = {}, math.max(1, #texts // 256)
   for i = 1, #texts, step do lengths[#lengths + 1] = #begun(model, texts[i]) end
   return lengths
end

-- Layout "joined": all texts are joined and cut into pieces of o.length tokens, from which the wanted number is drawn.
local function joined(self, model)
   local o, wanted, texts = self.options, self:wanted(), joined_texts(self)
   -- rows that are lines of one document (WikiText) may be short, since they are joined
   if #texts > 1 and not o.dataset:is_lines() then refuse_shattered(self, lengths_of(model, texts), "texts") end
   local ids = begun(model, table.concat(texts, "\n\n"))
   local chunks = #ids // o.length
   if chunks < wanted then
      fail.usage(("calibration: %d sequences of %d tokens are wanted, the text has only %d")
                    :format(wanted, o.length, chunks), "Lower samples or length, or give more text")
   end
   local made = { ids = {}, texts = {}, records = texts, skipped = 0 }
   for i, chunk in ipairs(shuffled(chunks, o.seed)) do
      if i > wanted then break end
      made.ids[i] = table.move(ids, (chunk - 1) * o.length + 1, chunk * o.length, 1, {})
      made.texts[i] = model:decode(made.ids[i])
   end
   return made
end

-- Returns three values: { ids, counted?, source } for the quantizer, the texts of the sequences, and the texts of the records from
-- which they were made. self: the calibration.
function tokens.make(self, model)
   local o = self.options
   local made = o.layout == "joined" and joined(self, model) or one_a_record(self, model)
   local info = o.dataset:info()
   local source = { dataset = o.dataset.name or o.dataset.id, split = info.split, subset = info.subset,
                    sha256 = o.dataset:identity().sha256, license = info.license, seed = o.seed,
                    template = o.template, layout = o.layout, mask = o.mask, length = o.length,
                    skipped = made.skipped, allow_held_out = o.allow_held_out, allow_short = o.allow_short }
   return { ids = made.ids, counted = made.counted, source = source }, made.texts, made.records or made.texts
end

return tokens
