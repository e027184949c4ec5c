-- Does calibration contain what is evaluated? Whole records by content, passages by runs of 13 words.
-- Whole records are an error unless the calibration says why; passages are reported.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local json = native.json

local contamination = {}

contamination.run_words = 13 -- words of a shared passage

local shortest_line = 8 -- words below which a line of a document (a heading, a blank) is nobody's content

local function content_of(text, lines)
   local hash, words = native.data.content(text)
   if hash == "" or lines and words < shortest_line then return nil end
   return hash
end

local function is_lines(dataset) return dataset and dataset.is_lines and dataset:is_lines() or false end

-- What calibration was made from: hashes of its records, and an index of the passages that it really uses.
local function index_of(calibration, model)
   local texts, records = calibration:texts_for(model)
   local hashes, passages = {}, native.data.passages(contamination.run_words)
   local lines = is_lines(calibration.options.dataset)
   for _, text in ipairs(records) do
      local hash = content_of(text, lines)
      if hash then hashes[hash] = true end
   end
   for _, text in ipairs(texts) do passages:add(text) end
   return hashes, passages
end

-- A record that is a chat, as calibration reads it: the turns' contents.
local function chat_of(record)
   if type(record.messages) ~= "table" then return nil end
   local parts = {}
   for i, message in ipairs(record.messages) do
      parts[i] = type(message.content) == "string" and message.content or ""
   end
   return table.concat(parts, "\n")
end

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

-- One entry a task that has a dataset of texts: { task, records, shared_records, records_with_passage, ... }.
function contamination.check(calibration, model, tasks)
   local hashes, passages = index_of(calibration, model)
   local out = json.list {}
   for _, task in ipairs(tasks) do
      local dataset = task.options.dataset
      if dataset and dataset.text_of then out[#out + 1] = compare(task, dataset, hashes, passages) end
   end
   return out
end

-- Records that calibration shares with all tasks.
function contamination.shared(overlaps)
   local n = 0
   for _, one in ipairs(overlaps) do n = n + one.shared_records end
   return n
end

-- Raises where whole records are shared and nothing says why.
function contamination.refuse(calibration, overlaps)
   if calibration.options.allow_overlap then return end
   for _, one in ipairs(overlaps) do
      if one.shared_records > 0 then
            local name = calibration.options.name
         fail.usage(("%s and the task '%s' share %d of %d records: what is evaluated must not be calibrated on")
                       :format(name and ("calibration '%s'"):format(name) or "calibration", one.task, one.shared_records,
                               one.records),
                    "Calibrate on another split, or say why with allow_overlap = \"...\"")
      end
   end
end

-- A stage for each subject and calibration: its tokens (kept in tokens.json), their facts, the overlap with every task.
function contamination.stage_key(context, fingerprint, calibration)
   local datasets = json.list {}
   for _, task in ipairs(context.study.tasks) do
      local dataset = task.options.dataset
      datasets[#datasets + 1] = { task = task.id, dataset = dataset and dataset:identity() or json.null }
   end
   return { stage = "calibration", subject = fingerprint, calibration = calibration:identity(),
            tasks = datasets, run_words = contamination.run_words, assay = native.sys.settings().version }
end

-- Returns the stage, and whether it was there before this run: recipes may bring the same calibration more than once.
function contamination.run(context, subject, fingerprint, calibration)
   local key = contamination.stage_key(context, fingerprint, calibration)
   local stage, was_there = context.store:stage(key, function(folder)
      local model = context.models:of_subject(subject)
      local facts, made = calibration:describe(model), calibration:tokens_for(model)
      native.fs.write(folder .. "/tokens.json", json.encode(json.object {
         { "hash", facts.hash }, { "ids", made.ids }, { "counted", made.counted or json.null } }) .. "\n")
      return json.object { { "facts", facts },
                           { "overlap", contamination.check(calibration, model, context.study.tasks) } }
   end)
   contamination.refuse(calibration, stage.result.overlap)
   local path = context.store:path(key)
   context.compared = context.compared or {}
   was_there = was_there and not context.compared[path]
   context.compared[path] = true
   return stage, was_there
end

return contamination
