#!/usr/bin/env python3
"""Writes tests/golden/folders.json: how transformers reads the files of a model folder that describe its tokenizer.

    python3 tests/golden/make_folder_goldens.py

Made with transformers 5.23.0 and tokenizers 0.23. Each case is a folder with the files of `base` (a tiny byte-level
tokenizer). The case's `files` replace some of these files or are added; null removes a file. The answers come from
AutoTokenizer.from_pretrained:
- for each text, its ids with special tokens (`ids`), without special tokens (`plain`), and with only the special tokens
  that stand before the text (`start`). As in lm-evaluation-harness 0.4.13, `start` equals `plain` where the text itself
  begins with the first token;
- the ids of special tokens, the size of the vocabulary, and the special tokens by name;
- a rendered conversation with and without tools, or null where transformers refuses it.
`chats` has messages with null values, and the text that transformers renders for them with the template `probe`.
"""
import json
import os
import tempfile

import tokenizers
import transformers
from tokenizers import pre_tokenizers

HERE = os.path.dirname(os.path.abspath(__file__))
SPECIAL = ["<|bos|>", "<|im_start|>", "<|im_end|>", "<pad>"]
TEXTS = ["the king", "<|bos|>the king", "<think>a</think> the king<|img|>", "a <|im_end|> b<|im_start|>", "",
         " <|bos|>x<|new|><|eot|> <tool>"]
TOOLS = [{"type": "function", "function": {"name": "clock"}}]


def added(token_id, content, **flags):
    return {"id": token_id, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True, **flags}


def base_tokenizer():
    vocab = {token: i for i, token in enumerate(SPECIAL)}
    for token in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocab[token] = len(vocab)
    for merged in ("th", "the", "in"):
        vocab[merged] = len(vocab)
    first = {"SpecialToken": {"id": "<|bos|>", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None,
        "added_tokens": [added(i, token) for i, token in enumerate(SPECIAL)],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "TemplateProcessing", "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [first, {"Sequence": {"id": "A", "type_id": 0}},
                                    {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<|bos|>": {"id": "<|bos|>", "ids": [0], "tokens": ["<|bos|>"]}}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": ["t h", "th e", "i n"]}}


BASE = base_tokenizer()
NAMES = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|bos|>", "eos_token": "<|im_end|>",
         "pad_token": "<pad>"}
NEXT = len(BASE["model"]["vocab"])


def config(**more):
    return {**NAMES, **more}


def flags(content, **more):
    entry = added(0, content, **more)
    del entry["id"]
    return entry


def tokenizer(**changes):
    return {**BASE, **changes}


DECODER = {"added_tokens_decoder": {str(i): flags(token) for i, token in enumerate(SPECIAL)}}
THINK = {"<think>": NEXT, "</think>": NEXT + 1}
LEGACY = {"tokenizer.json": None,
          "vocab.json": BASE["model"]["vocab"], "merges.txt": "#version: 0.2\nt h\nth e\ni n\n"}


def legacy(**more):
    return {**LEGACY, "tokenizer_config.json": more}


def printing(name):
    return name + "{% for m in messages %}[{{ m.role }}:{{ m.content }}]{% endfor %}"


