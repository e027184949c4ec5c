#!/usr/bin/env python3
"""Compares how long transformers and our bench_model take for the prefill (forward pass) of
2048 tokens. The two run in turn.

  peer_prefill.py FOLDER [ROUNDS]     FOLDER: a Hugging Face model folder; needs torch and transformers.

Both run in float32, without the head. Prints wall seconds, and CPU seconds per thread, which other work on the machine changes less.
"""
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import torch  # noqa: E402  (must come after the environment variable)
import transformers  # noqa: E402

BENCH = Path(__file__).resolve().parents[2] / "build" / "bin" / "bench_model"


def main(folder, rounds):
    threads = torch.get_num_threads()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.randint(0, model.config.vocab_size, (1, 2048))
    ratios = []
    with torch.no_grad():
        model.model(ids)
        for _ in range(rounds):
            wall, cpu = time.perf_counter(), time.process_time()
            model.model(ids)
            wall, cpu = time.perf_counter() - wall, (time.process_time() - cpu) / threads
            out = subprocess.run([BENCH, folder, "once"], capture_output=True, text=True, check=True).stdout
            ours = [float(v) for v in re.search(r"once: ([\d.]+) wall ([\d.]+) cpu", out).groups()]
            ratios.append(cpu / ours[1])
            print(f"transformers {wall:.2f} s wall {cpu:.2f} s CPU | assay {ours[0]:.2f} s wall {ours[1]:.2f} s CPU "
                  f"| ratio by CPU {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f} (transformers {transformers.__version__}, "
          f"torch {torch.__version__}, {threads} threads)")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
