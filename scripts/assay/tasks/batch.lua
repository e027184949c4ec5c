-- Scores or generates a list of requests, in one batch if the model can do that (then a prefix that requests share is computed once),
-- else one by one. The model may be any object with `score` and `generate`, so that tests can use a small stand-in.

local batch = {}

-- requests: { { context, continuations }, ... }. Returns for each request a list with one score for each continuation: { sum, ... },
-- where sum is its log-likelihood in nats.
function batch.score(m, requests)
   if m.score_many then return (m:score_many(requests)) end
   local all = {}
   for i, request in ipairs(requests) do all[i] = m:score(request.context, request.continuations) end
   return all
end

-- options: those of model:generate, and `seeds`, one for each prompt. Returns the answers in the order of the prompts.
function batch.generate(m, prompts, options)
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

return batch
