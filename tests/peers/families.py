#!/usr/bin/env python3
"""Lets transformers with compressed-tensors load quantized models of all families that we wrote, and compares logits with ours.

usage: families.py ASSAY_LAB SOURCE_DIR
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import compressed_tensors  # noqa: F401 (transformers uses it)
    import torch
    import transformers
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

TOLERANCE = 2e-4  # the largest allowed difference, relative to the largest logit


def difference(case):
    model = transformers.AutoModelForCausalLM.from_pretrained(case["folder"], dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        theirs = model(torch.tensor([case["ids"]])).logits[0, -1].float()
    ours = torch.tensor(case["logits"])
    return ((ours - theirs).abs().max() / ours.abs().max()).item()


def main(assay_lab, source):
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    failed = 0
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([assay_lab, "run", "--quiet", f"{source}/tests/peers/families.lua", root], check=True)
        for case in json.loads(pathlib.Path(root, "expected.json").read_text()):
            worst = difference(case)
            print(f"{'ok  ' if worst < TOLERANCE else 'FAIL'} {pathlib.Path(case['folder']).name}: {worst:.1e}", flush=True)
            failed += worst >= TOLERANCE
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
