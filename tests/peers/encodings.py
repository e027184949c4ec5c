#!/usr/bin/env python3
"""Encodes and decodes random texts in all writing systems with the tokenizers package and with assay, and compares ids and texts.

    python3 tests/peers/encodings.py ASSAY [--texts N] [--seed S] [FOLDER...]

Uses the small tokenizers of tests/golden/tokenizers, and those of each FOLDER with a tokenizer.json. Then the normalizers NFC,
Lowercase and Strip get every code point, alone and between a letter and an accent.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
try:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
except ImportError:
    print("skipped: no tokenizers package here")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "../golden/tokenizers")
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
POOLS = [range(32, 127), [9, 10, 13, 32, 0x85, 0xA0, 0x2028, 0x3000, 0x200B, 0x180E], range(0xA1, 0x250), range(0x300, 0x370),
         range(0x370, 0x600), range(0x900, 0xE00), range(0x1100, 0x1200), range(0xAC00, 0xAC80), range(0x4E00, 0x4F00),
         range(0x1F300, 0x1F700), range(0xFE00, 0xFF80), [0x200D, 0xFE0F, 0x1F3FB], range(0x660, 0x66A), range(0x2160, 0x2180)]
WORDS = [" the", "The", " don't", "'LL", "'\u017f", " 123456", "\r\n\r\n", "   ", "\n\n", "<|im_start|>", "<|endoftext|>", "</s>", "<s>",
         "\u2581", "a" * 50]


def random_text(source):
    parts = []
    for _ in range(source.randint(0, 12)):
        kind = source.random()
        if kind < 0.3:
            parts.append(source.choice(WORDS))
        elif kind < 0.9:
            pool = source.choice(POOLS)
            parts.append("".join(chr(source.choice(pool)) for _ in range(source.randint(1, 6))))
        else:
            parts.append(chr(source.choice(CODE_POINTS)))
    return "".join(parts)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False)
    return path


def case(scratch, name, folder, texts_path, texts):
    peer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    answers = os.path.join(scratch, name + ".answers")
    with open(answers, "w", encoding="utf-8", newline="") as f:
        for text in texts:
            ids = peer.encode(text, add_special_tokens=False).ids
            f.write(" ".join(map(str, ids)) + "\t" + json.dumps(peer.decode(ids), ensure_ascii=False) + "\n")
    return {"name": name, "folder": folder, "texts": texts_path, "answers": answers}


def normalizer_folder(scratch, name, normalizer):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    peer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    peer.normalizer, peer.decoder = normalizer, decoders.ByteLevel()
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    folder = os.path.join(scratch, name)
    os.makedirs(folder)
    peer.save(os.path.join(folder, "tokenizer.json"))
    return folder


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("assay")
    arguments.add_argument("folders", nargs="*")
    arguments.add_argument("--texts", type=int, default=20000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_intermixed_args()
    source = random.Random(given.seed)
    texts = [random_text(source) for _ in range(given.texts)]
    with tempfile.TemporaryDirectory() as scratch:
        texts_path = write_json(os.path.join(scratch, "texts.json"), texts)
        cases = []
        for file in sorted(os.listdir(GOLDEN)):
            golden = json.load(open(os.path.join(GOLDEN, file), encoding="utf-8"))
            if "tokenizer" in golden:
                folder = os.path.join(scratch, "golden", file[:-5])
                os.makedirs(folder)
                write_json(os.path.join(folder, "tokenizer.json"), golden["tokenizer"])
                cases.append(case(scratch, file[:-5], folder, texts_path, texts))
        for folder in given.folders:
            if os.path.exists(os.path.join(folder, "tokenizer.json")):
                cases.append(case(scratch, os.path.basename(os.path.normpath(folder)), folder, texts_path, texts))
        alone = [chr(c) + "|e" + chr(c) + "\u0301" for c in CODE_POINTS]
        alone_path = write_json(os.path.join(scratch, "alone.json"), alone)
        for name, normalizer in {"every NFC": normalizers.NFC(), "every Lowercase": normalizers.Lowercase(),
                                 "every Strip": normalizers.Strip()}.items():
            cases.append(case(scratch, name, normalizer_folder(scratch, name, normalizer), alone_path, alone))
        return subprocess.run([given.assay, "run", os.path.join(HERE, "encodings.lua"),
                               write_json(os.path.join(scratch, "cases.json"), cases)]).returncode


if __name__ == "__main__":
    sys.exit(main())
