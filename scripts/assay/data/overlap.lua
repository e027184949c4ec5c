-- Finds what a calibration shares with the tasks of a study: whole records, compared by the hash of their words, and passages of
-- 13 words. A shared record is an error unless the calibration says why (allow_overlap); shared passages are only reported.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local json = native.json

local overlap = {}

overlap.run_words = 13 -- words of a shared passage

local SHORTEST_LINE <const> = 8 -- words; shorter lines of a document (headings, blanks) are alike in many documents

-- The hash of a text's words (case and punctuation do not count); nil for a text that is too short to compare.
local function content_of(text, lines)
   local hash, words = native.data.content(text)
   if hash == "" or lines and words < SHORTEST_LINE then return nil end
   return hash
end

local function is_lines(dataset) return dataset and dataset.is_lines and dataset:is_lines() or false end

-- Returns the hashes of the records from which the calibration was made, and an index of the passages in its sequences.
local function index_of(calibration, model)
   local texts, records = calibration:texts_for(model)
   local hashes, passages = {}, native.data.passages(overlap.run_words)
   local lines = is_lines(calibration.options.dataset)
   for _, text in ipairs(records) do
      local hash = content_of(text, lines)
      if hash then hashes[hash] = true end
   end
   for _, text in ipairs(texts) do passages:add(text) end
   return hashes, passages
end

-- The contents of the turns of a chat, joined as the calibration joins them; nil if the record is no chat.
local function chat_of(record)
   if type(record.messages) ~= "table" then return nil end
   local parts = {}
   for i, message in ipairs(record.messages) do
      parts[i] = type(message.content) == "string" and message.content or ""
   end
   return table.concat(parts, "\n")
end

-- Compares every record of a task's dataset. too_short: records with fewer than 13 words, which have no passage to look for.
local function compare(task, dataset, hashes, passages)
   local found = { records = 0, shared = 0, with_passage = 0, too_short = 0, first = json.null }
   local lines = is_lines(dataset)
   for record in dataset:records() do
      local text = dataset:text_of(record) or chat_of(record)
      if text then
         found.records = found.records + 1
         local hash, p = content_of(text, lines), passages:check(text)
         if hash and hashes[hash] then found.shared = found.shared + 1 end
         if p.runs == 0 then found.too_short = found.too_short + 1 end
         if p.shared > 0 then
            found.with_passage = found.with_passage + 1
            if found.first == json.null then found.first = p.first end
         end
      end
   end
   return json.object { { "task", task.id }, { "records", found.records }, { "shared_records", found.shared },
                        { "records_with_passage", found.with_passage }, { "too_short", found.too_short },
                        { "first_passage", found.first } }
end

-- Returns one entry for each task that has a dataset: { task, records, shared_records, records_with_passage, ... }.
function overlap.check(calibration, model, tasks)
   local hashes, passages = index_of(calibration, model)
   local out = json.list {}
   for _, task in ipairs(tasks) do
      local dataset = task.options.dataset
      if dataset and dataset.text_of then out[#out + 1] = compare(task, dataset, hashes, passages) end
   end
   return out
end

-- The sum of shared records over the entries of overlap.check.
function overlap.shared(overlaps)
   local n = 0
   for _, one in ipairs(overlaps) do n = n + one.shared_records end
   return n
end

-- Raises if a record is shared and the calibration does not say why.
function overlap.refuse(calibration, overlaps)
   if calibration.options.allow_overlap then return end
   for _, one in ipairs(overlaps) do
      if one.shared_records > 0 then
         local name = calibration.options.name
         fail.usage(("%s and the task '%s' share %d of %d records: a calibration must not use records that are evaluated")
                       :format(name and ("calibration '%s'"):format(name) or "calibration", one.task, one.shared_records,
                               one.records),
                    "Calibrate on another split, or say why with allow_overlap = \"...\"")
      end
   end
end

return overlap
