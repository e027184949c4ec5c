-- The manual of the Lua library as data: one entry for each function. help(), `assay api`, scripts/meta/assay.lua and
-- scripts/REFERENCE.md are made from it. The entries of methods, tasks and known datasets come from their own files (catalogue.lua).
local catalogue = require "assay.lib.catalogue"
local native = require "assay.native"
local options = require "assay.lib.options"

local manual = {}

-- Makes an entry { name, parameters = { { name, type, optional } }, returns, about, since, example? }. Each parameter is given as a
-- text such as "options?: table", where ? means optional.
local function entry(name, parameters, returns, about, extra)
   local e = { name = name, parameters = {}, returns = returns, about = about, since = "0.1" }
   for _, text in ipairs(parameters) do
      local parameter, optional, kind = text:match "^([%w_.]+)(%??): (.+)$"
      e.parameters[#e.parameters + 1] = { name = parameter, type = kind, optional = optional == "?" }
   end
   for key, value in pairs(extra or {}) do e[key] = value end
   return e
end

manual.entries = {
   entry("assay.load", { "path: string", "options?: { dtype: string, device: string, adapter: string, on_demand: boolean, runtime: string }" },
         "assay.model", "Loads a model folder, a GGUF file or a known name. adapter: a PEFT LoRA folder to merge. runtime: \"packed\" "
         .. "computes from the weights as they are stored. on_demand: one block in memory at a time, only to quantize and save the model.",
         { example = 'local m = assay.load("smollm2-135m-instruct", { dtype = "float32" })' }),
   entry("assay.tokenizer", { "path: string" }, "assay.tokenizer",
         "The tokenizer of a folder or of a tokenizer.json, without a model."),
   entry("assay.template", { "jinja: string", "options?: { special: table }" }, "assay.template",
         "A chat template without a model; t:render { messages = ... } returns the text or raises."),
   entry("assay.json.decode", { "text: string" }, "any", "JSON to Lua; objects keep the order of their keys."),
   entry("assay.json.encode", { "value: any", "options?: { indent: integer, canonical: boolean }" }, "string",
         "Lua to JSON; raises for functions, cycles and numbers that are not finite."),
   entry("assay.json.object", { "pairs?: any[][]" }, "table", "An object that remembers the order of its keys."),
   entry("assay.json.list", { "list?: any[]" }, "table", "Marks a table as a list, also when it is empty."),
   entry("assay.grid", { "methods: table" }, "assay.recipe[]", "Recipes of every combination of methods and option values.",
         { example = "assay.grid { assay.method.rtn, bits = { 4, 3 }, group = 64 }" }),
   entry("assay.sweep", { "settings: table" }, "assay.recipe[]",
         "A starting recipe, and recipes that differ from it in one setting: an option of the method or of the calibration.",
         { example = "assay.sweep { assay.method.gptq, over = { group = { 32, 64, 128 } } }" }),
   entry("assay.allocate",
         { "options: { model: assay.model, calibration: assay.calibration, target: number, bits: integer[], group: integer, measure: string }" },
         "table", "Chooses bits for each part of a model within a target of bits per weight; a:overrides() returns them for a recipe, "
         .. "a:check(q) compares the predicted loss with the real one."),
   entry("assay.dataset.text", { "config: { path: string, field: string, format: string }" }, "assay.dataset",
         "The texts of a file or folder in any form that is read (text, JSON, JSON lines, CSV, Parquet); d:records(), d:text(), d:info()."),
   entry("assay.dataset.jsonl", { "config: { path: string, field: string, map: function, rows: integer, license: string }" },
         "assay.dataset", "JSON lines as records; map returns the wanted form of a record, or nil to leave it out.",
         { example = "assay.dataset.jsonl { path = \"qa.jsonl\", map = function(r) return { prompt = r.q, answer = r.a } end }" }),
   entry("assay.dataset.json", { "config: { path: string, at: string[], map: function, rows: integer }" }, "assay.dataset",
         "The objects or texts of a list inside a JSON document; `at` names this list and the lists around it, the outermost first."),
   entry("assay.dataset.csv", { "config: { path: string, delimiter: string, header: boolean, map: function, rows: integer }" },
         "assay.dataset", "Comma-separated values as records of texts."),
   entry("assay.dataset.parquet", { "config: { path: string, prefix: string, columns: string[], map: function, rows: integer }" },
         "assay.dataset", "Parquet files as records, if the plugin for Parquet was built."),
   entry("dataset:records", {}, "function", "Iterates over the records."),
   entry("dataset:text", { "separator?: string" }, "string", "All records' text joined."),
   entry("dataset:info", {}, "table", "{ records, sha256, license, source, fields, name, split }."),
   entry("dataset:count", {}, "integer", "Number of records after the map."),
   entry("assay.calibration", { "options: { dataset: assay.dataset, samples: integer, share: number, length: integer, "
         .. "seed: integer, template: string, layout: string, mask: string, ids: integer[][], counted: integer[][], "
         .. "allow_short: string, allow_held_out: string, allow_overlap: string }" },
         "assay.calibration", "Token sequences that statistics are taken from; c:describe(model) counts and hashes them.",
         { example = "assay.calibration { dataset = assay.dataset.gsm8k { split = \"train\" }, share = 0.15, "
           .. "template = \"chat\", mask = \"response\" }" }),
   entry("assay.study", { "description: table" }, "assay.study",
         "Describes a study: subjects, recipes and tasks, whose options are checked at once. `assay run` runs what the script returns."),
   entry("assay.plugins.list", { "kind?: string" }, "table[]", "Components that plugins offer."),
   entry("assay.plugins.find", { "kind: string", "id: string" }, "table|nil",
         "A component with its schema; nil and an error if there is none."),
   entry("assay.setting", { "key: string", "default: any" }, "any", "The value of --set key=value, else the default."),
   entry("assay.if_available", { "name: string", "make: function" }, "assay.recipe|assay.task",
         "Returns what make() returns, or a note that says in the plan and in the report why it is not available here."),
   entry("assay.help", { "what?: any" }, "nil", "Explains a value or a name."),
   entry("assay.print", { "...: any" }, "nil", "Prints values as print does, and also what tables contain."),
   entry("model:encode", { "text: string", "options?: { special: boolean, start: boolean }" }, "integer[]",
         "Token ids of a text; start: the tokenizer's own first token is added, as score and generate do, unless the text begins with it."),
   entry("model:decode", { "ids: integer[]", "options?: { skip_special: boolean }" }, "string", "Text of token ids."),
   entry("model:chat", { "messages: table[]", "options?: { generate: boolean, tools: table[] }" }, "string",
         "Prompt text by the model's chat template; further options reach the template."),
   entry("model:logits", { "text: string|integer[]" }, "assay.tensor", "Logits [tokens, vocab] in fp32."),
   entry("model:score", { "context: string", "continuations: string[]" }, "table[]",
         "Log-likelihood of each continuation: { sum, tokens, greedy }."),
   entry("model:score_many", { "requests: { context: string, continuations: string[] }[]",
                               "options?: { batch_tokens: integer }" }, "table[][], table",
         "Scores many requests together, each with the result of model:score. A prefix that requests share is computed once. The second "
         .. "table says what this took: tokens { needed, computed, alone = if nothing were shared }, head_rows (positions multiplied by "
         .. "the head), halvings (of batch_tokens, if memory ran out), seconds."),
   entry("model:generate", { "prompt: string|integer[]",
         "options?: { max_tokens: integer, temperature: number, top_k: integer, top_p: number, seed: integer, stop: string[], ignore_eos: boolean }" },
         "table", "{ text, ids, finish = \"stop\"|\"length\" }."),
   entry("model:generate_many", { "prompts: (string|integer[])[]", "options?: table" }, "table[], table",
         "Answers many prompts together, each as model:generate does, and says what this took. Options: those of generate, seeds "
         .. "(one per prompt), max_live (sequences at a time), batch_tokens."),
   entry("model:conversation", {}, "assay.conversation",
         "A conversation that keeps keys and values, so that a next turn computes only what is new."),
   entry("conversation:read", { "text: string|integer[]", "options?: { temperature: number, top_k: integer, top_p: number, seed: integer }" },
         "integer", "Sets the whole text of the conversation so far and computes what is new in it; returns how many tokens were computed."),
   entry("conversation:next", {}, "integer|nil, string",
         "The next token of the answer; nil and \"stop\" or \"length\" at its end."),
   entry("conversation:tokens", {}, "integer", "Tokens whose keys and values are held."),
   entry("model:perplexity", { "text: string|integer[]", "options?: { window: integer, limit: integer }" }, "table",
         "{ ppl, tokens, windows } of a long text."),
   entry("model:rolling", { "text: string|integer[]", "options?: { max_length: integer, prefix: integer }" }, "table",
         "{ sum, tokens, windows }: log-likelihood of a whole text, every token scored once."),
   entry("model:keep_states", { "text: string|integer[]", "folder: string", "options?: { window: integer, limit: integer, context: integer }" },
         "integer", "Writes the final hidden states of each window, for model:distance; returns the number of windows."),
   entry("model:distance", { "text: string|integer[]", "reference: assay.model",
         "options?: { window: integer, limit: integer, context: integer, states: string }" }, "table[]",
         "Per-token distance of the next-token distributions to a reference, one metric sample per window."),
   entry("model:block_errors", { "reference: assay.model", "rows: integer[][]" }, "number[]",
         "Relative error of the residual stream after each block; rows: token sequences of equal length."),
   entry("model:quantize", { "recipe: assay.recipe", "calibration?: assay.calibration", "options?: { resume: string }" },
         "assay.model", "The quantized model, with q.summary, q.ledger and q.metadata."),
   entry("model:divergence", { "other: assay.model", "sequences: assay.calibration" }, "table",
         "Mean KL divergence of another model from this one: { kl, tokens, sequences }."),
   entry("model:salience", { "sequences: assay.calibration" }, "table",
         "Outlier channels of every input; s:ranked(), s:svg()."),
   entry("model:sensitivity", { "quantized: assay.model", "sequences: assay.calibration", "options?: { swap: boolean, gradient: boolean, fused: boolean }" },
         "table", "What each part of a quantized model costs; s:ranked(), s:agreement()."),
   entry("model:packed", {}, "assay.model", "A quantized model as a new model that runs from its codes; what has no kernel runs from floats, and info().packed.told says so."),
   entry("model:save", { "folder: string", "options?: { format: string, config: table, replace: boolean, figures: string[][] }" }, "table",
         "Writes a quantized model; the folder appears only when it is complete. figures: { { name, value }, ... }, measured, for its model card."),
   entry("model:planned_export", { "options?: { format: string, config: table }" }, "table",
         "What model:save would write: { exporter, items, scheme }; raises where no format can hold it."),
   entry("model:time_prefill", { "options?: { tokens: integer }" }, "table",
         "Times a prompt: { tokens, seconds, tokens_per_second, operations_per_token }."),
   entry("model:time_decode", { "options?: { batch: integer, context: integer, steps: integer }" }, "table",
         "Times greedy steps; returns the fields of model:time_prefill and bytes_per_token (weights, keys and values that are read)."),
   entry("model:info", {}, "table", "Facts: architecture, parameters, dtypes, provenance."),
   entry("model:fingerprint", {}, "string", "SHA-256 over config and all stored tensors."),
   entry("model:tokenizer", {}, "assay.tokenizer", "The model's tokenizer."),
   entry("tensor:row", { "i: integer" }, "assay.tensor", "The i-th row, counted from 1."),
   entry("tensor:tolist", {}, "any", "Nested lists of numbers."),
   entry("tensor:item", {}, "number", "The only value of a tensor of one value."),
   entry("tensor:argmax", {}, "any", "Index of the largest value along the last dimension, counted from 0 as token ids are."),
   entry("tensor:max_difference", { "other: assay.tensor" }, "number", "Largest absolute difference, and whether all bits are equal."),
   entry("tensor:free", {}, "nil", "Frees the memory now; the end of a <close> scope does so too."),
}

-- Inserts methods, tasks and datasets before the methods of models. manual.find takes the first match, so that help "perplexity"
-- explains the task and not model:perplexity.
local function insert_catalogue()
   local place = 1
   while not manual.entries[place].name:find "^model:" do place = place + 1 end
   for i, e in ipairs(catalogue.entries()) do table.insert(manual.entries, place + i - 1, e) end
end
insert_catalogue()

function manual.names()
   local names = {}
   for i, e in ipairs(manual.entries) do names[i] = e.name end
   return names
end

function manual.find(name)
   for _, e in ipairs(manual.entries) do
      if e.name == name or e.name == "assay." .. name or e.name:match "[:.]([%w_]+)$" == name then return e end
   end
end

-- The names that begin with `word`, for the tab key in the repl. "x:gen" is completed by the methods of all kinds of
-- objects (models, datasets, tensors, conversations), because the type of x is not known.
function manual.complete(word)
   local found, object, part = {}, word:match "^([%w_.]+):([%w_]*)$"
   for _, e in ipairs(manual.entries) do
      local method = e.name:match ":(.*)$"
      if object and method and method:sub(1, #part) == part then
         found[#found + 1] = object .. ":" .. method
      elseif not object and not method and #word > 0 and e.name:sub(1, #word) == word then
         found[#found + 1] = e.name
      end
   end
   return found
end

-- The entry of a function or table that can be reached from `assay`, such as the function assay.json.decode. Nil if there is none.
function manual.find_value(value)
   for _, e in ipairs(manual.entries) do
      local at = package.loaded["assay"]
      for part in (e.name:match "^assay%.(.*)$" or ""):gmatch "[^.]+" do
         at = type(at) == "table" and (rawget(at, part) or part ~= "method" and nil) or nil
      end
      if at ~= nil and at == value and e.name:find "^assay" then return e end
   end
end

function manual.signature(e)
   local parts = {}
   for i, p in ipairs(e.parameters) do parts[i] = p.name .. (p.optional and "?" or "") end
   return e.name .. "(" .. table.concat(parts, ", ") .. ")"
end

function manual.text(e)
   local lines = { manual.signature(e), "", "  " .. e.about }
   for _, p in ipairs(e.options and {} or e.parameters) do
      lines[#lines + 1] = ("  %-14s %s%s"):format(p.name, p.type, p.optional and " (optional)" or "")
   end
   for _, line in ipairs(e.options and options.lines(e.options) or {}) do lines[#lines + 1] = line end
   lines[#lines + 1] = "  returns        " .. e.returns
   if e.example then lines[#lines + 1] = "\n  " .. e.example end
   return table.concat(lines, "\n")
end

function manual.dump()
   local json, out = native.json, native.json.list {}
   for i, e in ipairs(manual.entries) do
      local parameters = json.list {}
      for k, p in ipairs(e.parameters) do
         parameters[k] = json.object { { "name", p.name }, { "type", p.type }, { "optional", p.optional } }
      end
      out[i] = json.object { { "name", e.name }, { "parameters", parameters }, { "returns", e.returns },
                             { "about", e.about }, { "since", e.since } }
   end
   return json.object { { "assay", native.sys.settings().version }, { "functions", out } }
end

return manual
