-- The words by which protocols of tasks and keys of stages say how a text for a model begins: with the tokenizer's own first token
-- (such as <s>), once. lm-evaluation-harness has had this rule since 0.4.10. Here model:score, generate, perplexity and
-- encode { start = true } follow it.
return "the tokenizer's own, once"
