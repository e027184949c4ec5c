#!/usr/bin/env python3
"""Compares how long assay and transformers take to load a checkpoint, in one run, with the file in the page cache.

Both then read one byte of every page of the loaded weights: transformers of all weights, assay of the linears.

    python3 tests/bench/peer_load.py build/bin/bench_load FOLDER [float32|bfloat16]
"""
import json
import subprocess
import sys
import time

import torch
import transformers


def main():
    program, folder = sys.argv[1:3]
    dtype = sys.argv[3] if len(sys.argv) > 3 else "float32"
    ours = json.loads(subprocess.run([program, folder, dtype], check=True, capture_output=True, text=True).stdout)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
        for parameter in model.parameters():
            parameter.detach().view(-1).view(torch.uint8)[::4096].sum()
        times.append(time.perf_counter() - start)
        del model
    print(f"load into use as {dtype}: {ours['seconds']:.3f} s, {ours['stored_bytes'] / 1e6:.0f} MB stored, "
          f"{ours['gb_per_s']:.1f} GB/s; transformers {min(times):.3f} s: {min(times) / ours['seconds']:.1f} x")


if __name__ == "__main__":
    main()
