-- SQuAD v2: questions about a passage. The answers are pieces of the passage, or there is none (empty lists). answer_start counts
-- code points. The original form is one nested JSON document, from which each question becomes a row.

-- Turns the answers of a row, a list of { text, answer_start }, into two lists: texts and starts.
local function read(row)
   local texts, starts = {}, {}
   for i, answer in ipairs(row.answers or {}) do texts[i], starts[i] = answer.text, answer.answer_start end
   return { id = row.id, title = row.title, context = row.context, question = row.question,
            answers = { text = texts, answer_start = starts } }
end

local function ask(row)
   return row.context .. "\n" .. row.question, row.answers.text[1] or "unanswerable"
end

-- Reads a row of the hub. Some files there have the two lists already; newer Parquet files have the one list.
local function hub(row)
   if row.answers.text == nil then return read(row) end
   return row
end

return {
   title = "SQuAD v2", license = "CC-BY-SA-4.0", hub = "rajpurkar/squad_v2", folder = "squad_v2",
   rows = { train = 130319, validation = 11873 }, default = "validation",
   original = { train = { "train-v2.0.json" }, validation = { "dev-v2.0.json" } },
   form = { id = "json", config = { at = { "data", "paragraphs", "qas" } } },
   read = read, hub_read = hub, ask = ask,
}
