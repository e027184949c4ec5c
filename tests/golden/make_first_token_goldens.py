#!/usr/bin/env python3
"""Writes tests/golden/first_token.json: scores and ids from a tokenizer that itself puts a token before each text.

    python3 tests/golden/make_first_token_goldens.py

Made with transformers 5.23.0 and tokenizers 0.23, fp32, eager attention. The model is models/llama-gqa-untied. Its tokenizer of
single characters is that of tests/lua/make_tiny.lua with CHANGES (`changes` in the file): a post-processor puts "~" (id 95) first.
Texts are encoded as the tokenizer does by default, except that a text which begins with "~" gets no second "~". Scores follow
lm-evaluation-harness 0.4.13 (api/model.py, _encode_pair; models/huggingface.py, tok_encode). For perplexity the whole text is
encoded once and cut into windows. "rolling" follows the harness's loglikelihood_rolling with one window whose first token is "~".
"""
import json
import os

import tokenizers
import torch
import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST, FIRST_ID = "~", 95
CHANGES = {
    "added_tokens": [{"id": FIRST_ID, "content": FIRST, "single_word": False, "lstrip": False, "rstrip": False,
                      "normalized": False, "special": True}],
    "post_processor": {"type": "TemplateProcessing",
                       "single": [{"SpecialToken": {"id": FIRST, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                       "pair": [{"SpecialToken": {"id": FIRST, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                {"Sequence": {"id": "B", "type_id": 1}}],
                       "special_tokens": {FIRST: {"id": FIRST, "ids": [FIRST_ID], "tokens": [FIRST]}}}}
SCORED = [("The sky is", [" blue", " x"]), ("The sky is ", ["blue"]), ("~The sky is", [" blue"]), ("", ["blue", "~blue"]),
          (" ", ["blue"])]
CONTINUED = ["The sky", "~The sky", "T"]
TEXT = "some text, and more of it. " * 12
WINDOW = 32


def tokenizer():
    vocab = {"Ċ": 0, "Ġ": 1, **{chr(byte): byte - 31 for byte in range(33, 127)}}
    file = {"version": "1.0", "normalizer": None, "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False, "byte_fallback": False,
                      "vocab": vocab, "merges": []}, **CHANGES}
    return tokenizers.Tokenizer.from_str(json.dumps(file))


TOKENIZER = tokenizer()
MODEL = transformers.AutoModelForCausalLM.from_pretrained(
    os.path.join(HERE, "models", "llama-gqa-untied"), dtype=torch.float32, attn_implementation="eager").eval()


def encode(text):
    return TOKENIZER.encode(text, add_special_tokens=not text.startswith(FIRST)).ids


@torch.no_grad()
def logprobs(ids):
    return MODEL(torch.tensor([ids])).logits[0].double().log_softmax(-1)


def score(context, continuation):
    if context == "":
        before, after = [FIRST_ID], TOKENIZER.encode(continuation, add_special_tokens=False).ids
        if after[0] == FIRST_ID:
            before, after = after[:1], after[1:]
    else:
        stripped = context.rstrip()
        continuation, context = context[len(stripped):] + continuation, stripped
        before = encode(context)
        after = encode(context + continuation)[len(before):]
    values = logprobs(before + after)
    sum_ = sum(values[len(before) - 1 + i, token].item() for i, token in enumerate(after))
    return {"sum": sum_, "tokens": len(after)}


def generated(prompt):
    ids = encode(prompt)
    out = MODEL.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=8,
                         do_sample=False, eos_token_id=None, pad_token_id=0)
    return out[0, len(ids):].tolist()


def windows(text):
    ids, out = encode(text), []
    for start in range(0, len(ids) - WINDOW + 1, WINDOW):
        part = ids[start:start + WINDOW]
        values = logprobs(part)
        out.append(-sum(values[i, part[i + 1]].item() for i in range(WINDOW - 1)) / (WINDOW - 1))
    return out


def rolling(text):
    ids = encode(text)
    values = logprobs(ids)
    return {"sum": sum(values[i, token].item() for i, token in enumerate(ids[1:])), "tokens": len(ids) - 1}


def main():
    out = {"made_with": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
           "changes": CHANGES,
           "scored": [{"context": context, "continuations": texts, "scores": [score(context, text) for text in texts]}
                      for context, texts in SCORED],
           "continued": [{"prompt": prompt, "ids": generated(prompt)} for prompt in CONTINUED],
           "text": TEXT, "window": WINDOW, "windows": windows(TEXT), "windows_begun": windows(FIRST + TEXT),
           "rolled": TEXT[:100], "rolling": rolling(TEXT[:100])}
    with open(os.path.join(HERE, "first_token.json"), "w", encoding="utf-8") as file:
        json.dump(out, file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
