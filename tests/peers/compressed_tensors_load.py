#!/usr/bin/env python3
"""Peer test: transformers + compressed-tensors load a folder that assay wrote and give our fake-quant logits.

usage: compressed_tensors_load.py FOLDER IDS.json LOGITS.safetensors
FOLDER is a saved model, IDS.json a list of token ids, LOGITS our fp32 logits [tokens, vocab] under "logits" for it.
Prints the largest difference relative to the largest logit; exit code 1 above 2e-4, 77 (skipped) without the packages.
"""
import json
import sys

try:
    import compressed_tensors
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

TOLERANCE = 2e-4  # of the exactness goal: fp32 against eager transformers


def main(folder, ids_file, logits_file):
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.tensor([json.load(open(ids_file))])
    with torch.no_grad():
        theirs = model(ids).logits[0].float()
    ours = load_file(logits_file)["logits"]
    difference = (theirs - ours).abs().max().item() / ours.abs().max().item()
    print(f"transformers {transformers.__version__}, compressed-tensors {compressed_tensors.__version__}: "
          f"largest relative difference {difference:.2e}, "
          f"same argmax {(theirs.argmax(-1) == ours.argmax(-1)).float().mean().item():.4f}")
    return 0 if difference <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
