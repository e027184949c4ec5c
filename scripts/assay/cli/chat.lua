-- assay chat MODEL: a conversation with a model. host/lua/chat.cpp reads the lines and gives each to session:line. From a pipe, each line
-- is a question and each answer is printed; with --json an answer is one line of JSON.
local fail = require "assay.lib.fail"
local model = require "assay.model"
local native = require "assay.native"
local json, sys = native.json, native.sys

local MOST_TOKENS <const> = 1024 -- of an answer
local REPLACEMENT <const> = "\u{FFFD}" -- what decoding gives for the first bytes of a character that is not complete yet

local help = [[
/reset         forgets the conversation
/system TEXT   sets the system message; /system alone shows it
/stats         tokens and speed of the last answer
/help          this text
//TEXT         says /TEXT to the model
Ctrl-C stops an answer, Ctrl-D leaves]]

local session = {}
session.__index = session

function session:reset()
   self.messages = {}
   if self.system then self.messages[1] = { role = "system", content = self.system } end
end

-- Writes the answer to a prompt token by token. Returns how it ended: "stop", "length" or "max_tokens". self.partial holds what is
-- written so far, so that an answer that Ctrl-C stops is not lost.
function session:write(prompt)
   local stats = { started = sys.clock() }
   self.partial = ""
   local o = self.options -- each turn draws by another seed
   stats.computed = self.talk:read(prompt, { temperature = o.temperature, top_p = o.top_p, top_k = o.top_k, seed = o.seed + #self.messages })
   stats.prefill_seconds = sys.clock() - stats.started
   self.stats = stats
   local ids, shown, finish = {}, 0, "max_tokens"
   while #ids < self.most do
      local id, why = self.talk:next()
      if not id then
         finish = why
         break
      end
      ids[#ids + 1] = id
      local text = self.m:decode(ids)
      if text:sub(-#REPLACEMENT) ~= REPLACEMENT then
         self:show(text:sub(shown + 1))
         self.partial, shown = text, #text
      end
      stats.tokens, stats.seconds = #ids, sys.clock() - stats.started - stats.prefill_seconds
   end
   self.partial = self.m:decode(ids)
   self:show(self.partial:sub(shown + 1))
   stats.tokens, stats.held = #ids, self.talk:tokens()
   return finish
end

function session:show(text)
   if sys.settings().json then return end
   io.write(text)
   io.flush()
end

-- Ends the turn: the answer becomes part of the conversation, or the question is taken back where there is none.
function session:close_turn(answer)
   self.open = false
   if answer ~= "" then self.messages[#self.messages + 1] = { role = "assistant", content = answer }
   else self.messages[#self.messages] = nil end
end

function session:answer(question)
   self.messages[#self.messages + 1] = { role = "user", content = question }
   self.open, self.partial = true, ""
   local ok, result = pcall(function() return self:write(self.m:chat(self.messages, { generate = true })) end)
   if not ok then
      if result.kind ~= "cancelled" then self:close_turn "" end -- session:stopped ends a turn that Ctrl-C has stopped
      error(result, 0)
   end
   local s = self.stats
   if sys.settings().json then
      io.write(json.encode(json.object { { "answer", self.partial }, { "finish", result }, { "computed", s.computed },
                                         { "prefill_seconds", s.prefill_seconds }, { "tokens", s.tokens },
                                         { "seconds", s.seconds or 0 } }), "\n")
   else
      io.write "\n"
      if result ~= "stop" and self.terminal then
         io.write(result == "length" and "(the model takes no more tokens; /reset begins anew)\n"
                  or ("(cut at %d tokens; --max-tokens N changes that)\n"):format(self.most))
      end
   end
   io.flush()
   self:close_turn(self.partial)
end

-- Called after Ctrl-C.
function session:stopped()
   if not self.open then return end
   self:close_turn(self.partial)
   if not sys.settings().json then io.write "\n(stopped)\n" end
end

local function rate(tokens, seconds) return seconds and seconds > 0 and ("%.1f"):format(tokens / seconds) or "-" end

function session:print_stats()
   local s = self.stats
   if not s or not s.tokens then
      io.write "nothing was answered yet\n"
      return
   end
   io.write(("read %d new tokens at %s tokens/s, wrote %d at %s tokens/s; %d of %d positions are used\n"):format(s.computed,
            rate(s.computed, s.prefill_seconds), s.tokens, rate(s.tokens, s.seconds), self.talk:tokens(), self.positions))
end

local commands = {}
function commands.reset(self) self:reset() end
function commands.help() io.write(help, "\n") end
function commands.stats(self) self:print_stats() end
function commands.system(self, text)
   if text == "" then
      io.write(self.system or "there is no system message", "\n")
      return
   end
   self.system = text
   if self.messages[1] and self.messages[1].role == "system" then self.messages[1].content = text
   else table.insert(self.messages, 1, { role = "system", content = text }) end
end

-- Answers one line. Returns whether the conversation goes on.
function session:line(line)
   local name, rest = line:match "^/(%a+)%s*(.-)%s*$"
   if name == "quit" or name == "exit" then return false end
   if name then
      if not commands[name] then fail.usage(("unknown command '/%s'"):format(name), "/help lists the commands") end
      commands[name](self, rest)
      io.flush()
      return true
   end
   self:answer((line:gsub("^//", "/")))
   return true
end

-- The commands that begin with a word, for the tab key.
function session:complete(word)
   local out = {}
   for _, name in ipairs(fail.sorted_keys(commands)) do
      if self and word ~= "" and name:sub(1, #word) == word then out[#out + 1] = name end
   end
   return out
end

-- Raises if the model cannot hold a conversation, before the first question is asked.
local function require_template(m, o)
   local messages = { { role = "user", content = "Hello" } }
   if o.system then table.insert(messages, 1, { role = "system", content = o.system }) end
   local ok, problem = pcall(m.chat, m, messages, { generate = true })
   if ok then return end
   if not m:info().chat_template then
      fail.work("the model has no chat template, so it cannot hold a conversation", { where = o.model,
                hint = "Use an instruction-tuned model, or put its template into chat_template.jinja. assay repl continues plain texts: "
                       .. ("assay.load(%q):generate(\"Once upon a time\")"):format(o.model) })
   end
   error(problem, 0)
end

return function(o)
   local m = model.load(o.model, { adapter = o.adapter, runtime = o.packed and "packed" or nil })
   require_template(m, o)
   local facts = m:info()
   local self = setmetatable({ m = m, talk = m:conversation(), system = o.system, terminal = o.terminal,
                               most = o.max_tokens or MOST_TOKENS, positions = facts.positions,
                               options = { temperature = o.temperature, top_p = o.top_p, top_k = o.top_k,
                                           seed = sys.settings().seed or 0 } }, session)
   self:reset()
   if o.terminal then
      io.write(("%s, %s. /help explains, Ctrl-C stops an answer, Ctrl-D leaves.\n"):format(native.model.name(model.find(o.model)),
               o.packed and "packed" or facts.dtype))
   end
   return self
end
