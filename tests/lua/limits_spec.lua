-- Tests what scripts may not do: undeclared globals, functions of the standard library that are removed, memory, places to write.
describe("globals", function()
   it("must be declared", function()
      local f = load("undeclared = 1", "=x")
      local problem = assert.raises("x:1: global variable 'undeclared' is not declared. Write 'local' before it", f)
      assert.equal("usage", problem.kind)
   end)
   it("that do not exist raise when read", function()
      assert.raises("x:1: unknown variable 'assya'. Variables are made with 'local'; the library is: local assay = " ..
                    "require \"assay\"", load("return assya", "=x"))
   end)
end)

describe("the standard library", function()
   it("has no way to other processes or to native code", function()
      for _, name in ipairs { "execute", "exit", "tmpname" } do assert.is_nil(os[name]) end
      assert.is_nil(io.popen)
      assert.is_nil(package.loadlib)
      assert.is_nil(debug.sethook)
   end)
   it("loads text, never binary chunks", function()
      local f, problem = load(string.dump(function() end))
      assert.is_nil(f)
      assert.contains(problem, "attempt to load a binary chunk")
   end)
   it("writes only below the working folder, the script's folder and --out", function()
      local ok, problem = pcall(io.open, "/usr/assay-must-not-write", "w")
      assert.equal(false, ok)
      assert.equal("scripts may write only below the working folder, their own folder, --out and the temporary folder", problem.message)
   end)
   it("draws the same random numbers in every run", function()
      math.randomseed(1)
      local first = math.random(1 << 30)
      math.randomseed(1)
      assert.equal(first, math.random(1 << 30))
   end)
end)

describe("memory", function()
   it("of a script has a limit, and a script that needs more gets an ordinary error", function()
      local ok, problem = pcall(string.rep, "x", 1 << 30)
      assert.equal(false, ok)
      assert.contains(tostring(problem), "not enough memory")
   end)
   it("of tensors that nothing uses is given back while more are made", function()
      local native = require "assay.native"
      collectgarbage()
      local before = native.sys.memory().resident
      for _ = 1, 10000 do native.tensor.zeros { 256, 1024 } end -- 1 MiB each
      local grown = (native.sys.memory().resident - before) / 2 ^ 20
      assert(grown < 300, ("10,000 tensors of 1 MiB grew the process by %.0f MiB"):format(grown))
   end)
   it("of a tensor is given back at the end of a <close> scope", function()
      local native = require "assay.native"
      local kept
      do
         local t <close> = native.tensor.zeros { 2, 2 }
         kept = t
      end
      assert.equal("tensor (freed)", tostring(kept))
      assert.raises("this tensor was freed and cannot be used any more", function() local _ = kept:row(1) end)
   end)
end)

describe("tensors", function()
   local native = require "assay.native"
   it("print shape, type and first values", function()
      assert.equal("tensor [2, 3] Float cpu {0, 0, 0, 0, 0, 0}", tostring(native.tensor.zeros { 2, 3 }))
   end)
   it("give rows and lists counted from 1", function()
      local t = native.tensor.zeros { 2, 3 }
      assert.same({ 2, 3 }, t.shape)
      assert.same({ { 0, 0, 0 }, { 0, 0, 0 } }, t:tolist())
      assert.same({ 3 }, t:row(2).shape)
      assert.raises("row: 3 is outside 1..2", t.row, t, 3)
   end)
   it("compare by identity", function()
      local t = native.tensor.zeros { 1 }
      assert.is_true(t == t)
      assert.equal(false, t == native.tensor.zeros { 1 })
   end)
end)
