-- Tests known datasets and the user's own: forms of file, splits, counts of rows. Uses small files made here, and the real files
-- where they are present. How plugins read files is tested in tests/unit/plugins/datasets.
local assay = require "assay"
local files = require "assay.data.dataset_files"
local native = require "assay.native"
local fs = native.fs

local folder = ("/tmp/assay_sets_%d"):format(math.floor(native.sys.clock() * 1e6))

local function write(name, text)
   local path = folder .. "/" .. name
   fs.mkdir(path:match "^(.*)/")
   fs.write(path, text)
   return path
end

local function all(dataset)
   local out = {}
   for record in dataset:records() do out[#out + 1] = record end
   return out
end

local function shared()
   for _, root in ipairs { os.getenv "ASSAY_SHARED" or "none", fs.scripts_folder() .. "/../../shared" } do
      if fs.kind(root .. "/data/hub") then return root .. "/data" end
   end
   pending "../shared/data is not there"
end

local function needs_parquet()
   if not native.plugin.describe("dataset", "parquet") then pending "the plugin parquet is not built" end
end

describe("a set of one's own", function()
   it("can be jsonl with a mapping, in five lines of Lua", function()
      local path = write("own/tickets.jsonl", '{"body": "It broke.", "reply": "Turn it on."}\n{"body": "", "reply": "?"}\n')
      local own = assay.dataset.jsonl {
         path = path, license = "ours",
         map = function(r) if r.body ~= "" then return { prompt = r.body, answer = r.reply } end end,
      }
      assert.same({ { prompt = "It broke.", answer = "Turn it on." } }, all(own))
      assert.equal(1, own:count())
      assert.equal("It broke.\nTurn it on.", own:text())
      assert.equal("ours", own:info().license)
   end)
   it("can be csv with a mapping", function()
      local path = write("own/quiz.csv", "question,right\n2+2?,4\n3+3?,6\n")
      local own = assay.dataset.csv { path = path, rows = 2,
                                      map = function(r) return { question = r.question, answer = r.right } end }
      assert.same({ { question = "2+2?", answer = "4" }, { question = "3+3?", answer = "6" } }, all(own))
   end)
   it("can be parquet with a mapping", function()
      needs_parquet()
      local path = fs.scripts_folder() .. "/../tests/golden/parquet/rajpurkar/squad_v2/squad_v2"
      local own = assay.dataset.parquet {
         path = path, license = "ours", rows = 4, columns = { "context", "question", "answers" },
         map = function(r) return { prompt = r.context .. "\n" .. r.question, answer = r.answers.text[1] } end,
      }
      assert.same({ prompt = "Ice is cold, fire is hot.\nQ1?", answer = "ice" }, all(own)[2])
      assert.equal(4, own:count())
   end)
   it("must have the number of rows that the script declares", function()
      local path = write("own/three.jsonl", '{"a": 1}\n{"a": 2}\n{"a": 3}\n')
      assert.raises(("%s: dataset jsonl %s: 3 rows, not 4. Correct 'rows', or leave it out"):format(path, path),
                    function() assay.dataset.jsonl({ path = path, rows = 4 }):info() end)
      assert.raises(("dataset jsonl %s: 'map' must give a table or nil, not a number"):format(path), function()
         all(assay.dataset.jsonl { path = path, map = function(r) return r.a end })
      end)
   end)
   it("has an identity that covers the mapping", function()
      local path = write("own/three.jsonl", '{"a": 1}\n{"a": 2}\n{"a": 3}\n')
      local a = assay.dataset.jsonl { path = path, map = function(r) return r end }
      local b = assay.dataset.jsonl { path = path, map = function(r) return { x = r } end }
      assert.equal(a:identity().sha256, b:identity().sha256)
      assert(a:identity().map ~= b:identity().map)
   end)
end)

describe("the original forms of known sets", function()
   it("of ARC become rows with the hub's fields", function()
      write("arc/ARC-Easy-Test.jsonl", '{"id":"q","question":{"stem":"Which?","choices":[{"text":"x","label":"A"},'
         .. '{"text":"y","label":"B"}]},"answerKey":"B"}\n')
      local arc = assay.dataset.arc_easy { path = folder .. "/arc", subset = "made for the test" }
      local row = all(arc)[1]
      assert.equal("Which?", row.question)
      assert.same({ "x", "y" }, row.choices.text)
      assert.equal("Which?\ny", arc:text())
      assert.equal("original", arc:info().form)
      assert.equal("CC-BY-SA-4.0", arc:info().license)
   end)
   it("of SQuAD v2 are one nested document", function()
      local path = write("squad/dev-v2.0.json", '{"version":"v2.0","data":[{"title":"T","paragraphs":[{"context":"C c",'
         .. '"qas":[{"id":"1","question":"Q?","answers":[{"text":"c","answer_start":2}],"is_impossible":false},'
         .. '{"id":"2","question":"R?","answers":[],"is_impossible":true}]}]}]}')
      local squad = assay.dataset.squad_v2 { path = path, subset = "made for the test" }
      local rows = all(squad)
      assert.same({ text = { "c" }, answer_start = { 2 } }, rows[1].answers)
      assert.equal("T", rows[2].title)
      assert.equal("C c\nR?\nunanswerable", squad:text_of(rows[2]))
   end)
   it("of PIQA take their labels from the other file", function()
      write("piqa/valid.jsonl", '{"goal":"g1","sol1":"a","sol2":"b"}\n{"goal":"g2","sol1":"c","sol2":"d"}\n')
      write("piqa/valid-labels.lst", "1\n0\n")
      local piqa = assay.dataset.piqa { path = folder .. "/piqa", subset = "made for the test" }
      assert.equal("g1\nb\n\ng2\nc", piqa:text())
      assert.equal(1, all(piqa)[1].label)
   end)
   it("of MMLU are a folder of CSV files", function()
      write("mmlu/test/anatomy_test.csv", "Q1?,w,x,y,z,C\n")
      write("mmlu/test/world_religions_test.csv", '"Q, 2?",w,x,y,z,A\n')
      local rows = all(assay.dataset.mmlu { path = folder .. "/mmlu", subset = "made for the test" })
      assert.equal("anatomy", rows[1].subject)
      assert.equal(2, rows[1].answer)
      assert.equal("world_religions", rows[2].subject)
      assert.same({ "w", "x", "y", "z" }, rows[2].choices)
      write("mmlu/auxiliary_train/arc_easy.csv", "Q3?,w,x,y,z,D\n")
      local more = assay.dataset.mmlu { path = folder .. "/mmlu", split = "auxiliary_train", subset = "made for the test" }
      assert.same({ { question = "Q3?", subject = "", answer = 3, choices = { "w", "x", "y", "z" } } }, all(more))
   end)
   it("of SuperGLUE's BoolQ have no labels in the test split; the rows get -1, as on the hub", function()
      write("sg/test.jsonl", '{"question":"is it","passage":"P.","idx":7}\n')
      local test = assay.dataset.superglue_boolq { path = folder .. "/sg", split = "test", subset = "made for the test" }
      assert.same({ { question = "is it", passage = "P.", idx = 7, label = -1 } }, all(test))
      assert.equal("P.\nis it?", test:text())
   end)
   it("of OpenMathInstruct-2 are the hub's rows as JSON lines", function()
      write("om/train_1M.jsonl", '{"problem":"1+1?","generated_solution":"\\\\boxed{2}","expected_answer":"2",'
         .. '"problem_source":"augmented_math"}\n')
      local om = assay.dataset.openmath2 { path = folder .. "/om", subset = "made for the test" }
      assert.equal("1+1?\n\\boxed{2}", om:text())
      assert.equal("2", all(om)[1].expected_answer)
   end)
   it("of WinoGrande, HellaSwag, BoolQ, GSM8K and WikiText become the hub's rows", function()
      local why = "made for the test"
      write("w/dev.jsonl", '{"qID":"1","sentence":"_ ran","option1":"A","option2":"B","answer":"2"}\n')
      assert.equal("_ ran\nB", assay.dataset.winogrande({ path = folder .. "/w", subset = why }):text())
      write("h/hellaswag_val.jsonl", '{"ind":1,"ctx":"c","ctx_a":"c","ctx_b":"","endings":["x","y"],"label":1}\n')
      local h = assay.dataset.hellaswag { path = folder .. "/h", subset = why }
      assert.equal("1", all(h)[1].label)
      assert.equal("c\ny", h:text())
      write("b/dev.jsonl", '{"question":"is it","title":"T","passage":"P.","answer":true}\n')
      assert.equal("P.\nis it?\nyes", assay.dataset.boolq({ path = folder .. "/b", subset = why }):text())
      write("s/val.jsonl", '{"question":"is it","passage":"P.","idx":0,"label":false}\n')
      assert.equal(0, all(assay.dataset.superglue_boolq { path = folder .. "/s", subset = why })[1].label)
      write("g/test.jsonl", '{"question":"1+1?","answer":"2\\n#### 2"}\n')
      assert.equal("1+1?\n2\n#### 2", assay.dataset.gsm8k({ path = folder .. "/g", subset = why }):text())
      write("k/wiki.test.raw", " \n = T = \n \n Text . \n")
      assert.same({ { text = "" }, { text = " = T = \n" }, { text = "" }, { text = " Text . \n" } },
                  all(assay.dataset.wikitext2 { path = folder .. "/k", subset = why }))
   end)
end)

describe("a known set", function()
   it("must have all its rows, unless the script gives a reason", function()
      write("g/test.jsonl", '{"question":"1+1?","answer":"2\\n#### 2"}\n')
      local path = folder .. "/g"
      assert.raises(("%s/test.jsonl: dataset gsm8k, split test: 1 rows, not 1319. If a part of the set is meant: subset = \"why\"")
                       :format(path), function() assay.dataset.gsm8k({ path = path }):info() end)
      local part = assay.dataset.gsm8k { path = path, subset = "one question is enough here" }
      assert.equal("one question is enough here", part:info().subset)
   end)
   it("says which splits it has and where it looked", function()
      assert.raises("dataset gsm8k has no split 'tset'. Did you mean 'test'?",
                    function() return assay.dataset.gsm8k { split = "tset" } end)
      local nowhere = folder .. "/nowhere"
      fs.mkdir(nowhere)
      assert.raises(("dataset gsm8k: the split 'test' is not here. Looked for main/test-*.parquet of openai/gsm8k and for "
                     .. "test.jsonl below '%s'; give path = \"FOLDER\" or --data FOLDER"):format(nowhere),
                    function() assay.dataset.gsm8k({ path = nowhere }):info() end)
   end)
   it("knows what is held out for evaluation", function()
      assert.equal(false, assay.dataset.gsm8k({ split = "train" }):held_out())
      assert.equal(true, assay.dataset.gsm8k({}):held_out())
      assert.equal(false, assay.dataset.openmath2({}):held_out())
      assert.equal(false, assay.dataset.mmlu({ split = "dev" }):held_out())
      assert.equal(true, assay.dataset.wikitext2({ split = "validation" }):held_out())
   end)
   it("has the published number of rows in every split, and a licence", function()
      -- as the pages of the datasets give them, sorted by the name of the split
      local published = {
         arc_challenge = "test 1172, train 1119, validation 299", arc_easy = "test 2376, train 2251, validation 570",
         boolq = "train 9427, validation 3270", gsm8k = "test 1319, train 7473",
         hellaswag = "test 10003, train 39905, validation 10042",
         mmlu = "auxiliary_train 99842, dev 285, test 14042, validation 1531",
         openmath2 = "train 13972791, train_1M 1000000, train_2M 2000000, train_5M 5000000",
         piqa = "test 3084, train 16113, validation 1838", squad_v2 = "train 130319, validation 11873",
         superglue_boolq = "test 3245, train 9427, validation 3270",
         wikitext2 = "test 4358, train 36718, validation 3760", winogrande = "test 1767, train 40398, validation 1267",
      }
      for name, counts in pairs(published) do
         local set, found = require("assay.data.datasets." .. name), {}
         for split, n in pairs(set.rows) do found[#found + 1] = split .. " " .. n end
         table.sort(found)
         assert.equal(counts, table.concat(found, ", "), name)
         assert(#set.license > 0, name)
      end
   end)
   it("is described in full by its file", function()
      for _, file in ipairs(fs.list(fs.scripts_folder() .. "/assay/data/datasets")) do
         local name = file:match "^([%w_]+)%.lua$"
         if name then
            local set = require("assay.data.datasets." .. name)
            for _, key in ipairs { "title", "license", "hub", "folder", "rows", "default" } do
               assert(set[key], name .. " has no " .. key)
            end
            assert(set.rows[set.default], name)
            for split in pairs(set.original or {}) do assert(set.rows[split], name .. " " .. split) end
         end
      end
   end)
   it("is found in the hub's cache, as its convert branch stores it, and in a copy of its repository", function()
      local set = require "assay.data.datasets.superglue_boolq"
      write("cache/datasets--aps--super_glue/snapshots/abc/boolq/validation/0000.parquet", "x")
      local found = files.find("superglue_boolq", set, "validation", folder .. "/cache")
      assert.equal(folder .. "/cache/datasets--aps--super_glue/snapshots/abc/boolq/validation", found.config.path)
      write("hub/aps/super_glue/boolq/train-00000-of-00001.parquet", "x")
      assert.equal("train-", files.find("superglue_boolq", set, "train", folder).config.prefix)
   end)
   it("such as OpenMathInstruct-2 is not taken from the files of one of its parts", function()
      local set = require "assay.data.datasets.openmath2"
      write("math/data/train_1M-00000-of-00002.parquet", "x")
      assert.raises(("dataset openmath2: the split 'train' is not here. Looked for data/train-*.parquet of "
                     .. "nvidia/OpenMathInstruct-2 and for train.jsonl below '%s/math'; give path = \"FOLDER\" or --data FOLDER"):format(folder),
                    function() files.find("openmath2", set, "train", folder .. "/math") end)
      assert.equal("train_1M-", files.find("openmath2", set, "train_1M", folder .. "/math").config.prefix)
   end)
end)

describe("small files in the hub's layouts", function()
   local golden = fs.absolute(fs.scripts_folder() .. "/../tests/golden/parquet")
   local why = "rows of our own"
   it("are found and read by name", function()
      needs_parquet()
      local boolq = all(assay.dataset.superglue_boolq { path = golden, subset = why })
      assert.equal(1, boolq[1].label)
      local set = assay.dataset.superglue_boolq { path = golden, subset = why }
      assert.equal("Fire is hot.\nis fire cold?\nno", set:text_of(boolq[2]))
      assert.equal("What is 2 + 2?\n4", assay.dataset.mmlu({ path = golden, subset = why }):text())
      local whole = assay.dataset.openmath2 { path = golden, split = "train", subset = why }
      assert.equal(2, whole:info().records)
      assert.equal("What is $2^3$?\nSo \\boxed{8}.", whole:text_of(all(whole)[2]))
      assert.equal(1, assay.dataset.openmath2({ path = golden, subset = why }):info().records)
      assert.equal("CC-BY-4.0", whole:info().license)
   end)
   it("keep rows with an empty list, in every way that parquet files store lists", function()
      needs_parquet()
      for _, file in ipairs { "rajpurkar/squad_v2", "squad_of_structs.parquet", "squad_large.parquet" } do
         local rows = all(assay.dataset.squad_v2 { path = golden .. "/" .. file, subset = why })
         assert.equal(4, #rows, file)
         assert.same({ 0, 2, 0, 1 }, { #rows[1].answers.text, #rows[2].answers.text, #rows[3].answers.text,
                                       #rows[4].answers.text }, file)
         assert.equal("Ice", rows[2].answers.text[2], file)
         assert.equal(8, rows[4].answers.answer_start[1], file)
      end
   end)
   it("with a column that JSON cannot hold are refused with its name, and can be read without it", function()
      needs_parquet()
      local path = golden .. "/not_json.parquet"
      assert.raises(("%s: the column 'when' has the type timestamp[us], which has no JSON form; choose 'columns' without it "
                     .. "(plugin parquet)"):format(path), function() assay.dataset.parquet({ path = path }):info() end)
      assert.same({ { n = 1.5 } }, all(assay.dataset.parquet { path = path, columns = { "n" } }))
   end)
end)

-- name, split, rows, whether the file is only a part of the split, path below the data folder (default: found by the hub's name)
local REAL <const> = {
   { "arc_easy", "test", 2376 }, { "arc_easy", "validation", 570 }, { "arc_easy", "train", 1000, true },
   { "arc_challenge", "test", 1172 }, { "arc_challenge", "validation", 299 }, { "arc_challenge", "train", 1000, true },
   { "boolq", "validation", 3270 }, { "gsm8k", "train", 7473 }, { "gsm8k", "test", 1319 },
   { "wikitext2", "test", 4358 }, { "wikitext2", "validation", 3760 }, { "piqa", "validation", 1838 },
   { "winogrande", "validation", 1267 }, { "hellaswag", "validation", 1000, true },
   { "squad_v2", "validation", 6078, true },
   { "arc_challenge", "test", 1172, false, "original/ARC-Challenge-Test.jsonl" },
   { "boolq", "validation", 3270, false, "original/boolq_dev.jsonl" },
   { "gsm8k", "test", 200, true, "original/gsm8k_test.first200.jsonl" },
   { "gsm8k", "train", 200, true, "original/gsm8k_train.first200.jsonl" },
   { "hellaswag", "validation", 1000, true, "original/hellaswag_val.sample1000.jsonl" },
   { "squad_v2", "validation", 6078, true, "original/squad_dev-v2.0.half.json" },
   { "squad_v2", "validation", 208, true, "original/squad_dev-v2.0.normans.json" },
   { "wikitext2", "test", 4358, false, "original/wiki.test.raw" },
   { "wikitext2", "validation", 3760, false, "original/wiki.valid.raw" },
   { "squad_v2", "validation", 300, true,
     "hub_variants/rajpurkar/squad_v2/squad_v2/validation.first300.zstd-pagev2-delta.parquet" },
   { "boolq", "validation", 300, true, "hub_variants/google/boolq/data/validation.first300.zstd-pagev2.parquet" },
   { "arc_challenge", "test", 1172, false, "hub_variants/allenai/ai2_arc/ARC-Challenge/test.gzip-large_string.parquet" },
   { "arc_challenge", "test", 1172, false, "hub_variants/allenai/ai2_arc/ARC-Challenge/test.uncompressed-delta.parquet" },
}

local function real(data, case)
   return assay.dataset[case[1]] { split = case[2], path = case[5] and data .. "/" .. case[5] or data,
                                   subset = case[4] and "as it came to us" or nil }
end

describe("the real files", function()
   it("have the expected number of rows, each with a question and its answer", function()
      local data = shared()
      needs_parquet()
      for _, case in ipairs(REAL) do
         local set, n = real(data, case), 0
         for row in set:records() do
            n = n + 1
            local question, answer = set:ask(row)
            if case[1] ~= "wikitext2" then
               assert(type(question) == "string" and type(answer) == "string", case[1] .. " row " .. n)
            end
         end
         assert.equal(case[3], n, case[1] .. " " .. case[2])
         assert.equal(case[3], set:info().records)
      end
   end)
   it("are the same rows on the hub and in the original form", function()
      local data = shared()
      needs_parquet()
      for _, pair in ipairs {
         { { "arc_challenge", "test" }, { "arc_challenge", "test", 0, false, "original/ARC-Challenge-Test.jsonl" } },
         { { "boolq", "validation" }, { "boolq", "validation", 0, false, "original/boolq_dev.jsonl" } },
         { { "wikitext2", "test" }, { "wikitext2", "test", 0, false, "original/wiki.test.raw" } },
         { { "squad_v2", "validation", 0, true },
           { "squad_v2", "validation", 0, true, "original/squad_dev-v2.0.half.json" } },
      } do
         local hub, original = real(data, pair[1]), real(data, pair[2])
         local next_hub, next_original = hub:records(), original:records()
         local n = 0
         for row in next_hub do
            n = n + 1
            local other = next_original()
            assert.equal(hub:text_of(row), original:text_of(other), pair[1][1] .. " row " .. n)
         end
         assert.is_nil(next_original())
      end
   end)
   it("of BoolQ and WikiText-2 have the published counts", function()
      local data = shared()
      needs_parquet()
      local yes = 0
      for row in assay.dataset.boolq({ path = data }):records() do yes = yes + (row.answer and 1 or 0) end
      assert.equal(2033, yes)
      assert.equal(1290590, #assay.dataset.text({ path = data .. "/original/wiki.test.raw" }):text())
   end)
end)


fs.remove_all(folder)
