-- Tests assay.json: order of keys, lists, null, and which texts and values are refused.
local assay = require "assay"
local json = assay.json

describe("assay.json", function()
   it("keeps the order of keys through decode and encode", function()
      local text = '{"b":1,"a":{"z":true,"y":null},"list":[1,2.5,"x",[],{}]}'
      assert.equal(text, json.encode(json.decode(text)))
   end)
   it("appends new keys and forgets removed ones", function()
      local v = json.decode '{"b":1,"a":2}'
      v.c, v.b = 3, nil
      assert.equal('{"a":2,"c":3}', json.encode(v))
      v.b = 4
      assert.equal('{"b":4,"a":2,"c":3}', json.encode(v))
   end)
   it("walks objects in their order", function()
      local keys = {}
      for key in pairs(json.decode '{"q":1,"a":2,"m":3}') do keys[#keys + 1] = key end
      assert.same({ "q", "a", "m" }, keys)
   end)
   it("sorts the keys of plain tables", function()
      assert.equal('{"a":1,"b":2}', json.encode { b = 2, a = 1 })
   end)
   it("tells empty lists from empty objects", function()
      assert.equal("[]", json.encode(json.list {}))
      assert.equal("{}", json.encode {})
   end)
   it("keeps integers and floats apart", function()
      assert.equal("[1,1.0,0.1]", json.encode { 1, 1.0, 0.1 })
   end)
   it("refuses what JSON cannot hold", function()
      assert.raises("'value.f' cannot be written as JSON: it is a function", json.encode, { f = print })
      assert.raises("'value.x' cannot be written as JSON: the number is not finite", json.encode, { x = 0 / 0 })
      assert.raises("'value' cannot be written as JSON: it mixes list items and named keys, or has holes",
                    json.encode, { 1, a = 2 })
      local t = {}
      t.t = t
      assert.is_nil(pcall(json.encode, t) or nil)
   end)
   it("refuses pairs that are no list of pairs", function()
      assert.equal('{"b":1,"a":2}', json.encode(json.object { { "b", 1 }, { "a", 2 } }))
      assert.raises("object: 'pairs' must be a list of pairs { key, value }, not a string", function() json.object "abc" end)
      assert.raises("json.object: pair 1 must be { key, value } with a string as key", json.object, { "b" })
   end)
   it("raises an error of kind \"failed\" for a syntax error", function()
      local ok, problem = pcall(json.decode, '{"a":}')
      assert.equal(false, ok)
      assert.equal("failed", problem.kind)
      assert.equal("not valid JSON", problem.message)
   end)
   it("reads escapes, surrogate pairs, large numbers and members named twice", function()
      local v = json.decode [[{"t": "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 \u0000.", "big": 18446744073709551615, "e": -1.5e-3, "z": -0}]]
      assert.equal('a"\\/\b\f\n\r\té😀 \0.', v.t)
      assert.equal(18446744073709551615.0, v.big)
      assert.equal(-0.0015, v.e)
      assert.equal("integer", math.type(v.z))
      assert.equal('{"a":3,"b":2}', json.encode(json.decode '{"a":1,"b":2,"a":3}'))
   end)
end)

-- There are two readers: one makes Lua values directly, the other, for texts nested deeper than 100 levels, makes a tree first.
-- So the same text is read by the second one if it is put inside 101 lists.
describe("the two readers of JSON", function()
   local function read(text)
      local ok, value = pcall(json.decode, text)
      return ok and json.encode(value) or "refused"
   end
   local open, close = ("["):rep(101), ("]"):rep(101)
   local function by_tree(text)
      local value = read(open .. text .. close)
      return value == "refused" and value or value:sub(102, -102)
   end
   it("agree on what is JSON and on its value, also for texts with random changes", function()
      local seeds = { [[{"a": [1, -2.5e3, true, null], "tête": "x\n\u00e9\ud83d\ude00", "o": {"k": []}}]],
                      [=[[0, -0, 1.0, 12345678901234567890, "\"", {}, [[]], "é😀", false]]=] }
      local marks = { "", '"', "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "u", "t", " ", "\n", "\0", "\xff", "\xc3" }
      local state, refused = 7, 0
      local function random(n)
         state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
         return (state >> 33) % n + 1
      end
      for _ = 1, 6000 do
         local text = seeds[random(#seeds)]
         for _ = 1, random(3) do
            local at = random(#text)
            text = text:sub(1, at - 1) .. marks[random(#marks)] .. text:sub(at + random(2) - 1)
         end
         -- A refused text such as "1],[2" would be valid inside the lists, so texts with brackets are only compared if they are valid.
         local value = read(text)
         if value == "refused" then refused = refused + 1 end
         if value ~= "refused" or not text:find "[%[%],]" then assert.equal(by_tree(text), value, text) end
      end
      assert(refused > 1000 and refused < 5900, refused)
   end)
   it("refuse the same texts", function()
      for _, text in ipairs { "", "01", "1.", ".5", "1e", "+1", "tru", "nul", '"', '"\\', '"\\x"', '"\\u12"', '"\\ud800"',
                              '"\\ud800\\u0041"', '"\\udc00"', '"\t"', '"\xff"', '"\xed\xa0\x80"', "[1,]", '{"a":1,}', '{"a"}',
                              "{1:2}", "[1 2]", "{} {}", "NaN", "-", "Infinity" } do
         assert.equal("refused", read(text), text)
         assert.equal("refused", read("[" .. text .. " 1"), text)
      end
   end)
end)
