-- Tests what Lua scripts can do with a model, on the tiny model: text, scores, generation,
-- perplexity, quantization, errors.
local assay = require "assay"
local native = require "assay.native"

local folder = "build/test-tiny"
-- The shell tests use the same script.
local make = assert(load(native.fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
native.fs.remove_all(folder)
make(folder)
local m = assay.load(folder)

describe("a model", function()
   it("encodes and decodes", function()
      assert.same({ 41, 70, 1, 2 }, m:encode "He !")
      assert.equal("Hello, world!\n", m:decode(m:encode "Hello, world!\n"))
   end)
   it("renders a chat", function()
      assert.equal("Hi\n", m:chat({ { role = "user", content = "Hi" } }, { generate = true }))
      assert.raises("chat: 'messages' must be a list like { { role = \"user\", content = \"Hi\" } }", m.chat, m, {})
   end)
   it("gives logits of every token", function()
      local t = m:logits "abc"
      assert.same({ 3, 96 }, t.shape)
      assert.equal(96, #t:row(1):tolist())
   end)
   it("refuses numbers that are no token ids of the model", function()
      assert.raises("logits: 96 is not a token id of this model (0..95)", m.logits, m, { 96 })
      assert.raises("logits: 'ids' is empty", m.logits, m, {})
      local c = assay.calibration { name = "given", ids = { { 1, 2 }, { 3, 4, 96 } } }
      local recipe = assay.method.gptq { bits = 4, group = 8 }
      local function problem_of(f, ...) return select(2, pcall(f, ...)) end
      local functions = { function() return m:quantize(recipe, c) end, function() return m:salience(c) end,
                          function() return m:divergence(m, c) end,
                          function() return m:sensitivity(m:quantize(assay.method.rtn { bits = 4, group = 8 }), c) end }
      for _, f in ipairs(functions) do
         local problem = problem_of(f)
         assert.equal("token id 96 lies outside the vocabulary of 96", problem.message)
         assert.equal("calibration sequence 2, token 3", problem.where)
      end
      assert.equal("row 2, token 1", problem_of(m.block_errors, m, m, { { 1, 2 }, { -1, 3 } }).where)
   end)
   it("scores continuations by lm-eval's rule", function()
      local r = m:score("The sky is", { " blue", " x" })
      assert.equal(5, r[1].tokens)
      assert.equal(2, r[2].tokens)
      assert.is_true(r[1].sum < 0)
      -- Spaces at the end of a context are moved to the continuation.
      assert.near(r[1].sum, m:score("The sky is ", { "blue" })[1].sum, 1e-4)
   end)
   it("scores many requests like each one alone, but computes their common beginning only once", function()
      local asked = { { context = "The sky is", continuations = { " blue", " x" } },
                      { context = "The sky is not", continuations = { " red" } } }
      local scores, usage = m:score_many(asked)
      for i, request in ipairs(asked) do
         for j, one in ipairs(m:score(request.context, request.continuations)) do
            assert.near(one.sum, scores[i][j].sum, 1e-5)
            assert.equal(one.tokens, scores[i][j].tokens)
         end
      end
      assert.equal(usage.needed, usage.computed)
      assert.is_true(usage.computed < usage.alone)
      assert.raises("'requests[1]' must be a table { context, continuations }", m.score_many, m, { 1 })
   end)
   it("answers many prompts like each one alone", function()
      local options = { max_tokens = 6, ignore_eos = true, stop = { "zzz" }, logprobs = true }
      local answers, usage = m:generate_many({ "abc", "ab", { 5, 6, 7 } }, options)
      assert.equal(18, usage.answer_tokens)
      for i, prompt in ipairs { "abc", "ab", { 5, 6, 7 } } do
         local alone = m:generate(prompt, options)
         assert.same(alone.ids, answers[i].ids)
         assert.equal(alone.text, answers[i].text)
         assert.equal(6, #answers[i].logprobs)
      end
      local drawn = m:generate_many({ "abc", "ab" },
         { max_tokens = 6, ignore_eos = true, temperature = 1, seeds = { 3, 4 } })
      assert.same(m:generate("ab", { max_tokens = 6, ignore_eos = true, temperature = 1, seed = 4 }).ids, drawn[2].ids)
   end)
   it("generates greedily; sampled answers with the same seed are equal", function()
      local a = m:generate("abc", { max_tokens = 5, ignore_eos = true })
      assert.equal("length", a.finish)
      assert.equal(5, #a.ids)
      assert.same(a.ids, m:generate(m:encode "abc", { max_tokens = 5, ignore_eos = true }).ids)
      local s = { max_tokens = 5, temperature = 1, seed = 7, ignore_eos = true }
      assert.same(m:generate("abc", s).ids, m:generate("abc", s).ids)
   end)
   it("names a wrong option", function()
      assert.raises("generate: unknown option 'max_token'. Did you mean 'max_tokens'?",
                    function() local _ = m:generate("a", { max_token = 3 }) end)
   end)
   it("measures perplexity in windows", function()
      local r = m:perplexity(("some text. "):rep(40), { window = 64, limit = 3 })
      assert.equal(3, #r.windows)
      assert.equal(3 * 63, r.tokens)
      assert.near(math.log(r.ppl), (r.windows[1] + r.windows[2] + r.windows[3]) / 3, 1e-9)
   end)
   it("prints itself", function()
      assert.equal("model test-tiny: llama, ", tostring(m):sub(1, 24))
   end)
end)

describe("a quantized model", function()
   local q = m:quantize(assay.method.rtn { bits = 4, group = 16 })
   it("is a model like its subject, with a summary and a ledger", function()
      assert.equal(96, #q:logits("a"):row(1):tolist())
      assert(q.summary.bits_per_weight < 32)
      assert.equal("table", type(q.ledger))
      assert.contains(tostring(q), "quantized by rtn")
   end)
   it("is measured as it is saved: logits after load are equal bit for bit", function()
      native.fs.remove_all(folder .. "-q")
      q:save(folder .. "-q", {})
      local again = assay.load(folder .. "-q")
      local _, equal = q:logits("Hello"):max_difference(again:logits "Hello")
      assert.is_true(equal)
   end)
   it("is not saved over another folder", function()
      local ok, problem = pcall(q.save, q, folder)
      assert.equal(false, ok)
      assert.equal("the folder exists already", problem.message)
   end)
   it("uses its calibration: on the calibration inputs gptq beats plain rounding", function()
      local ids = {}
      for i = 1, 64 do ids[i] = (i * 29) % 90 end
      local calibration = assay.calibration { ids = { ids, ids } }
      local g = m:quantize(assay.method.gptq { bits = 3, group = 16 }, calibration)
      local r = m:quantize(assay.method.rtn { bits = 3, group = 16 })
      local exact = m:logits(ids)
      assert(g:logits(ids):max_difference(exact) < r:logits(ids):max_difference(exact))
   end)
   it("is not made if the method needs calibration and gets none", function()
      assert.raises("recipe.quantizer: 'gptq' needs calibration data. Give quantize a calibration",
                    m.quantize, m, assay.method.gptq {})
   end)
   it("cannot be quantized again", function()
      assert.raises("quantize: this model is quantized already. Quantize the model that it was made from",
                    q.quantize, q, assay.method.rtn {})
   end)
   it("is made only from a recipe", function()
      assert.raises("quantize: 'recipe' must be a recipe, not number. m:quantize(assay.method.rtn { bits = 4 })",
                    m.quantize, m, 4)
   end)
end)
