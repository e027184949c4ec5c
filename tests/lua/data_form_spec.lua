-- Tests how the form of a data file (text, JSON lines, JSON, CSV, parquet) is told from its name and content, and that the message
-- for a form that cannot be read says how to convert the file.
local assay = require "assay"
local data_form = require "assay.data.data_form"
local native = require "assay.native"
local fs = native.fs

local folder = ("/tmp/assay_forms_%d"):format(math.floor(native.sys.clock() * 1e6))
fs.mkdir(folder)

local function write(name, bytes)
   local path = folder .. "/" .. name
   fs.write(path, bytes)
   return path
end

local function texts_of(dataset)
   local out = {}
   for record in dataset:records() do out[#out + 1] = record.text end
   return out
end

-- Returns the message of an error without "FILE.lua:LINE: " before it and without the hint after it.
local function said(problem)
   local text = tostring(problem):gsub("^[^:]*%.lua:%d+: ", "")
   local hint = problem.hint and text:find(". " .. problem.hint, 1, true)
   return hint and text:sub(1, hint - 1) or text
end

local LINES <const> = '{"text": "one"}\n{"text": "two", "n": 2}\n'
local LIST <const> = '[{"text": "one"},\n {"text": "two"}]'
local PARQUET <const> = fs.scripts_folder() .. "/../tests/golden/parquet"

describe("the form of a file", function()
   it("is that of its ending, in capital letters too", function()
      for name, form in pairs { ["a.txt"] = "text", ["a.md"] = "text", a = "text", ["a.dat"] = "text", ["a.csv"] = "csv",
                                ["a.TSV"] = "tsv", ["a.CSV"] = "csv", ["a.parquet"] = "parquet", ["a.JSONL"] = "jsonl",
                                ["a.ndjson"] = "jsonl", ["a.json"] = "json" } do
         assert.equal(form, data_form.of(write(name, "a b\nc d\n")).form, name)
      end
   end)
   it("is JSON if the content is JSON, whatever the name of the file", function()
      for _, name in ipairs { "l", "l.txt", "l.json", "l.jsonl", "l.csv", "l.JSON" } do
         assert.equal("jsonl", data_form.of(write(name, LINES)).form, name)
         assert.equal("json", data_form.of(write(name, LIST)).form, name)
         assert.equal("json", data_form.of(write(name, '["one",\n"two"]')).form, name)
         assert.equal("json", data_form.of(write(name, '{\n "data": []\n}\n')).form, name)
         assert.equal("jsonl", data_form.of(write(name, "\xef\xbb\xbf\n" .. LINES)).form, name)
      end
      assert.equal("jsonl", data_form.of(write("one.txt", '{"text": "one"}')).form)
      assert.equal("json", data_form.of(write("one.json", '{"text": "one"}')).form)
   end)
   it("stays text where brackets are only the beginning of a text", function()
      for _, text in ipairs { "[Chapter 1]\nIt was", "[1] Smith, 1999.\n", "{ is a brace", "{\"a\": 1} and more\n", "[]x" } do
         assert.equal("text", data_form.of(write("prose.txt", text)).form, text)
         assert.equal("text", data_form.of_bytes("prose", text).form, text)
      end
   end)
   it("of a folder is that of its files, if they agree", function()
      fs.mkdir(folder .. "/tables")
      write("tables/a.csv", "text\none\n")
      write("tables/README", "no form")
      assert.equal("csv", data_form.of(folder .. "/tables").form)
      write("tables/b.json", LIST)
      assert.equal("text", data_form.of(folder .. "/tables").form)
   end)
   it("that must be converted is refused, with the command to convert it", function()
      for bytes, words in pairs {
         ["\x1f\x8b\x08\0\0"] = { "gzip", "Unpack it: gunzip -k %s" },
         ["PK\x03\x04\20\0"] = { "a zip archive", "Unpack it: unzip %s (files of Excel, Word and NumPy are zip archives too)" },
         ["\xff\xfea\0b\0"] = { "UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8 %s > NEW" },
         ["\xfe\xff\0a\0b"] = { "UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8 %s > NEW" },
         ["a\0b\0c\0"] = { "UTF-16", "Convert it: iconv -f UTF-16LE -t UTF-8 %s > NEW (or UTF-16BE)" },
         ["\x28\xb5\x2f\xfd\0"] = { "zstd", "Unpack it: unzstd %s" },
         ["ARROW1\0\0"] = { "Arrow",
            "Write it as Parquet, or as JSON lines: Dataset.to_parquet or to_json of the datasets library" },
         ["version https://git-lfs.github.com/spec/v1\n"] = { "a pointer of Git LFS, not the file itself",
                                                              "Get the file: git lfs pull" },
      } do
         for _, name in ipairs { "b.txt", "b.jsonl", "b.csv", "b.json", "b" } do
            local path = write(name, bytes)
            for _, id in ipairs { "text", "jsonl", "json", "csv" } do
               local ok, problem = pcall(assay.dataset[id], { path = path })
               assert.equal(false, ok, name)
               assert.equal(("%s: this is %s, which is not read here"):format(path, words[1]),
                            said(problem))
               assert.equal((words[2]:gsub("%%s", path)), problem.hint)
               assert.equal("failed", problem.kind)
            end
         end
      end
   end)
   it("is told from the name alone for a file that is missing or can be read only once", function()
      assert.equal("jsonl", data_form.of(folder .. "/nothing.jsonl").form)
      assert.equal("text", data_form.of("/dev/null").form)
      assert.equal(false, data_form.is_file "/dev/null")
      assert.equal(false, data_form.is_file(folder))
   end)
end)

describe("assay.dataset.text", function()
   it("reads the same texts from every form", function()
      local same = { "one", "two" }
      for name, bytes in pairs { ["t.jsonl"] = LINES, ["t.JSONL"] = LINES, ["t.json"] = LIST, ["lines.json"] = LINES,
                                 ["list.json"] = '["one", "two"]', ["t.csv"] = "text,n\none,1\ntwo,2\n",
                                 ["pandas.csv"] = ",text\n0,one\n1,two\n", ["t.tsv"] = "n\ttext\n1\tone\n2\ttwo\n",
                                 ["list.txt"] = LIST, ["no_ending"] = LINES } do
         assert.same(same, texts_of(assay.dataset.text { path = write(name, bytes) }), name)
      end
   end)
   it("reads parquet by its content", function()
      if not native.plugin.describe("dataset", "parquet") then pending "the plugin parquet is not built" end
      local path = write("rows.bin", fs.read(PARQUET .. "/squad_large.parquet"))
      local rows = assay.dataset.text { path = path, field = "question" }
      assert.same({ "Q0?", "Q1?", "Q2?", "Q3?" }, texts_of(rows))
   end)
   it("reads another field if the script names it, in every form", function()
      for name, bytes in pairs { ["f.jsonl"] = '{"body": "one"}\n', ["f.json"] = '[{"body": "one"}]', ["f.csv"] = "body\none\n" } do
         assert.same({ "one" }, texts_of(assay.dataset.text { path = write(name, bytes), field = "body" }), name)
      end
   end)
   it("takes a file as it is where the script says so", function()
      assert.same({ LIST }, texts_of(assay.dataset.text { path = write("raw.json", LIST), format = "text" }))
   end)
   it("refuses an option of plain text for another form", function()
      local path = write("p.json", LIST)
      assert.raises(("assay.dataset.text: 'records' is only for plain text, but %s is json. "
                     .. "format = \"text\" takes the file as it is"):format(path),
                    function() assay.dataset.text { path = path, records = "line" } end)
   end)
   it("names the record that has no text, and the fields that it has", function()
      local function problem(name, bytes)
         local path = write(name, bytes)
         local ok, why = pcall(function() return assay.dataset.text({ path = path }):text() end)
         assert.equal(false, ok)
         assert.equal("failed", why.kind)
         return (said(why):gsub("^" .. path:gsub("%p", "%%%0"), ""))
      end
      assert.equal(": record 2: 'text' is null, not a text", (problem("g.jsonl", '{"text": "a"}\n\n{"text": null}\n')))
      assert.equal(": record 1: 'text' is a number, not a text", (problem("g.json", '[{"text": 5}]')))
      assert.equal(": record 1 has no 'text', it has 'id', 'body'", (problem("g.csv", "id,body\n1,one\n")))
      assert.equal(": record 2 has no 'text', it has nothing", (problem("h.json", '[{"text": "a"}, {}]')))
   end)
   it("takes prompt and answer where there is no text, and leaves out the records that a map leaves out", function()
      local path = write("q.jsonl", '{"prompt": "2+2?", "answer": "4"}\n')
      assert.equal("2+2?\n4", assay.dataset.text({ path = path }):text())
      local gaps = write("gaps.jsonl", '{"text": null}\n{"text": "b"}\n')
      local kept = assay.dataset.text { path = gaps, map = function(r) if type(r.text) == "string" then return r end end }
      assert.equal("b", kept:text())
   end)
end)

describe("integers of records", function()
   it("are texts of their digits if Lua cannot hold them, else numbers", function()
      local path = write("i.jsonl", '{"a": 18446744073709551615, "b": 9223372036854775807, "c": -9223372036854775808, '
                         .. '"d": -9223372036854775809, "e": [100000000000000000000]}\n')
      for row in assay.dataset.jsonl({ path = path }):records() do
         assert.equal("18446744073709551615", row.a)
         assert.equal(math.maxinteger, row.b)
         assert.equal(math.mininteger, row.c)
         assert.equal("-9223372036854775809", row.d)
         assert.equal("100000000000000000000", row.e[1])
      end
   end)
   it("of parquet's uint64 are exact", function()
      if not native.plugin.describe("dataset", "parquet") then pending "the plugin parquet is not built" end
      local u, i = {}, {}
      for row in assay.dataset.parquet({ path = PARQUET .. "/integers.parquet" }):records() do
         u[#u + 1], i[#i + 1] = row.u, row.i
      end
      assert.same({ "18446744073709551615", "9223372036854775808", math.maxinteger, 0 }, u)
      assert.same({ math.mininteger, math.maxinteger, -1, 0 }, i)
   end)
   it("too large for a double are refused, with file and line", function()
      local path = write("huge.jsonl", '{"n": 1}\n{"n": ' .. ("9"):rep(400) .. '}\n')
      local ok, problem = pcall(function() return assay.dataset.jsonl({ path = path }):info() end)
      assert.equal(false, ok)
      assert.equal(path .. ": line 2: the number at column 7 is beyond 1.8e308 (plugin jsonl)", said(problem))
      assert.equal("failed", problem.kind)
   end)
end)
