#!/usr/bin/env python3
"""Makes wikitext2.json: the cross-entropy of SmolLM2 on the first windows of WikiText-2 (test), computed by transformers in fp32
with eager attention. Not run by the tests.

  make_wikitext_golden.py FOLDER wiki.test.raw [WINDOWS]     FOLDER made by `assay import GGUF FOLDER`

The text is the unchanged file, in windows of 2048 tokens without special tokens. Only hashes and numbers are stored, not the text.
"""
import hashlib
import json
import math
import sys
from pathlib import Path

import torch
import transformers


def main(folder, file, n_windows):
    data = Path(file).read_bytes()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(data.decode(), add_special_tokens=False, return_tensors="pt").input_ids[0]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                              attn_implementation="eager").eval()
    windows = []
    with torch.no_grad():
        for w in range(n_windows):
            row = ids[w * 2048:(w + 1) * 2048].unsqueeze(0)
            hidden = model.model(row).last_hidden_state[0, :-1]
            nll = [torch.nn.functional.cross_entropy(model.lm_head(part), target, reduction="none").double()
                   for part, target in zip(hidden.split(256), row[0, 1:].split(256))]
            windows.append(torch.cat(nll).mean().item())
            print(w, windows[-1], flush=True)
    golden = {"source": "WikiText-2 raw, test split, wiki.test.raw", "sha256": hashlib.sha256(data).hexdigest(),
              "tokens": len(ids), "window": 2048, "cross_entropy": windows,
              "ppl": math.exp(sum(windows) / len(windows)),
              "versions": {"torch": torch.__version__, "transformers": transformers.__version__}}
    Path(__file__).with_name("wikitext2.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 4)