CASES = {
    # added tokens
    "nothing beside": {},
    "no tokenizer_config.json": {"tokenizer_config.json": None},
    "added_tokens.json": {"added_tokens.json": THINK},
    "added_tokens.json with a token that a name calls special":
        {"added_tokens.json": THINK, "tokenizer_config.json": config(eos_token="</think>")},
    "added_tokens.json with a token that the extra ones call special":
        {"added_tokens.json": THINK, "tokenizer_config.json": config(extra_special_tokens=["<think>"])},
    "added_tokens.json that repeats tokenizer.json": {"added_tokens.json": {"<|im_start|>": 1, "<pad>": 3}},
    "added_tokens.json with another id than tokenizer.json": {"added_tokens.json": {"<|im_start|>": NEXT}},
    "added_tokens.json with a token of the vocabulary": {"added_tokens.json": {"the": BASE["model"]["vocab"]["the"]}},
    "added_tokens.json beside added_tokens_decoder is not read":
        {"added_tokens.json": THINK, "tokenizer_config.json": config(**DECODER)},
    "added_tokens.json beside an empty added_tokens_decoder is not read":
        {"added_tokens.json": THINK, "tokenizer_config.json": config(added_tokens_decoder={})},
    "added_tokens_decoder adds and its flags win":
        {"tokenizer_config.json": config(added_tokens_decoder={
            **DECODER["added_tokens_decoder"], "2": flags("<|im_end|>", lstrip=True, rstrip=True),
            str(NEXT): flags("<think>", special=False)})},
    # special tokens without a name
    "extra_special_tokens, a list": {"tokenizer_config.json": config(extra_special_tokens=["<|im_start|>", "<|img|>"])},
    "extra_special_tokens, a list of objects":
        {"tokenizer_config.json": config(extra_special_tokens=[
            {"__type": "AddedToken", **flags("<|img|>", lstrip=True)},
            {"__type": "AddedToken", **flags("<think>", special=False, normalized=True)}])},
    "extra_special_tokens, an object": {"tokenizer_config.json": config(extra_special_tokens={"image": "<|img|>"})},
    "extra_special_tokens, an object with flags":
        {"tokenizer_config.json": config(extra_special_tokens={
            "image_token": {"__type": "AddedToken", **flags("<|img|>", lstrip=True)}, "new": "<|new|>"})},
    "extra_special_tokens, empty": {"tokenizer_config.json": config(extra_special_tokens=[])},
    "extra_special_tokens, null": {"tokenizer_config.json": config(extra_special_tokens=None)},
    "additional_special_tokens": {"tokenizer_config.json": config(additional_special_tokens=["<|im_start|>", "<|img|>"])},
    "additional_special_tokens beside extra ones are not read":
        {"tokenizer_config.json": config(additional_special_tokens=["<|img|>"], extra_special_tokens=["<|new|>"])},
    "additional_special_tokens beside empty extra ones":
        {"tokenizer_config.json": config(additional_special_tokens=["<|img|>"], extra_special_tokens=[])},
    "additional_special_tokens with added_tokens_decoder":
        {"tokenizer_config.json": config(additional_special_tokens=["<|img|>"], **DECODER)},
    # special tokens by name
    "a named token that nobody has": {"tokenizer_config.json": config(eos_token="<|eot|>", pad_token="<|new|>")},
    "named tokens that nobody has get their ids in the reference's order":
        {"tokenizer_config.json": {"tool_token": "<tool>", "pad_token": "<|new|>", "bos_token": "<|bos|>",
                                   "eos_token": "<|eot|>", "extra_special_tokens": ["<|img|>"]}},
    "a named token of the vocabulary that is not added":
        {"tokenizer.json": tokenizer(added_tokens=BASE["added_tokens"][:1]),
         "tokenizer_config.json": config(additional_special_tokens=["<|im_start|>"])},
    "a named token with flags":
        {"tokenizer_config.json": config(eos_token={"__type": "AddedToken", **flags("<|eot|>", lstrip=True, special=False)})},
    "a named token that tokenizer.json has with other flags":
        {"tokenizer_config.json": config(eos_token={"__type": "AddedToken", **flags("<|im_end|>", lstrip=True)})},
    "a token with a name of the model's own": {"tokenizer_config.json": config(image_token="<|img|>")},
    "names of special_tokens_map.json win":
        {"special_tokens_map.json": {"eos_token": "<|eot|>", "pad_token": flags("<|new|>", lstrip=True)}},
    "special_tokens_map.json beside added_tokens_decoder is not read":
        {"special_tokens_map.json": {"eos_token": "<|eot|>"}, "tokenizer_config.json": config(**DECODER)},
    "special_tokens_map.json with additional tokens":
        {"special_tokens_map.json": {**{k: v for k, v in NAMES.items() if k != "tokenizer_class"},
                                     "additional_special_tokens": ["<|img|>"]}},
    "special_tokens_map.json with extra tokens":
        {"special_tokens_map.json": {"extra_special_tokens": [{"content": "<|img|>", "lstrip": True}, "<|new|>"]},
         "tokenizer_config.json": config(extra_special_tokens=["<think>"])},
    "special_tokens_map.json with an object of extra tokens":
        {"special_tokens_map.json": {"extra_special_tokens": {"image": "<|img|>"}}},
    "additional tokens of special_tokens_map.json beside those of tokenizer_config.json are not read":
        {"special_tokens_map.json": {"additional_special_tokens": ["<|img|>"]},
         "tokenizer_config.json": config(additional_special_tokens=["<|new|>"])},
    # special tokens that are text
    "split_special_tokens": {"tokenizer_config.json": config(split_special_tokens=True)},
    "split_special_tokens keeps other added tokens":
        {"tokenizer_config.json": config(split_special_tokens=True), "added_tokens.json": THINK},
    "split_special_tokens looks for nothing inside them":
        {"tokenizer_config.json": config(split_special_tokens=True, extra_special_tokens=["<think>a"]),
         "added_tokens.json": {"<think>": NEXT, "k>": NEXT + 1, "a<": NEXT + 2}},
    "split_special_tokens looks for nothing inside a special token":
        {"tokenizer_config.json": config(split_special_tokens=True, added_tokens_decoder={
            str(NEXT): flags("<think>a"), str(NEXT + 1): flags("<think>", special=False),
            str(NEXT + 2): flags("</think>", special=False)})},
    # first and last tokens
    "add_bos_token beside tokenizer.json is not read":
        {"tokenizer.json": tokenizer(post_processor=None),
         "tokenizer_config.json": config(add_bos_token=True, add_eos_token=True)},
    "add_bos_token false beside tokenizer.json is not read":
        {"tokenizer_config.json": config(add_bos_token=False)},
    "vocab.json of GPT-2": legacy(tokenizer_class="GPT2Tokenizer"),
    "vocab.json of GPT-2 with a first token":
        legacy(tokenizer_class="GPT2TokenizerFast", add_bos_token=True, bos_token="<|bos|>", eos_token="<|im_end|>"),
    "vocab.json of GPT-2 with a first and a last token":
        legacy(tokenizer_class="GPT2Tokenizer", add_bos_token=True, add_eos_token=True, bos_token="<|bos|>",
               eos_token="<|im_end|>"),
    "vocab.json of GPT-2 with added_tokens.json":
        {**legacy(tokenizer_class="GPT2Tokenizer", unk_token="<pad>", bos_token="<|bos|>", eos_token="<|im_end|>"),
         "added_tokens.json": THINK},
    "vocab.json of Qwen2": legacy(tokenizer_class="Qwen2Tokenizer"),
    "vocab.json of Qwen2 with added_tokens.json":
        {**legacy(tokenizer_class="Qwen2Tokenizer", eos_token="<|im_end|>", pad_token="<pad>", unk_token=None,
                  additional_special_tokens=["<|im_start|>", "<|img|>"]),
         "added_tokens.json": THINK},
    # chat templates
    "a template in the key": {"tokenizer_config.json": config(chat_template=printing("key"))},
    "a template in a file": {"chat_template.jinja": printing("file")},
    "a template's file wins over the key":
        {"chat_template.jinja": printing("file"), "tokenizer_config.json": config(chat_template=printing("key"))},
    "a template's file wins over a list in the key":
        {"chat_template.jinja": printing("file"),
         "tokenizer_config.json": config(chat_template=[{"name": "default", "template": printing("key")},
                                                        {"name": "tool_use", "template": printing("key with tools")}])},
    "templates in a list": {"tokenizer_config.json": config(chat_template=[
        {"name": "default", "template": printing("default")}, {"name": "tool_use", "template": printing("tools")},
        {"name": "rag", "template": printing("rag")}])},
    "templates in a list without a default": {"tokenizer_config.json": config(chat_template=[
        {"name": "tool_use", "template": printing("tools")}, {"name": "rag", "template": printing("rag")}])},
    "templates in an object": {"tokenizer_config.json": config(
        chat_template={"default": printing("default"), "tool_use": printing("tools")})},
    "a template of no name for tools": {"tokenizer_config.json": config(
        chat_template={"default": printing("default"), "rag": printing("rag")})},
    "templates in files": {"chat_template.jinja": printing("file"),
                           "additional_chat_templates/tool_use.jinja": printing("tools file"),
                           "tokenizer_config.json": config(chat_template=printing("key"))},
    "further templates alone make the key forgotten": {
        "additional_chat_templates/tool_use.jinja": printing("tools file"),
        "tokenizer_config.json": config(chat_template=printing("key"))},
    "a further template named default wins": {
        "chat_template.jinja": printing("file"), "additional_chat_templates/default.jinja": printing("further")},
    "chat_template.json is not read": {"chat_template.json": {"chat_template": printing("processor")}},
    "a template that names tokens": {"tokenizer_config.json": config(
        chat_template="{{ bos_token }}{{ image }}{{ image_token }}{{ audio_token }}{{ eos_token }}{{ unk_token }}",
        extra_special_tokens={"image": "<|img|>"}, audio_token="<|new|>")},
}

