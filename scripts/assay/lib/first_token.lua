-- What a text begins with that a model reads, in the words of protocols and of keys of stages: lm-evaluation-harness' rule since
-- 0.4.10, kept by model:score, generate, perplexity and by encode { start = true }.
return "the tokenizer's own, once"
