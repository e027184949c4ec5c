#!/usr/bin/env python3
"""The same quantization by this laboratory and by a peer, on the same model and tokens, one after the other: CPU seconds.

  quantize_compare.py ASSAY_LAB FOLDER TEXT gptq|awq|autoround [--sequences N] [--length L] [--iterations I]

FOLDER: a Hugging Face folder (assay import). TEXT: a UTF-8 file; its tokens are cut into N sequences of L. Peers:
llm-compressor for gptq (act-order on static groups) and awq, auto-round for autoround (the difference of I and 2 I
iterations, so that caching the inputs and packing cancel, over I iterations of each block). Weights of 4 bits, groups
of 64, symmetric; fp32; loading and saving are not counted on either side.
"""
import argparse
import json
import os
import resource
import subprocess
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch  # noqa: E402
import transformers  # noqa: E402

if not torch.cuda.is_available():  # llm-compressor's AWQ pins memory for a device even where there is none
    torch.Tensor.pin_memory = lambda self, *_: self


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def ours(lab, job, folder):
    path = Path(folder) / "job.json"
    path.write_text(json.dumps(job))
    script = Path(__file__).with_suffix(".lua")
    said = subprocess.run([lab, "run", script, "--quiet", "--set", f"job={path}"], check=True, capture_output=True, text=True)
    return float(said.stdout.split("cpu_seconds ")[1].split()[0])


def llm_compressor(method, folder, ids):
    import datasets
    from llmcompressor import oneshot
    from llmcompressor.modifiers.awq import AWQModifier
    from llmcompressor.modifiers.gptq import GPTQModifier

    weights = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 64}
    options = {"config_groups": {"linears": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    if method == "gptq":
        weights["actorder"] = "static"
        modifier = GPTQModifier(**options)
    else:
        modifier = AWQModifier(**options)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    rows = datasets.Dataset.from_dict({"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids]})
    begin = cpu_seconds()
    oneshot(model=model, dataset=rows, recipe=[modifier], max_seq_length=len(ids[0]), num_calibration_samples=len(ids),
            shuffle_calibration_samples=False)
    return cpu_seconds() - begin


def auto_round(folder, ids, iterations):
    from auto_round import AutoRound

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    rows = [{"input_ids": torch.tensor([row]), "attention_mask": torch.ones(1, len(row), dtype=torch.int64)} for row in ids]
    rounder = AutoRound(model, tokenizer, scheme={"bits": 4, "group_size": 64, "sym": True, "act_bits": 16, "data_type": "int"},
                        iters=iterations, nsamples=len(ids), seqlen=len(ids[0]), batch_size=8, dataset=rows,
                        device_map="cpu", enable_torch_compile=False)
    begin = cpu_seconds()
    rounder.quantize()
    return cpu_seconds() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lab")
    parser.add_argument("folder")
    parser.add_argument("text")
    parser.add_argument("method", choices=["gptq", "awq", "autoround"])
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=4)
    options = parser.parse_args()

    tokenizer = transformers.AutoTokenizer.from_pretrained(options.folder)
    flat = tokenizer(Path(options.text).read_text(encoding="utf-8"), add_special_tokens=False)["input_ids"]
    length = options.length
    ids = [flat[i * length:(i + 1) * length] for i in range(options.sequences)]
    if len(ids[-1]) < length:
        raise SystemExit(f"{options.text} has {len(flat)} tokens, {options.sequences} x {length} are needed")
    job = {"model": options.folder, "method": options.method, "options": {"bits": 4, "group": 64}, "ids": ids}
    with tempfile.TemporaryDirectory() as scratch:
        if options.method == "autoround":
            def by(seconds):
                few, many = (seconds(n) for n in (options.iterations, 2 * options.iterations))
                return (many - few) / options.iterations

            def lab_seconds(n):
                return ours(options.lab, {**job, "options": {"bits": 4, "group": 64, "iterations": n}}, scratch)
            mine, theirs = by(lab_seconds), by(lambda n: auto_round(options.folder, ids, n))
            what = "CPU s of one iteration over all blocks"
        else:
            mine, theirs = ours(options.lab, job, scratch), llm_compressor(options.method, options.folder, ids)
            what = "CPU s"
    print(f"{options.method}, {len(ids)} x {length} tokens: {mine:.1f} {what} here, {theirs:.1f} there: {theirs / mine:.2f} times")


main()
