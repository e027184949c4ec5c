-- MMLU: exam questions of 57 subjects. The original form is one CSV file for each subject, without a header, with the answer as a
-- letter. `dev` (five examples for each subject) and auxiliary_train may be used for calibration.

local LETTERS <const> = { A = 0, B = 1, C = 2, D = 3 }

-- The subject of a file: "anatomy_test" gives "anatomy". The files of auxiliary_train have no subject, as on the hub.
local function subject_of(file)
   return file:match "^(.+)_test$" or file:match "^(.+)_val$" or file:match "^(.+)_dev$" or ""
end

local function read(row)
   return { question = row.question, subject = subject_of(row.subject), answer = LETTERS[row.answer],
            choices = { row.A, row.B, row.C, row.D } }
end

return {
   title = "MMLU", license = "MIT", hub = "cais/mmlu", folder = "all",
   rows = { auxiliary_train = 99842, dev = 285, validation = 1531, test = 14042 }, default = "test",
   training = { auxiliary_train = true, dev = true },
   original = { auxiliary_train = { "auxiliary_train" }, dev = { "dev" }, validation = { "val" }, test = { "test" } },
   form = { id = "csv", config = { header = false, columns = { "question", "A", "B", "C", "D", "answer" },
                                   file_field = "subject" } },
   read = read,
   ask = function(row) return row.question, row.choices[row.answer + 1] end,
}
