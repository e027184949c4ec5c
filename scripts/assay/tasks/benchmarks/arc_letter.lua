-- ARC as a conversation: the model writes the letter of its answer. This finds models whose written text is broken while the likelihoods
-- that they give to the choices are fine. The prompt is that of lm-evaluation-harness' arc_challenge_chat.
local graded_answers = require "assay.tasks.kinds.graded_answers"

local LETTERS <const> = { "A", "B", "C", "D" }

local function read(record)
   local question, texts, labels = record.question, {}, {}
   if type(question) == "table" then
      for i, one in ipairs(question.choices) do texts[i], labels[i] = one.text, one.label end
      question = question.stem
   else
      texts, labels = record.choices.text, record.choices.label
   end
   if type(question) ~= "string" or #texts < 3 or #texts > 4 then return nil end
   local lines, gold = {}, nil
   for i, text in ipairs(texts) do
      lines[i] = LETTERS[i] .. ". " .. text
      if labels[i] == record.answerKey then gold = LETTERS[i] end -- a numeric key becomes the letter of its place: 2 is B
   end
   if not gold then return nil end
   local prompt = "Given the following question and four candidate answers (A, B, C and D), choose the best answer.\n"
      .. "Question: " .. question:match "^%s*(.-)%s*$" .. "\n" .. table.concat(lines, "\n") .. "\n"
      .. 'Your response should end with "The best answer is [the_answer_letter]" where the [the_answer_letter] is one of '
      .. "A, B, C or D."
   return { id = record.id, prompt = prompt, target = " The best answer is " .. gold, prefix = "The best answer is",
      gold_text = gold, stratum = gold, category = "mcq" }
end

-- The answer: the first letter A to D that stands alone. The prompt already ends with "The best answer is", so the model's text usually
-- begins with that letter.
local function letter(text) return text:match "^%s*%(?([A-D])%f[^%w]" or text:match "%f[%w]([A-D])%f[^%w]" end

return graded_answers.task {
   protocol = "arc_letter", summary = "the letter of the right choice, written (ARC)", read = read, max_tokens = 100,
   stops = { "\n\n", "." }, short_answers = true,
   metrics = { { name = "correct", unit = "fraction", direction = "higher", kind = "binary" },
      { name = "no_answer", unit = "fraction", direction = "lower", kind = "binary" } },
   extract = letter,
   graders = { { id = "exact_match", config = { normaliser = "none" }, take = { exact_match = "correct" },
      record = function(question, text) return { prediction = letter(text) or "[invalid]", golds = { question.gold_text } } end } },
   baselines = function(questions)
      local counts, most = {}, 0
      for _, question in ipairs(questions) do
         counts[question.gold_text] = (counts[question.gold_text] or 0) + 1
         most = math.max(most, counts[question.gold_text])
      end
      return { { name = "random letter", metric = "correct", value = 0.25 },
         { name = "commonest letter", metric = "correct", value = most / #questions } }
   end,
}
