-- Generates answers in this process, with which serve_openai.py and serve_lm_eval.py compare those of a server.
-- usage: assay run serve_answers.lua --set model=PATH --set request='{"prompts": [...], "messages": [...]}'
local assay = require "assay"

local request = assay.json.decode(assay.setting("request", "{}"))
local m = assay.load(assay.setting("model", ""))

local function answer(prompt)
   local g = m:generate(prompt, { max_tokens = 24 })
   return { text = g.text, finish = g.finish, tokens = #g.ids, prompt_tokens = #m:encode(prompt, { start = true }) }
end

local out = { completions = {} }
for i, prompt in ipairs(request.prompts or {}) do out.completions[i] = answer(prompt) end
if request.messages then out.chat = answer(m:chat(request.messages, { generate = true })) end
io.write(assay.json.encode(out), "\n")
