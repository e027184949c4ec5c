-- MMLU: exam questions of 57 subjects. The original is one CSV file a subject, without a header, the answer a letter.
-- `dev` holds the five examples of each subject and may be used freely, as auxiliary_train may.

local LETTERS <const> = { A = 0, B = 1, C = 2, D = 3 }

local function read(row)
   return { question = row.question, subject = row.subject:gsub("_%l+$", ""), answer = LETTERS[row.answer],
            choices = { row.A, row.B, row.C, row.D } }
end

return {
   title = "MMLU", license = "MIT", hub = "cais/mmlu", folder = "all",
   rows = { auxiliary_train = 99842, dev = 285, validation = 1531, test = 14042 }, default = "test",
   training = { auxiliary_train = true, dev = true },
   original = { dev = { "dev" }, validation = { "val" }, test = { "test" } },
   form = { id = "csv", config = { header = false, columns = { "question", "A", "B", "C", "D", "answer" },
                                   file_field = "subject" } },
   read = read,
   ask = function(row) return row.question, row.choices[row.answer + 1] end,
}
