#!/usr/bin/env python3
"""Compares the perplexity of the same recipe by assay and by a peer, with the same model and calibration tokens, on two texts.

  quantize_quality.py ASSAY_LAB FOLDER DATA METHOD... [--sequences N] [--wikitext W] [--gsm8k G] [--bits B]

FOLDER: a Hugging Face folder (assay import). DATA: datasets in the folders of the Hugging Face hub. METHOD and its peer: rtn gptq
awq w8a8 smoothquant (llm-compressor), gptqmodel (our gptq and GPTQModel), opt_rtn autoround (auto-round), hqq (hqq).
Calibration: N sequences of 512 tokens, three quarters from GSM8K train and one quarter from ARC-Easy train.
Evaluation: the first W windows of 2048 tokens of WikiText-2 test (rows joined by blank lines), and the first G windows of 1024
tokens of GSM8K test. Each side evaluates its own model on these ids in fp32. The ratio of the perplexities has a 95 % interval,
by a paired bootstrap over windows.
"""
import argparse
import json
import math
import random
import subprocess
import tempfile
from pathlib import Path

import pyarrow.parquet as parquet
import quantize_peers as peers
import torch
import transformers

OURS = {  # METHOD: (our method, its options)
    "rtn": ("rtn", {"bits": 4, "group": 64}),
    "gptq": ("gptq", {"bits": 4, "group": 64}),
    "gptqmodel": ("gptq", {"bits": 4, "group": 64}),
    "awq": ("awq", {"bits": 4, "group": 64}),
    "opt_rtn": ("opt_rtn", {"bits": 4, "group": 64}),
    "autoround": ("autoround", {"bits": 4, "group": 64, "iterations": 50}),
    "hqq": ("hqq", {"bits": 4, "group": 64}),
    "w8a8": ("rtn", {"scheme": "w8a8"}),
    "smoothquant": ("smoothquant", {"alpha": 0.8}),
}
DATA_FREE = {"rtn", "hqq", "w8a8"}


def rows(data, folder, split, *columns):
    for file in sorted((Path(data) / folder).glob(f"{split}-*.parquet")):
        table = parquet.read_table(file, columns=list(columns))
        yield from zip(*(table[column].to_pylist() for column in columns))


def gsm8k_text(data, split):
    return "\n\n".join(f"{question}\n{answer}" for question, answer in rows(data, "openai/gsm8k/main", split, "question", "answer"))


def calibration_ids(tokenizer, data, sequences, length=512):
    arc = "\n\n".join(f"{question}\n" + "\n".join(choices["text"])
                      for question, choices in rows(data, "allenai/ai2_arc/ARC-Easy", "train", "question", "choices"))
    chosen, draw = [], random.Random(42)
    for text, n in ((gsm8k_text(data, "train"), sequences * 3 // 4), (arc, sequences - sequences * 3 // 4)):
        flat = tokenizer(text, add_special_tokens=False)["input_ids"]
        chosen += [flat[at * length:(at + 1) * length] for at in draw.sample(range(len(flat) // length), n)]
    return chosen


def test_texts(tokenizer, data, wikitext, gsm8k):
    articles = "\n\n".join(row for (row,) in rows(data, "Salesforce/wikitext/wikitext-2-raw-v1", "test", "text"))
    wanted = (("WikiText-2", articles, 2048, wikitext), ("GSM8K text", gsm8k_text(data, "test"), 1024, gsm8k))
    return [{"name": name, "window": window, "ids": tokenizer(text, add_special_tokens=False)["input_ids"][:n * window]}
            for name, text, window, n in wanted]


def our_losses(lab, job):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        said = subprocess.run([lab, "run", Path(__file__).with_suffix(".lua"), "--quiet", "--set", f"job={file.name}"],
                              check=True, capture_output=True, text=True).stdout
    return json.loads(said.split("losses ")[1])


@torch.no_grad()
def their_losses(model, texts):
    model.eval()
    found = {}
    for text in texts:
        size, losses = text["window"], []
        for first in range(0, len(text["ids"]), size):
            ids = torch.tensor([text["ids"][first:first + size]])
            logits = model(ids).logits[0, :-1].float()
            losses.append(torch.nn.functional.cross_entropy(logits, ids[0, 1:]).item())
        found[text["name"]] = losses
    return found


def quantized_by_peer(method, folder, ids, bits):
    if method in ("opt_rtn", "autoround"):
        return peers.auto_round(folder, ids, 50 if method == "autoround" else 0, bits)[0]
    if method == "gptqmodel":
        return peers.gptq_model(folder, ids, bits)[0]
    if method == "hqq":
        return peers.hqq(folder, bits)[0]
    return peers.llm_compressor(method, folder, ids, bits)[0]


def mean(values):
    return sum(values) / len(values)


def ratio_interval(ours, theirs, draws=10000):
    differences, draw = [a - b for a, b in zip(ours, theirs)], random.Random(1)
    drawn = sorted(mean(draw.choices(differences, k=len(differences))) for _ in range(draws))
    return [math.exp(x) - 1 for x in (mean(differences), drawn[draws // 40], drawn[-draws // 40])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab")
    parser.add_argument("folder")
    parser.add_argument("data")
    parser.add_argument("methods", nargs="+", choices=sorted(OURS))
    parser.add_argument("--sequences", type=int, default=64)
    parser.add_argument("--wikitext", type=int, default=16)
    parser.add_argument("--gsm8k", type=int, default=12)
    parser.add_argument("--bits", type=int, default=4)
    options = parser.parse_args()

    tokenizer = transformers.AutoTokenizer.from_pretrained(options.folder)
    ids = calibration_ids(tokenizer, options.data, options.sequences)
    texts = test_texts(tokenizer, options.data, options.wikitext, options.gsm8k)
    job = {"model": options.folder, "method": "none", "options": {}, "ids": [], "texts": texts}
    plain = our_losses(options.lab, job)
    print("| method | text | fp32 | here | there | here / there |\n|---|---|---|---|---|---|", flush=True)
    for name in options.methods:
        method, knobs = OURS[name]
        if "bits" in knobs:
            knobs = {**knobs, "bits": options.bits}
        ours = our_losses(options.lab, {**job, "method": method, "options": knobs, "ids": [] if name in DATA_FREE else ids})
        theirs = their_losses(quantized_by_peer(name, options.folder, ids, options.bits), texts)
        for text in (text["name"] for text in texts):
            base, here, there = (mean(losses[text]) for losses in (plain, ours, theirs))
            change, low, high = ratio_interval(ours[text], theirs[text])
            print(f"| {name} | {text} | {math.exp(base):.2f} | {math.exp(here):.2f} ({math.exp(here - base) - 1:+.1%}) | "
                  f"{math.exp(there):.2f} ({math.exp(there - base) - 1:+.1%}) | {change:+.2%} [{low:+.2%}, {high:+.2%}] |", flush=True)


main()
