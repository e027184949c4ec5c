#!/usr/bin/env python3
"""Compares the CPU seconds of the same quantization by assay and by a peer, on the same model and tokens, one after the other.

  quantize_compare.py ASSAY_LAB FOLDER TEXT gptq|gptqmodel|awq|autoround [--sequences N] [--length L] [--iterations I] [--float32]

FOLDER: a Hugging Face folder (assay import). TEXT: a UTF-8 file; its tokens are cut into N sequences of L. Peers:
- gptq (columns in order of activation, grids fitted before the first column is rounded) and awq: llm-compressor;
- gptqmodel: GPTQModel, its packing included, compared with our gptq;
- autoround: auto-round. The time of one iteration is (time of 2 I iterations - time of I iterations) / I, so that the time for
  collecting inputs and packing cancels.
Weights of 4 bits, groups of 64, symmetric. Both sides compute in fp32, autoround in bfloat16 without --float32. Loading and saving
are not counted on either side.
"""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import quantize_peers as peers
import transformers


def ours(lab, job, folder):
    path = Path(folder) / "job.json"
    path.write_text(json.dumps(job))
    script = Path(__file__).with_suffix(".lua")
    said = subprocess.run([lab, "run", script, "--quiet", "--set", f"job={path}"], check=True, capture_output=True, text=True)
    return float(said.stdout.split("cpu_seconds ")[1].split()[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lab")
    parser.add_argument("folder")
    parser.add_argument("text")
    parser.add_argument("method", choices=["gptq", "gptqmodel", "awq", "autoround"])
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--float32", action="store_true")
    options = parser.parse_args()

    tokenizer = transformers.AutoTokenizer.from_pretrained(options.folder)
    flat = tokenizer(Path(options.text).read_text(encoding="utf-8"), add_special_tokens=False)["input_ids"]
    length = options.length
    ids = [flat[i * length:(i + 1) * length] for i in range(options.sequences)]
    if len(ids[-1]) < length:
        raise SystemExit(f"{options.text} has {len(flat)} tokens, {options.sequences} x {length} are needed")
    method = "gptq" if options.method == "gptqmodel" else options.method
    job = {"model": options.folder, "method": method, "options": {"bits": 4, "group": 64}, "ids": ids}
    with tempfile.TemporaryDirectory() as scratch:
        if options.method == "autoround":
            def by(seconds):
                few, many = (seconds(n) for n in (options.iterations, 2 * options.iterations))
                return (many - few) / options.iterations

            def lab_seconds(n):
                knobs = {"iterations": n, "compute": "float32" if options.float32 else "bfloat16"}
                return ours(options.lab, {**job, "options": {**job["options"], **knobs}}, scratch)

            def peer_seconds(n):
                return peers.auto_round(options.folder, ids, n, mixed_precision=not options.float32)[1]
            mine, theirs = by(lab_seconds), by(peer_seconds)
            what = "CPU s of one iteration over all blocks"
        else:
            mine = ours(options.lab, job, scratch)
            if options.method == "gptqmodel":
                theirs = peers.gptq_model(options.folder, ids)[1]
            else:
                theirs = peers.llm_compressor(options.method, options.folder, ids)[1]
            what = "CPU s"
    print(f"{options.method}, {len(ids)} x {length} tokens: {mine:.1f} {what} here, {theirs:.1f} there: {theirs / mine:.2f} times")


main()