CHATS = {
    "content null": [{"role": "assistant", "content": None, "tool_calls": [{"name": "clock", "arguments": None}]}],
    "every key null": [{"role": "user", "content": None, "name": None, "tool_calls": None}],
    "nulls that lie deeper": [{"role": "user", "content": [{"type": "text", "text": None}], "extra": {"a": None}}],
    "reasoning null": [{"role": "assistant", "content": "x", "reasoning_content": None, "thinking": "t"}],
    "all reasoning null": [{"role": "assistant", "content": "x", "reasoning": None, "thinking": None}],
    "nothing null": [{"role": "user", "content": ""}],
}
PROBE = ("{% for m in messages %}{{ m | tojson }}|{{ m.content }}|{{ m.content is defined }}|{{ m['tool_calls'] is none }}|"
         "{{ m.content is string }}|{{ 'content' in m }}|{{ m.thinking is defined }}{% endfor %}")


def write(folder, files):
    os.makedirs(folder)
    for name, value in files.items():
        if value is None:
            continue
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(value if isinstance(value, str) else json.dumps(value))


def rendered(tok, **how):
    try:
        return tok.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False, **how)
    except ValueError:
        return None


def start_of(tok, text):
    x = tok.encode("x", add_special_tokens=False)
    before = tok.encode("x")[:tok.encode("x").index(x[0])]
    plain = tok.encode(text, add_special_tokens=False)
    first = tok.convert_ids_to_tokens(before[0]) if before else None
    assert first is None or tok.bos_token in (first, None)
    if first is not None and text.startswith(first):
        return plain
    assert tok.encode(text)[:len(before + plain)] == before + plain
    return before + plain


