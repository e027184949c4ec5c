-- Tests that a model folder always means the same: for a loaded model, for assay.tokenizer and for a saved copy.
-- What each file means is tested in C++ (tests/unit/text/folder_golden_test.cpp), with the same golden cases.
local assay = require "assay"
local native = require "assay.native"
local fs, json = native.fs, native.json

local golden = json.decode(fs.read "tests/golden/folders.json")
local make = assert(load(fs.read "tests/lua/make_tiny.lua", "@make_tiny", "t"))
local hi = { { role = "user", content = "hi" } }

-- Makes the tiny model with some files replaced (json.null: removed). Returns the loaded model and its folder.
local function tiny(files)
   local folder = "build/test-folder"
   fs.remove_all(folder)
   make(folder)
   for name, value in pairs(files) do
      if value == json.null then fs.remove_all(folder .. "/" .. name)
      else fs.write(folder .. "/" .. name, type(value) == "string" and value or json.encode(value)) end
   end
   return assay.load(folder), folder
end

-- Returns the tokenizer files that all golden cases share, with the files of this case. The shared config.json is left
-- out, because the tiny model needs its own.
local function files_of(case)
   local files = { ["tokenizer.json"] = golden.base["tokenizer.json"],
                   ["tokenizer_config.json"] = golden.base["tokenizer_config.json"] }
   for name, value in pairs(case.files) do files[name] = value end
   return files
end

describe("a folder", function()
   it("means the same to a loaded model, to assay.tokenizer and to transformers", function()
      for _, case in ipairs(golden.cases) do
         local m, folder = tiny(files_of(case))
         local alone = assay.tokenizer(folder)
         for _, one in ipairs(case.texts) do
            assert.same(one.ids, m:encode(one.text, { special = true }))
            assert.same(one.ids, alone:encode(one.text, { special = true }))
            assert.same(one.start, m:encode(one.text, { start = true }))
         end
         local function chat(options)
            local ok, text = pcall(m.chat, m, hi, options)
            return ok and text or json.null
         end
         assert.equal(case.chat, chat())
         assert.equal(case.chat, chat { tools = json.null })
         assert.equal(case.chat_with_tools, chat { tools = golden.tools })
         assert.equal(case.chat ~= json.null, alone:template_text() ~= "")
      end
   end)
   it("whose templates have no default says which templates it has", function()
      local m, folder = tiny { ["tokenizer_config.json"] = { chat_template = json.object { { "rag", "r" }, { "tool_use", "t" } } } }
      assert.raises(folder .. ": the model has no default chat template, only 'rag', 'tool_use'. "
                    .. "Use the name 'default' for the template that serves every conversation", m.chat, m, hi)
      assert.equal("t", m:chat(hi, { tools = golden.tools }))
   end)
   it("with only a chat_template.json says where the template belongs", function()
      local m, folder = tiny { ["tokenizer_config.json"] = {}, ["chat_template.json"] = { chat_template = "x" } }
      assert.raises(folder .. ": the model has no chat template. chat_template.json belongs to an image processor and is not read "
                    .. "for text: put its template into a file chat_template.jinja", m.chat, m, hi)
   end)
   it("leaves out keys of a message that have no value", function()
      local m = tiny { ["chat_template.jinja"] = golden.probe }
      for _, one in ipairs(golden.chats) do assert.equal(one.text, m:chat(one.messages)) end
   end)
   it("without a tokenizer still scores token ids", function()
      local m, folder = tiny { ["tokenizer.json"] = json.null }
      assert.same({ 2, 96 }, m:logits({ 1, 2 }).shape)
      assert.raises(folder .. ": no tokenizer here: neither tokenizer.json nor vocab.json and merges.txt. "
                    .. "copy the tokenizer files of the model into this folder", m.encode, m, "x")
   end)
   it("names the file that is a Git LFS pointer", function()
      local m, folder = tiny { ["tokenizer.json"] = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n" }
      assert.raises(folder .. "/tokenizer.json: the file is a Git LFS pointer, its content was not downloaded. Run 'git lfs pull' "
                    .. "in the folder, or download the file itself", m.encode, m, "x")
   end)
   it("keeps all of its templates when a quantized model is saved", function()
      local m, folder = tiny { ["chat_template.jinja"] = "file", ["additional_chat_templates/tool_use.jinja"] = "tools" }
      local out = folder .. "-saved"
      m:quantize(assay.method.rtn { bits = 4, group = 16 }):save(out, { replace = true })
      local again = assay.load(out)
      assert.equal("file", again:chat(hi))
      assert.equal("tools", again:chat(hi, { tools = golden.tools }))
      fs.remove_all(out)
   end)
   it("with an adapter is saved with merged weights and the tokenizer that was used", function()
      local _, folder = tiny { ["chat_template.jinja"] = "file", ["additional_chat_templates/tool_use.jinja"] = "tools" }
      local out = folder .. "-merged"
      local q = assay.load(folder, { adapter = "tests/golden/lora/plain" }):quantize(assay.method.rtn { bits = 8, group = 16 })
      q:save(out, { replace = true })
      local again = assay.load(out)
      assert.near(0, (q:logits({ 1, 2, 3 }):max_difference(again:logits({ 1, 2, 3 }))), 1e-6)
      assert.same(q:encode "He !", again:encode "He !")
      assert.equal("tools", again:chat(hi, { tools = golden.tools }))
      fs.remove_all(out)
   end)
end)

describe("what ends an answer", function()
   local function length_of(generation, config)
      local _, folder = tiny {}
      local own = json.decode(fs.read(folder .. "/config.json"))
      own.eos_token_id = config
      fs.write(folder .. "/config.json", json.encode(own))
      if generation then fs.write(folder .. "/generation_config.json", json.encode(generation)) end
      return #assay.load(folder):generate({ 1, 2, 3 }, { max_tokens = 8 }).ids
   end
   local _, folder = tiny {}
   local free = assay.load(folder):generate({ 1, 2, 3 }, { max_tokens = 8, ignore_eos = true }).ids
   local function first(id) for i, one in ipairs(free) do if one == id then return i - 1 end end end
   local early, late = free[2], free[5]

   it("is eos_token_id of generation_config.json, or of config.json if that file is absent", function()
      assert.equal(first(early), length_of(nil, early))
      assert.equal(first(late), length_of({ eos_token_id = late }, early))
      assert.equal(math.min(first(early), first(late)), length_of({ eos_token_id = json.list { late, early } }, 95))
   end)
   it("is nothing if generation_config.json names no token, as in transformers", function()
      assert.equal(8, length_of({ eos_token_id = json.null }, early))
      assert.equal(8, length_of({ temperature = 0.6 }, early))
   end)
end)

fs.remove_all "build/test-folder"
