#!/usr/bin/env python3
"""Compares a real model, given as GGUF, with transformers: token ids of some texts, and the perplexity of 257 tokens of a text.

usage: real_family.py ASSAY_LAB SOURCE_DIR MODEL.gguf TEXT

transformers runs the folder that assay imports from the file. It is run by hand, because the model is not a part of the repository.
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
    import transformers
except ImportError:
    print("skipped: no transformers")
    sys.exit(77)

LARGEST = 1e-3  # difference of a log probability


def main(assay_lab, source, model, text):
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([assay_lab, "run", f"{source}/tests/peers/real_family.lua", model, text, root], check=True)
        ours = json.loads(pathlib.Path(root, "ours.json").read_text())
        tokenizer = transformers.AutoTokenizer.from_pretrained(f"{root}/hf")
        theirs = [tokenizer(one)["input_ids"] for one in ours["texts"]]
        alike = sum(a == b for a, b in zip(theirs, ours["encoded"]))
        reference = transformers.AutoModelForCausalLM.from_pretrained(f"{root}/hf", dtype=torch.float32,
                                                                      attn_implementation="eager").eval()
        ids = torch.tensor([ours["ids"]])
        with torch.no_grad():
            logprobs = torch.log_softmax(reference(ids).logits[0, :-1].double(), -1)
        found = logprobs.gather(1, ids[0, 1:, None])[:, 0].tolist()
    worst = max(abs(a - b) for a, b in zip(found, ours["logprobs"]))
    perplexity = [math.exp(-sum(row) / len(row)) for row in (ours["logprobs"], found)]
    print(f"{alike} of {len(theirs)} texts have the same ids; perplexity {perplexity[0]:.5f} here, {perplexity[1]:.5f} there; "
          f"largest difference of a log probability {worst:.1e}")
    return 0 if alike == len(theirs) and worst < LARGEST else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
