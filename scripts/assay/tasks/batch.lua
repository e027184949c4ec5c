-- Many requests to whatever answers: a loaded model takes them in one go and computes what they share once; anything else
-- that can score and generate is asked one by one. Not the engine (host/engine) and not prompts (prompting.lua).

local many = {}

-- requests: { { context, continuations }, ... } -> one list of scores per request.
function many.score(m, requests)
  if m.score_many then return (m:score_many(requests)) end
  local all = {}
  for i, request in ipairs(requests) do all[i] = m:score(request.context, request.continuations) end
  return all
end

-- prompts, options of generate with `seeds`, one per prompt -> answers in order.
function many.generate(m, prompts, options)
  if m.generate_many then return (m:generate_many(prompts, options)) end
  local all, own = {}, {}
  for key, value in pairs(options) do own[key] = value end
  own.seeds = nil
  for i, prompt in ipairs(prompts) do
    own.seed = options.seeds and options.seeds[i]
    all[i] = m:generate(prompt, own)
  end
  return all
end

return many
