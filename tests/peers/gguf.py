#!/usr/bin/env python3
"""Lets llama.cpp (the package xllamacpp) load the GGUF files that we write, and compares logits and token ids with ours.

usage: gguf.py ASSAY_LAB SOURCE_DIR
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

try:
    import numpy
    import xllamacpp
except ImportError:
    print("skipped: no xllamacpp")
    sys.exit(77)

# Largest difference of a log probability. llama.cpp rounds the inputs of products with blocks to 8 bits and with bfloat16 to 16 bits.
# It looks GELU up in a table of fp16 (ggml, vec.h, ggml_vec_gelu_f32).
EXACT, GELU, ROUNDED = 1e-3, 2e-2, 1.5


def server(file):
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 128, 1, 2
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return xllamacpp.Server(params)


def check_logits(case, one):
    ours = numpy.array(case["logits"])
    ours -= ours.max() + math.log(numpy.exp(ours - ours.max()).sum())
    answer = one.handle_completions({"prompt": case["ids"], "n_predict": 1, "temperature": 0.0, "n_probs": 90})
    theirs = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    worst = max(abs(ours[token["id"]] - token["logprob"]) for token in theirs)
    bound = ROUNDED if case.get("rounded") else GELU if case.get("gelu") else EXACT
    return worst < bound, f"largest difference {worst:.1e}"


def check_tokens(case, one):
    wrong = []
    for text in case["tokens"]:
        body = json.dumps({"content": text["text"], "add_special": True, "parse_special": True}).encode()
        request = urllib.request.Request(one.listening_address + "/tokenize", body, {"Content-Type": "application/json"})
        ids = json.load(urllib.request.urlopen(request))["tokens"]
        if ids != text["ids"]:
            wrong.append(f"{text['text']!r}: {ids} there, {text['ids']} here")
    return not wrong, "; ".join(wrong) or f"{len(case['tokens'])} texts alike"


def main(assay_lab, source):
    failed, lines = 0, []
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([assay_lab, "run", f"{source}/tests/peers/gguf.lua", root], check=True)
        for case in json.loads(pathlib.Path(root, "expected.json").read_text()):
            one = server(case["file"])
            good, what = (check_tokens if "tokens" in case else check_logits)(case, one)
            lines.append(f"{'ok  ' if good else 'FAIL'} {pathlib.Path(case['file']).parent.name}: {what}")
            failed += not good
            del one
    print("\n" + "\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
