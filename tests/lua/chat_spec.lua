-- Tests conversations: an answer is that of model:generate, a next turn computes only new tokens, and a long one lets the cache grow.
local assay = require "assay"
local native = require "assay.native"

local folder = "build/test-chat"
local make = assert(load(native.fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
native.fs.remove_all(folder)
make(folder .. "/tiny")
local m = assay.load(folder .. "/tiny")

-- Reads a text and writes up to n tokens. Returns their ids and how many tokens of the text were computed.
local function answer(talk, text, n, options)
   local ids, computed = {}, talk:read(text, options)
   while #ids < n do
      local id = talk:next()
      if not id then break end
      ids[#ids + 1] = id
   end
   return ids, computed
end

describe("a conversation", function()
   it("answers as model:generate does, in both runtimes", function()
      for _, runtime in ipairs { "dequantized", "packed" } do
         local model = assay.load(folder .. "/tiny", { runtime = runtime })
         local ids = answer(model:conversation(), "Say hello to the fox.", 20)
         assert.same(model:generate("Say hello to the fox.", { max_tokens = 20 }).ids, ids)
      end
   end)
   it("draws as model:generate does with the same seed", function()
      local o = { temperature = 0.8, top_p = 0.9, top_k = 40, seed = 7 }
      local first, again = answer(m:conversation(), "The", 12, o), answer(m:conversation(), "The", 12, o)
      assert.same(first, again)
      o.seed = 8
      assert.is_true(table.concat(first, " ") ~= table.concat(answer(m:conversation(), "The", 12, o), " "))
   end)
   it("computes only what is new", function()
      local talk = m:conversation()
      local question = m:encode "What is a fox?"
      local ids, computed = answer(talk, question, 8)
      assert.equal(#question, computed)
      local longer = table.move(ids, 1, #ids, #question + 1, table.move(question, 1, #question, 1, {}))
      local more = m:encode " And a dog?"
      table.move(more, 1, #more, #longer + 1, longer)
      local next_ids, next_computed = answer(talk, longer, 8)
      assert.equal(#more + 1, next_computed) -- the last token of the answer was chosen, but not computed yet
      assert.same(m:generate(longer, { max_tokens = 8 }).ids, next_ids)
      -- Another text at the same place: the common beginning stays.
      local other = table.move(question, 1, #question, 1, {})
      other[#other] = other[1]
      local _, changed = answer(talk, other, 2)
      assert.equal(1, changed)
   end)
   it("lets its cache grow over the first 512 tokens", function()
      make(folder .. "/long")
      local config = native.json.decode(native.fs.read(folder .. "/long/config.json"))
      config.max_position_embeddings = 2048
      native.fs.write(folder .. "/long/config.json", native.json.encode(config))
      local model = assay.load(folder .. "/long")
      local long = model:encode(("The quick brown fox. "):rep(30)) -- 630 tokens
      local talk = model:conversation()
      answer(talk, { table.unpack(long, 1, 400) }, 4)
      local ids, computed = answer(talk, long, 8)
      assert.equal(#long - 400, computed)
      assert.same(model:generate(long, { max_tokens = 8 }).ids, ids)
   end)
   it("refuses texts that the model cannot take", function()
      local talk = m:conversation()
      assert.raises("a conversation reads a text before it writes", talk.next, talk)
      assert.raises("a conversation needs at least one token", talk.read, talk, {})
      local all = {}
      for i = 1, m:info().positions do all[i] = 5 end
      assert.raises(("the conversation has %d tokens, and the model takes %d"):format(#all, #all), talk.read, talk, all)
      assert.raises("temperature is negative", talk.read, talk, "x", { temperature = -1 })
   end)
end)
