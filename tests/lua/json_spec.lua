-- assay.json: order of keys, lists, null, refusals.
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
   it("names the place of a syntax error", function()
      local ok, problem = pcall(json.decode, '{"a":}')
      assert.equal(false, ok)
      assert.equal("failed", problem.kind)
      assert.equal("not valid JSON", problem.message)
   end)
end)
