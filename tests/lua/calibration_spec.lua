-- Tests calibration text: which texts are drawn, how they are cut and masked, what is refused, and what is shared with evaluation.
-- The model is a stub whose tokens are whole words, so that every id can be read.
local assay = require "assay"
local overlap = require "assay.data.overlap"
local native = require "assay.native"
local fs = native.fs

local folder = ("/tmp/assay_calibration_%d"):format(math.floor(native.sys.clock() * 1e6))
fs.mkdir(folder)

local function write(name, text)
   fs.write(folder .. "/" .. name, text)
   return folder .. "/" .. name
end

-- A model whose tokens are words; the marks of its chat template ("<user>", "<end>") are tokens too.
local function stub()
   local words, ids = {}, {}
   local m = {}
   function m.encode(_, text)
      local out = {}
      for word in text:gmatch "%S+" do
         if not ids[word] then
            words[#words + 1] = word
            ids[word] = #words
         end
         out[#out + 1] = ids[word]
      end
      return out
   end
   function m.decode(_, list)
      local out = {}
      for i, id in ipairs(list) do out[i] = words[id] end
      return table.concat(out, " ")
   end
   function m.chat(_, messages, options)
      local out = {}
      for _, message in ipairs(messages) do
         out[#out + 1] = ("<%s> %s <end>"):format(message.role, message.content)
      end
      if options and options.generate then out[#out + 1] = "<assistant>" end
      return table.concat(out, " ")
   end
   return m
end

local function numbered(word, n)
   local out = {}
   for i = 1, n do out[i] = word .. i end
   return table.concat(out, " ")
end

-- Writes n records with prompt "q1 p1 p2 ..." and answer "a1 r1 r2 ..."; returns the file's path.
local function questions(n, words)
   local lines = {}
   for i = 1, n do
      lines[i] = ('{"prompt": "q%d %s", "answer": "a%d %s"}\n'):format(i, numbered("p", words), i, numbered("r", words))
   end
   return write("questions.jsonl", table.concat(lines))
end

describe("joined texts", function()
   local path = write("long.txt", numbered("w", 1000))
   it("refuses ids and masks that are no lists", function()
      local facts = native.quant.calibration
      assert.equal(2, facts({ ids = { { 1, 2 } } }).tokens)
      assert.raises("facts: 'ids' must be a list of lists of token ids, not a string", function() facts { ids = "text" } end)
      assert.raises("facts: 'counted' must be a list of lists of 0 and 1, not a boolean",
                    function() facts { ids = { { 1 } }, counted = true } end)
   end)
   it("are cut into sequences of one length; the same seed gives the same sequences", function()
      local c = assay.calibration { dataset = assay.dataset.text { path = path }, samples = 4, length = 100 }
      local m = stub()
      local made = c:tokens_for(m)
      assert.equal(4, #made.ids)
      for _, ids in ipairs(made.ids) do assert.equal(100, #ids) end
      local again = assay.calibration { dataset = assay.dataset.text { path = path }, samples = 4, length = 100 }
      assert.same(made.ids, again:tokens_for(m).ids)
      local other = assay.calibration { dataset = assay.dataset.text { path = path }, samples = 4, length = 100, seed = 7 }
      assert(other:describe(m).hash ~= c:describe(m).hash)
   end)
   it("report sequences, tokens, shortest and longest", function()
      local c = assay.calibration { dataset = assay.dataset.text { path = path, license = "CC0-1.0" }, samples = 3, length = 50 }
      local f = c:describe(stub())
      assert.equal(3, f.sequences)
      assert.equal(150, f.tokens)
      assert.equal(50, f.shortest)
      assert.equal(50, f.longest)
      assert.equal(64, #f.hash)
      assert.equal("CC0-1.0", f.source.license)
      assert.equal("joined", f.source.layout)
      assert.contains(tostring(c), "3 sequences, 150 tokens (150 counted), shortest 50, longest 50")
   end)
   it("must be long enough", function()
      local c = assay.calibration { dataset = assay.dataset.text { path = path }, samples = 11, length = 100 }
      assert.raises("calibration: 11 sequences of 100 tokens are wanted, the text has only 10. "
                    .. "Lower samples or length, or give more text", function() c:tokens_for(stub()) end)
   end)
   it("of short lines are refused, unless the script says why", function()
      local lines = {}
      for i = 1, 300 do lines[i] = numbered("x" .. i .. "_", 4) end
      local shattered = write("shattered.txt", table.concat(lines, "\n"))
      local dataset = assay.dataset.text { path = shattered, records = "line" }
      assert.raises("calibration: half of the 300 texts have 4 tokens or fewer: the text is split into short lines. "
                    .. "records = \"document\" or \"paragraph\" keeps texts whole; allow_short = \"why\" if they are meant",
                    function() assay.calibration({ dataset = dataset, samples = 4, length = 64 }):tokens_for(stub()) end)
      local meant = assay.calibration { dataset = dataset, samples = 4, length = 64, allow_short = "verses" }
      assert.equal("verses", meant:describe(stub()).source.allow_short)
      local whole = assay.dataset.text { path = shattered }
      assert.equal(4, assay.calibration({ dataset = whole, samples = 4, length = 64 }):describe(stub()).sequences)
   end)
end)

describe("a calibration with one sequence for each record", function()
   it("uses the chat template, and cuts to the length", function()
      local dataset = assay.dataset.jsonl { path = questions(20, 20) }
      local c = assay.calibration { dataset = dataset, samples = 5, length = 40, template = "chat" }
      local m = stub()
      local made = c:tokens_for(m)
      assert.equal(5, #made.ids)
      assert.equal(40, #made.ids[1])
      assert.contains(m:decode(made.ids[1]), "<user> q")
      assert.equal("samples", made.source.layout)
   end)
   it("counts only the tokens of responses if the mask says so", function()
      local dataset = assay.dataset.jsonl { path = questions(20, 20) }
      local c = assay.calibration { dataset = dataset, samples = 5, length = 64, template = "chat", mask = "response" }
      local m = stub()
      local made, f = c:tokens_for(m), c:describe(m)
      assert.equal(#made.ids[1], #made.counted[1])
      local kept = {}
      for i, id in ipairs(made.ids[1]) do if made.counted[1][i] == 1 then kept[#kept + 1] = id end end
      local text = m:decode(kept)
      assert.contains(text, "r20 <end>")
      assert.is_nil(text:find("<user>", 1, true))
      assert.is_nil(text:find("<assistant>", 1, true))
      assert.equal(5 * 22, f.counted_tokens) -- a1, r1 ... r20, <end>
      assert.equal(f.tokens, 5 * 46) -- also <user>, q1, p1 ... p20, <end>, <assistant>
   end)
   it("counts every assistant turn of a longer chat", function()
      local turns = ('{"messages": [{"role": "user", "content": "u1 %s"}, {"role": "assistant", "content": "first"}, '
                     .. '{"role": "user", "content": "u2"}, {"role": "assistant", "content": "second"}]}\n'):format(numbered("p", 20))
      local c = assay.calibration { dataset = assay.dataset.jsonl { path = write("turns.jsonl", turns:rep(2)) }, samples = 2,
                                    template = "chat", mask = "response" }
      local m = stub()
      local made = c:tokens_for(m)
      local kept = {}
      for i, id in ipairs(made.ids[1]) do if made.counted[1][i] == 1 then kept[#kept + 1] = id end end
      assert.equal("first <end> second <end>", m:decode(kept))
   end)
   it("leaves out records in which no answer begins, and says when too few are left", function()
      local dataset = assay.dataset.jsonl { path = questions(10, 20) }
      assert.raises("calibration: 4 sequences are wanted, only 0 of the 8 records that were drawn can be used. "
                    .. "No answer begins within the length: raise it, or take mask = \"all\"", function()
         assay.calibration({ dataset = dataset, samples = 4, length = 8, template = "chat", mask = "response" })
            :tokens_for(stub())
      end)
   end)
   it("takes a share of the records, at least 8 and at most 128", function()
      local function wanted(n)
         return assay.calibration({ dataset = assay.dataset.jsonl { path = questions(n, 20) }, share = 0.15,
                                    template = "chat" }):wanted()
      end
      assert.equal(8, wanted(20))
      assert.equal(30, wanted(200))
      assert.equal(128, wanted(1000))
   end)
end)

describe("misuse", function()
   it("is an error that names the mistake", function()
      local text = assay.dataset.text { path = write("long.txt", numbered("w", 1000)) }
      assert.raises("assay.calibration takes either 'ids' or 'dataset'", function() assay.calibration {} end)
      assert.raises("assay.calibration takes either 'share' or 'samples'",
                    function() assay.calibration { dataset = text, share = 0.15, samples = 8 } end)
      assert.raises("assay.calibration: mask = \"response\" needs template = \"chat\". "
                    .. "Without a template nothing tells where an answer begins",
                    function() assay.calibration { dataset = text, mask = "response" } end)
      assert.raises("assay.calibration: chats are not joined. layout = \"samples\" keeps one sequence a record",
                    function() assay.calibration { dataset = text, template = "chat", layout = "joined" } end)
   end)
   it("of a split that is kept for evaluation needs a reason", function()
      assert.raises("assay.calibration: dataset gsm8k, split test is kept for evaluation. "
                    .. "Take the train split, or say why with allow_held_out = \"...\"",
                    function() assay.calibration { dataset = assay.dataset.gsm8k {} } end)
      local c = assay.calibration { dataset = assay.dataset.gsm8k {}, allow_held_out = "to see what leakage does" }
      assert.equal("to see what leakage does", c.options.allow_held_out)
      assay.calibration { dataset = assay.dataset.gsm8k { split = "train" } }
   end)
end)

describe("contamination", function()
   local function task(id, path) return { id = id, options = { dataset = assay.dataset.jsonl { path = path } } } end
   local own = questions(12, 20)
   local calibration = assay.calibration { dataset = assay.dataset.jsonl { path = own }, samples = 4, template = "chat" }
   local other = write("other.jsonl", ('{"prompt": "%s", "answer": "yes"}\n{"prompt": "Short."}\n'):format(numbered("z", 20)))

   it("is found by whole records and by passages that a calibration shares with a task", function()
      local m = stub()
      local overlaps = overlap.check(calibration, m, { task("same", own), task("other", other) })
      assert.equal(12, overlaps[1].records)
      assert.equal(4, overlaps[1].shared_records)
      assert.equal(12, overlaps[1].records_with_passage) -- all contain p1 ... p20
      assert.contains(overlaps[1].first_passage, "p1 p2 p3")
      assert.equal(0, overlaps[2].shared_records)
      assert.equal(0, overlaps[2].records_with_passage)
      assert.equal(1, overlaps[2].too_short)
      assert.equal(4, overlap.shared(overlaps))
   end)
   it("by whole records is an error, unless the calibration says why", function()
      local overlaps = overlap.check(calibration, stub(), { task("same", own) })
      assert.raises("calibration and the task 'same' share 4 of 12 records: a calibration must not use records that are evaluated. "
                    .. "Calibrate on another split, or say why with allow_overlap = \"...\"",
                    function() overlap.refuse(calibration, overlaps) end)
      overlap.refuse(assay.calibration { dataset = assay.dataset.jsonl { path = own }, samples = 4, template = "chat",
                                               allow_overlap = "leakage is the question" }, overlaps)
   end)
   it("is found although case and punctuation differ", function()
      local shouted = write("shouted.jsonl", (fs.read(own):gsub("q(%d)", "Q%1"):gsub("p1 p2", "P1, P2!")))
      assert.equal(4, overlap.check(calibration, stub(), { task("shouted", shouted) })[1].shared_records)
   end)
   -- A task's record is compared with each whole text that was joined, even if the calibration drew only a piece of it.
   it("is searched in the records from which a joined text was made", function()
      local text = assay.dataset.text { path = write("long.txt", numbered("w", 1000)) }
      local c = assay.calibration { dataset = text, samples = 2, length = 100 }
      local overlaps = overlap.check(c, stub(), { { id = "ppl", options = { dataset = text } } })
      assert.equal(1, overlaps[1].shared_records)
      assert.equal(1, overlaps[1].records_with_passage)
   end)
   it("is found in chats by the content of their turns", function()
      local chats = write("chats.jsonl", ('{"messages": [{"role": "user", "content": "q1 %s"}, {"role": "assistant", '
                                          .. '"content": "a1 %s"}]}\n'):format(numbered("p", 20), numbered("r", 20)))
      local c = assay.calibration { dataset = assay.dataset.jsonl { path = chats }, samples = 1, template = "chat" }
      local overlaps = overlap.check(c, stub(), { task("same", own), task("chats", chats) })
      assert.equal(1, overlaps[1].shared_records)
      assert.equal(1, overlaps[2].shared_records)
   end)
   it("is found by the text of given token ids", function()
      local m = stub()
      local c = assay.calibration { ids = { m:encode(numbered("z", 20) .. " yes"), m:encode "one two" } }
      local overlaps = overlap.check(c, m, { task("other", other) })
      assert.equal(1, overlaps[1].shared_records)
   end)
end)

fs.remove_all(folder)
