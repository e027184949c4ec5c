-- Measures how far a variant's next-token distributions lie from the untouched model's (KL divergence), one number for each prompt, for
-- the failure catalogue. Both models read the same tokens: the prompt and the untouched model's answer.
local native = require "assay.native"
local fs, json = native.fs, native.json

local answer_distance = {}

local function name_of(id) return fs.sha256(tostring(id)):sub(1, 16) end

local function options_of(folder, one)
   return { window = #one.ids, context = one.context, states = folder and folder .. "/" .. name_of(one.id) }
end

-- { id, context, ids }: prompt and answer as one row of token ids, of which the first `context` are the prompt. Nil if the prompt or the
-- answer is empty.
local function row_of(m, text, output)
   local ids = m:encode(text, { start = true })
   local context = #ids
   if context == 0 or #output.ids == 0 then return nil end
   return { id = output.id, context = context, ids = table.move(output.ids, 1, #output.ids, context + 1, ids) }
end

-- For the untouched model: stores in `folder` its answers, and its final hidden states at the tokens of these
-- answers. texts[i] is the prompt of outputs[i].
function answer_distance.keep(m, folder, texts, outputs)
   local rows = json.list {}
   for i, output in ipairs(outputs) do
      local row = row_of(m, texts[i], output)
      if row then
         local given = options_of(nil, row)
         m:keep_states(row.ids, folder .. "/" .. name_of(row.id), given)
         rows[#rows + 1] = row
      end
   end
   fs.write(folder .. "/answers.json", json.encode(rows))
end

local function mean(values)
   local sum = 0
   for _, value in ipairs(values) do sum = sum + value end
   return sum / #values
end

-- For a variant m: sets `mean_kld` of each output whose states are stored in `folder`. It is the mean over the tokens of the untouched
-- model's answer, in nats.
function answer_distance.measure(m, reference, folder, outputs)
   local kept = {}
   for _, row in ipairs(json.decode(fs.read(folder .. "/answers.json") or "[]")) do kept[tostring(row.id)] = row end
   for _, output in ipairs(outputs) do
      local row = kept[tostring(output.id)]
      if row then
         local value = mean(m:distance(row.ids, reference, options_of(folder, row))[1].arrays.kld)
         output.mean_kld = value == value and value or nil
      end
   end
end

return answer_distance
