-- Items are the questions of a task. This file draws those that are evaluated, hashes them, and gives results the form that tasks
-- over items return.

local native = require "assay.native"

local items = {}

-- The text of a question. Two rows with the same text are the same question.
function items.content(question)
   return question.context or question.contexts and table.concat(question.contexts, "\0") or question.prompt
end

local function short_hash(text) return native.fs.sha256(text):sub(1, 16) end

-- Returns the hash of the question and the hash of the right answer (nil if there is none). Two records belong to the same item if both
-- hashes are equal. This does not mean that the prompts were the same: for that, compare the field prompt_hash of the records.
function items.hashes(question)
   local target = question.gold_text or question.golds and table.concat(question.golds, "\0")
      or question.choices and question.gold and question.choices[question.gold] or question.answer
   return short_hash(items.content(question)), target ~= nil and short_hash(tostring(target)) or nil
end

-- One hash over the prompts of all items, in order; nil if the items have no prompt_hash.
function items.prompts_hash(outputs)
   local hashes = {}
   for i, output in ipairs(outputs or {}) do hashes[i] = output.prompt_hash end
   return #hashes > 0 and short_hash(table.concat(hashes, " ")) or nil
end

-- A hash of everything that fixes a dataset's records: its content, and its `map` if there is one.
function items.dataset_key(dataset)
   local identity = dataset:identity()
   if not identity.map then return identity.sha256 end
   return native.fs.sha256(identity.sha256 .. identity.map)
end

-- Draws n questions (0 = all) and returns them in the order of the file. The draw uses a hash of seed and content, so it does not depend
-- on that order. It takes equal shares of each stratum, that is of each right answer, unless the questions have a field `stratum`.
function items.select(questions, n, seed)
   if n == 0 or n >= #questions then return questions end
   local strata, names = {}, {}
   for i, question in ipairs(questions) do
      local name = tostring(question.stratum or question.gold or "")
      if not strata[name] then
         strata[name] = {}
         names[#names + 1] = name
      end
      table.insert(strata[name], { place = i, key = native.fs.sha256(seed .. "\0" .. items.content(question)) })
   end
   table.sort(names)
   for _, name in ipairs(names) do table.sort(strata[name], function(a, b) return a.key < b.key end) end
   local places, round = {}, 1
   while #places < n do
      for _, name in ipairs(names) do
         local one = strata[name][round]
         if one and #places < n then places[#places + 1] = one.place end
      end
      round = round + 1
   end
   table.sort(places)
   local out = {}
   for i, place in ipairs(places) do out[i] = questions[place] end
   return out
end

-- The cluster of each question: its article, passage or subject. Nil if clusters say nothing, because each question has its own or all
-- have the same.
function items.clusters(questions)
   local out, seen, n = {}, {}, 0
   for i, question in ipairs(questions) do
      local cluster = question.cluster
      if not cluster then return nil end
      out[i] = cluster
      if not seen[cluster] then n, seen[cluster] = n + 1, true end
   end
   return n > 1 and n < #questions and out or nil
end

-- The result of a task over items. Each metric has its value, unit, kind and one score for each item, in the order of `ids`.
-- evaluated: { name = { value, unit, direction, kind, scores, weights } } from a metric plugin; note: what else the plugin returns.
function items.result(ids, evaluated, baselines, note)
   local metrics = {}
   for name, number in pairs(evaluated) do
      if type(number) == "table" and number.scores then
         metrics[name] = { value = number.value, unit = number.unit, direction = number.direction, kind = number.kind,
            link = number.link, scores = number.scores, weights = number.weights }
      end
   end
   return { ids = ids, metrics = metrics, baselines = baselines, note = note, counts = { items = #ids } }
end

return items
