-- How far a variant's next-token distributions lie from the untouched model's along the answers that the untouched model
-- gave: one number per prompt, for the failure catalogue. The answers are forced, so that both models read the same tokens.
-- Not the distance on a text (tasks/distance.lua).
local native = require "assay.native"
local fs, json = native.fs, native.json

local answer_distance = {}

local function name_of(id) return fs.sha256(tostring(id)):sub(1, 16) end

local function options_of(folder, one)
   return { window = #one.ids, context = one.context, states = folder and folder .. "/" .. name_of(one.id) }
end

-- Prompt and answer as one row of tokens; `context` of them are the prompt's. Nothing for an empty answer.
local function row_of(m, text, output)
   local ids = m:encode(text)
   local context = #ids
   if context == 0 or #output.ids == 0 then return nil end
   return { id = output.id, context = context, ids = table.move(output.ids, 1, #output.ids, context + 1, ids) }
end

-- Keeps the untouched model's answers and its final hidden states along them below `folder`. texts, outputs: in one order.
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

-- Sets `mean_kld` (nats per token of the untouched model's answer) of those outputs whose states were kept in `folder`.
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
