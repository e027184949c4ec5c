#!/usr/bin/env python3
"""Compares our GGUF files with llama-quantize's own, through llama.cpp: perplexity of both files by llama-perplexity, paired by window.

usage: gguf_quality.py ASSAY LLAMA_BIN OUT --data DIR [--model MODEL] [--types q4_0,...] [--variants plain,best,allotted] [--windows 32]
LLAMA_BIN: a folder with llama-quantize, llama-imatrix and llama-perplexity. OUT: a folder for all files; files that are there are kept.
Both sides start from one file of float32 weights and get the same calibration tokens (gguf_quality.lua). llama-quantize runs with an
importance matrix and its own choice of types. The intervals are Student's t intervals of the mean difference of losses by window.
"""
import argparse
import math
import pathlib
import re
import subprocess
import sys

NAMES = {"q4_0": "Q4_0", "q4_k_m": "Q4_K_M", "q4_k_s": "Q4_K_S", "iq4_xs": "IQ4_XS", "iq4_nl": "IQ4_NL", "q3_k_m": "Q3_K_M",
         "q3_k_l": "Q3_K_L", "q3_k_s": "Q3_K_S", "q2_k": "Q2_K", "q5_k_m": "Q5_K_M", "q6_k": "Q6_K", "q8_0": "Q8_0"}
TEXTS = ["wikitext2", "gsm8k"]
T975 = {7: 2.365, 15: 2.131, 23: 2.069, 31: 2.040, 47: 2.012, 63: 1.998}  # Student's t for these degrees of freedom


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def losses(llama, file, text, windows, length, threads):
    """The mean loss of each window; kept beside the file."""
    kept = file.parent / f"{file.name}.{text.stem}.{windows}x{length}.txt"
    if not kept.exists():
        out = run(llama / "llama-perplexity", "-m", file, "-f", text, "-c", length, "-b", length, "--chunks", windows, "-t", threads)
        kept.write_text(out)
    # llama-perplexity prints the perplexity of all windows so far.
    running = [float(value) for value in re.findall(r"\[\d+\]([0-9.]+)", kept.read_text())]
    if len(running) != windows:
        sys.exit(f"{file} on {text}: {len(running)} windows in place of {windows}")
    sums = [0.0] + [math.log(value) * (i + 1) for i, value in enumerate(running)]
    return [after - before for before, after in zip(sums, sums[1:])]


def interval(ours, theirs):
    differences = [a - b for a, b in zip(ours, theirs)]
    n = len(differences)
    mean = sum(differences) / n
    half = T975[n - 1] * math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1) / n)
    return " ".join(f"{100 * math.expm1(value):+.2f}" for value in (mean, mean - half, mean + half))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("assay", type=pathlib.Path)
    parser.add_argument("llama", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--types", default="q4_0,q4_k_m,iq4_xs,q3_k_m,q2_k")
    parser.add_argument("--variants", default="plain,best,allotted")
    parser.add_argument("--windows", type=int, default=32, choices=[n + 1 for n in T975])
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2, help="of llama.cpp; 1 where other programs run, because it waits in busy loops")
    o = parser.parse_args()
    script = pathlib.Path(__file__).with_suffix(".lua")
    print(run(o.assay, "run", script, "--data", o.data, "--set", f"model={o.model}", "--set", f"out={o.out}", "--set", f"types={o.types}",
              "--set", f"variants={o.variants}"), flush=True)
    f32, imatrix = o.out / "f32/model.gguf", o.out / "imatrix.gguf"
    if not imatrix.exists():
        run(o.llama / "llama-imatrix", "-m", f32, "-f", o.out / "calibration.txt", "-o", imatrix, "-c", 512, "-b", 512, "--chunks", 64, "-t", o.threads)

    def measured(file):
        return {text: losses(o.llama, file, o.out / f"{text}.txt", o.windows, o.length, o.threads) for text in TEXTS}

    full = measured(f32)
    print("| mixture | file | MB | " + " | ".join(f"{t}: over f32, % | against llama-quantize, % [95 %]" for t in TEXTS) + " |")
    for name in o.types.split(","):
        theirs_file = o.out / f"llama-{name}.gguf"
        if not theirs_file.exists():
            run(o.llama / "llama-quantize", "--imatrix", imatrix, f32, theirs_file, NAMES[name])
        theirs = measured(theirs_file)
        files = [("llama-quantize", theirs_file)] + [(v, o.out / f"{name}-{v}/model.gguf") for v in o.variants.split(",")]
        for label, file in files:
            found, cells = measured(file), []
            for text in TEXTS:
                mean, low, high = interval(found[text], full[text]).split()
                cells.append(f"{mean} [{low}, {high}]")
                mean, low, high = interval(found[text], theirs[text]).split()
                cells.append("" if file == theirs_file else f"{mean} [{low}, {high}]")
            print(f"| {name} | {label} | {file.stat().st_size / 1e6:.2f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