def answers(folder):
    tok = transformers.AutoTokenizer.from_pretrained(folder)
    return {"texts": [{"text": text, "ids": tok.encode(text), "plain": tok.encode(text, add_special_tokens=False),
                       "start": start_of(tok, text)} for text in TEXTS],
            "special": [i for i, token in sorted(tok.added_tokens_decoder.items()) if token.special],
            "size": len(tok), "names": tok.special_tokens_map,
            "chat": rendered(tok), "chat_with_tools": rendered(tok, tools=TOOLS)}


def main():
    base = {"config.json": {"model_type": "llama", "architectures": ["LlamaForCausalLM"]},
            "tokenizer.json": BASE, "tokenizer_config.json": NAMES}
    out = {"made_with": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
           "base": base, "tools": TOOLS, "cases": [], "probe": PROBE, "chats": []}
    with tempfile.TemporaryDirectory() as root:
        for i, (name, files) in enumerate(CASES.items()):
            folder = os.path.join(root, str(i))
            write(folder, {**base, **files})
            print(name)
            out["cases"].append({"name": name, "files": files, **answers(folder)})
        tok = transformers.AutoTokenizer.from_pretrained(os.path.join(root, "0"))
        for name, messages in CHATS.items():
            out["chats"].append({"name": name, "messages": messages, "text": tok.apply_chat_template(
                messages, chat_template=PROBE, tokenize=False)})
    with open(os.path.join(HERE, "folders.json"), "w", encoding="utf-8") as file:
        lines = []
        for key, value in out.items():
            if key in ("cases", "chats"):
                rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in value)
                lines.append(f"{json.dumps(key)}: [\n{rows}\n]")
            else:
                lines.append(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
