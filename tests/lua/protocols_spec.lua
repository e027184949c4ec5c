-- Tests protocols (everything that decides a task's number is part of the protocol's id) and bad rows, which are
-- counted and listed, never silently left out. The models are stubs in Lua; the metric plugins are the real ones.
local assay = require "assay"
local native = require "assay.native"

local function task(name) return require("assay.tasks")[name] end

local function dataset_of(records)
   return { records = function()
      local i = 0
      return function() i = i + 1 return records[i] end
   end, info = function() return { records = #records } end, identity = function() return { sha256 = "x" } end,
      text = function() return "t" end }
end

local function options(records, more)
   local o = { dataset = dataset_of(records), items = 0, seed = 1, shots = 0, shot_seed = 1, max_tokens = 8, temperature = 0 }
   for key, value in pairs(more or {}) do o[key] = value end
   return o
end

local function quiet() end

local function arc(id, question, key)
   return { id = id, question = question, answerKey = key,
      choices = { text = { "iron", "water", "air" }, label = { "A", "B", "C" } } }
end

local chooser = { score = function(_, _, continuations)
   local out = {}
   for i in ipairs(continuations) do out[i] = { sum = -i, tokens = 1 } end
   return out
end }

describe("rows of a dataset", function()
   it("that have no gold answer are listed and not scored", function()
      local result = task("arc_easy").run(options { arc("q1", "One?", "A"), arc("q2", "Two?", "Z") }, chooser, quiet)
      assert.equal(1, #result.ids)
      assert.same({ "q2" }, result.skipped)
   end)
   it("are an error if the task can read none of them", function()
      assert.raises("no row of the dataset can be read by this task. Is it the right dataset, with gold answers? "
         .. "1 rows were skipped", function() task("arc_easy").run(options { arc("q2", "Two?", "Z") }, chooser, quiet) end)
   end)
   it("that are longer than the context are listed, never cut", function()
      local seen = {}
      local small = { info = function() return { positions = 60 } end,
         encode = function(_, text) local ids = {} for i = 1, #text do ids[i] = 1 end return ids end,
         score = function(_, context, continuations)
            seen[#seen + 1] = context
            return chooser.score(nil, context, continuations)
         end }
      local result = task("arc_easy").run(options { arc("short", "One?", "A"), arc("long", ("word "):rep(40), "A") }, small, quiet)
      assert.same({ "short" }, result.ids)
      assert.same({ "long" }, result.overlong)
      assert.equal(1, #seen)
   end)
   it("that have an empty prompt are an error that gives the number of the row", function()
      local problem = assert.raises("assay.task.generations: record 2 has no 'prompt'. One JSON object per line: "
         .. '{ "id": ..., "category": ..., "prompt": ... }', function()
            task("generations").run(options { { id = "a", prompt = "Hi" }, { id = "b", prompt = " " } }, {})
         end)
      assert.equal("usage", problem.kind)
   end)
   it("never serve as examples of their own task: 'shots' needs a 'shot_dataset'", function()
      assert.raises("assay.task.x: 'shots' needs 'shot_dataset'. Take the training split, so that no question is also an "
         .. "example", function()
            require("assay.tasks.prompts").check({ dataset = dataset_of {}, shots = 2 }, "assay.task.x")
         end)
   end)
end)

describe("the text of a prompt", function()
   local seen
   local chatty = { chat = function(_, messages, extra)
      seen = extra
      return "<user>" .. messages[1].content .. "<assistant>"
   end }
   local text = require("assay.tasks.prompts").text
   it("goes through the template on request, with thinking on or off", function()
      assert.equal("Hi", text({}, chatty, "Hi"))
      assert.equal("<user>Hi<assistant>", text({ chat = true }, chatty, "Hi"))
      assert.equal(nil, seen.enable_thinking)
      text({ chat = true, thinking = false }, chatty, "Hi")
      assert.equal(false, seen.enable_thinking)
   end)
   it("ends with the first words of the answer if the task gives them", function()
      assert.equal("<user>Hi<assistant>The best answer is", text({ chat = true }, chatty, "Hi", "The best answer is"))
   end)
end)

describe("protocol ids", function()
   local set = dataset_of { arc("q1", "One?", "A") }
   local plain = assay.task.arc_challenge { dataset = set }:protocol().id
   it("change with everything that decides the number, but not with the title", function()
      for _, more in ipairs { { items = 7 }, { seed = 2 }, { chat = true }, { thinking = true },
         { shots = 1, shot_dataset = set }, { shots = 1, shot_dataset = set, shot_seed = 5 } } do
         more.dataset = set
         local id = assay.task.arc_challenge(more):protocol().id
         assert.is_true(id ~= plain)
      end
      assert.equal(plain, assay.task.arc_challenge { dataset = set, title = "another heading" }:protocol().id)
   end)
   it("name the rule by which a perplexity is computed", function()
      local text = dataset_of { { text = "x" } }
      assert.contains(assay.task.perplexity { dataset = text }:protocol().id, "gptq-2048/")
      assert.contains(assay.task.perplexity_llama_cpp { dataset = text }:protocol().id, "llama.cpp-512/")
      assert.contains(assay.task.perplexity_words { dataset = text }:protocol().id, "lm-eval-wikitext-2.0/")
   end)
end)

describe("windows of a long text", function()
   local windows = require "assay.tasks.kinds.text_windows"
   local function places(limit, seed, n, more)
      local o = { limit = limit, seed = seed or 1, windows = "drawn" }
      for key, value in pairs(more or {}) do o[key] = value end
      return windows.places(o, n or 64)
   end
   it("are drawn by seed over the whole text, equally many from each eighth", function()
      local drawn, per = places(16), {}
      assert.equal(16, #drawn)
      for i, place in ipairs(drawn) do
         assert.is_true(i == 1 or place > drawn[i - 1])
         per[place // 8] = (per[place // 8] or 0) + 1
      end
      for part = 0, 7 do assert.equal(2, per[part]) end
      assert.same(drawn, places(16))
      assert.is_true(table.concat(drawn, " ") ~= table.concat(places(16, 2), " "))
   end)
   it("are all of them without a limit or with one that is too large", function()
      assert.equal(64, #places(0))
      assert.equal(64, #places(100))
      assert.equal(63, places(100)[64])
   end)
   it("are the first ones only if the study asks for it, and the protocol then says so", function()
      assert.same({ 0, 1, 2 }, places(3, 1, 64, { windows = "first" }))
      local text = dataset_of { { text = "x" } }
      local function name(more)
         more.dataset = text
         return assay.task.perplexity(more):protocol().id
      end
      assert.contains(name {}, "gptq-2048/")
      assert.contains(name { limit = 4 }, "gptq-2048-drawn/")
      assert.contains(name { limit = 4, windows = "first" }, "gptq-2048-first/")
      assert.is_true(name { limit = 4 } ~= name { limit = 4, seed = 2 })
      assert.contains(assay.task.distance { dataset = text, limit = 4 }:protocol().id, "distance-512-drawn/")
   end)
   it("are joined into one list of ids, and each is named by its place in the text", function()
      local ids = {}
      for i = 1, 43 do ids[i] = i end
      local out, names = windows.cut({ window = 10, limit = 2, seed = 3, windows = "drawn" }, ids)
      assert.equal(20, #out)
      for i, name in ipairs(names) do
         assert.equal(tonumber(name:match "%d+") * 10 + 1, out[(i - 1) * 10 + 1])
      end
   end)
   it("are the first ones of those drawn if only some are measured again", function()
      local drawn = places(16)
      assert.same({ drawn[1], drawn[2] }, places(16, 1, 64, { of_drawn = 2 }))
   end)
end)

describe("ARC by letter", function()
   it("asks in the published words and maps numeric keys to letters", function()
      local q = task("arc_letter").read { id = "q", question = " What? ", answerKey = "2",
         choices = { text = { "a", "b", "c", "d" }, label = { "1", "2", "3", "4" } } }
      assert.equal("B", q.gold_text)
      assert.contains(q.prompt, "Question: What?\nA. a\nB. b\nC. c\nD. d\nYour response should end with")
      assert.equal("The best answer is", q.prefix)
   end)
   it("takes a letter that stands alone and nothing else", function()
      local says = { " B", " (C) because", " Because", "" }
      local records, i = {}, 0
      for k = 1, 4 do
         records[k] = { id = "q" .. k, question = "Q" .. k, answerKey = "B",
            choices = { text = { "a", "b", "c", "d" }, label = { "A", "B", "C", "D" } } }
      end
      local model = { generate = function()
         i = i + 1
         return { text = says[i], ids = { 1 }, finish = "stop" }
      end }
      local result = task("arc_letter").run(options(records), model, quiet)
      assert.same({ 1, 0, 0, 0 }, result.metrics.correct.scores)
      assert.same({ 0, 0, 1, 1 }, result.metrics.no_answer.scores)
      assert.equal("C", result.outputs[2].extracted)
   end)
end)

describe("OpenMathInstruct-2", function()
   local openmath = task "openmath"
   -- The hash of a problem's text decides in which of 20 folds the problem is; fold 0 is held out for evaluation.
   it("holds problems out by their text, whatever their row", function()
      assert.equal(openmath.fold_of "What is 1 + 1?", openmath.fold_of "What is 1 + 1?")
      local held, n = 0, 2000
      for i = 1, n do held = held + (openmath.fold_of("problem " .. i) == 0 and 1 or 0) end
      assert.near(n / 20, held, 35)
   end)
   it("grades answers by their meaning, and takes each problem only once", function()
      local records, texts = {}, {}
      for i = 1, 200 do
         local problem = "Problem " .. i
         if openmath.fold_of(problem) == 0 then
            records[#records + 1] = { problem = problem, expected_answer = "1/2", problem_source = "math" }
            records[#records + 1] = { problem = problem, expected_answer = "1/2", problem_source = "math" }
         end
      end
      local model = { generate = function()
         texts[#texts + 1] = true
         return { text = #texts == 1 and "so \\boxed{0.5}" or "it is 0.5", ids = { 1 }, finish = "stop" }
      end }
      local result = openmath.run(options(records), model, quiet)
      assert.equal(#records / 2, #result.ids)
      assert.equal(1, result.metrics.correct.scores[1])
      assert.equal(0, result.metrics.correct.scores[2])
      assert.equal(1, result.metrics.relaxed.scores[2])
      assert.equal(2, result.outputs[1].grader_tier)
      assert.equal(0, result.outputs[2].grader_tier)
   end)
   it("leaves out problems whose right answer the grader cannot read, whatever the model answers", function()
      local records = {}
      for i = 1, 200 do
         local problem = "Problem " .. i
         if openmath.fold_of(problem) == 0 then
            records[#records + 1] = { problem = problem, problem_source = "math",
               expected_answer = #records == 0 and "the {{ broken \\frac" or "7" }
         end
      end
      local model = { generate = function() return { text = "\\boxed{7}", ids = { 1 }, finish = "stop" } end }
      local result = openmath.run(options(records), model, quiet)
      assert.equal(#records - 1, #result.ids)
      assert.equal(1, #result.skipped)
      assert.equal(1, result.metrics.correct.value)
   end)
end)

describe("WikiText by words", function()
   local words = require "assay.data.wikitext_pages"
   it("undoes the tokenization of WikiText rule by rule", function()
      assert.equal("a well-known man, 1,000 (of them) said \"so\".",
         words.detokenised 'a well @-@ known man , 1 @,@ 000 ( of them ) said " so ".')
      assert.equal("== Title ==\n", words.detokenised "= = Title = = \n")
   end)
   it("counts the pieces between white space as words, the empty ones too", function()
      assert.equal(3, words.count_words " a b")
      assert.equal(2, words.count_words "a b")
   end)
   it("joins the lines from one first-level heading to the next into a page", function()
      local pages = words.documents_of(dataset_of { { text = "" }, { text = " = One = \n" }, { text = " text \n" },
         { text = " = = Part = = \n" }, { text = " = Two = \n" }, { text = " more \n" } })
      assert.equal(2, #pages)
      assert.equal(" = One = \n text \n = = Part = = \n", pages[1])
   end)
end)

describe("free prompts", function()
   it("count an answer as right only where it stands as a word of its own", function()
      local holds = task("generations").holds
      assert.equal(true, holds("The symbol is Au.", "Au"))
      assert.equal(false, holds("Australia", "Au"))
      assert.equal(nil, holds("anything", nil))
   end)
   it("are 120, 20 in each of six categories, and no two have the same id", function()
      local ids, categories, n = {}, {}, 0
      for line in io.lines "scripts/studies/data/prompts_120.jsonl" do
         local record = native.json.decode(line)
         assert.equal(nil, ids[record.id])
         ids[record.id], n = true, n + 1
         categories[record.category] = (categories[record.category] or 0) + 1
      end
      assert.equal(120, n)
      local kinds = 0
      for _, count in pairs(categories) do
         kinds = kinds + 1
         assert.equal(20, count)
      end
      assert.equal(6, kinds)
   end)
end)

describe("answers to free prompts", function()
   local records = { { id = "a", prompt = "Hi", answer = "hello" }, { id = "b", prompt = "Bye" } }
   local asked
   local model = { generate = function(_, prompt, o)
      asked[#asked + 1] = { prompt = prompt, temperature = o.temperature, seed = o.seed }
      local text = o.temperature == 0 and "Well, hello." or "Draw " .. o.seed
      return { text = text, ids = { #asked, 2 }, finish = "stop", logprobs = { -0.5, -1.5 }, margins = { 0.25, 1 / 0 } }
   end }
   local function run(more)
      asked = {}
      local o = { dataset = dataset_of(records), max_tokens = 8, items = 0, seed = 1, chat = false, recurrence = 0 }
      for key, value in pairs(more or {}) do o[key] = value end
      return task("generations").run(o, model, quiet), task("generations").protocol(o)
   end
   it("are generated once and stored with hashes of the prompt, the mean log-probability, and whether the answer is right", function()
      local result = run()
      assert.equal(2, #asked)
      local first = result.outputs[1]
      assert.equal("Well, hello.", first.text)
      assert.equal(true, first.ok)
      assert.equal(1, first.score)
      assert.near(-1, first.mean_logprob, 1e-12)
      assert.is_nil(first.margins) -- left out, since one margin is not finite
      assert.equal(16, #first.prompt_hash)
      assert.equal(16, #first.doc_hash)
      assert.is_nil(result.outputs[2].ok)
   end)
   it("are drawn again by sampling if `recurrence` is set, each with a seed of its own, and the protocol says so", function()
      local plain, plain_protocol = run()
      local result, protocol = run { recurrence = 3 }
      assert.equal(2 + 6, #asked)
      local seeds = {}
      for i = 3, 8 do
         assert.equal(0.7, asked[i].temperature)
         assert.is_nil(seeds[asked[i].seed])
         seeds[asked[i].seed] = true
      end
      assert.equal(3, #result.outputs[1].draws)
      assert.equal(false, result.outputs[1].draws[1].ok)
      assert.equal(plain.outputs[1].text, result.outputs[1].text)
      assert.is_nil(plain_protocol.again)
      assert.equal(3, protocol.again.k)
   end)
end)

describe("a study", function()
   local function study(more)
      local given = { name = "s", subjects = { base = "x" }, recipes = { assay.method.rtn },
         tasks = { assay.task.perplexity { dataset = dataset_of { { text = "x" } } } } }
      for key, value in pairs(more) do given[key] = value end
      return assay.study(given)
   end
   it("declares its primary metrics by name, with a margin", function()
      local s = study { primary = { { task = "perplexity", metric = "ppl", margin = 1.01 } } }
      local one = require("assay.results.primary").list(s)[1]
      assert.equal(1.01, one.margin)
      assert.equal("ratio", one.unit)
   end)
   it("refuses a primary metric that does not exist", function()
      assert.raises("unknown primary metric 'perplexity.pp'. Did you mean 'perplexity.ppl'?", function()
         study { primary = { { task = "perplexity", metric = "pp" } } }
      end)
   end)
end)
