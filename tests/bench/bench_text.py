#!/usr/bin/env python3
"""Compares our tokenizer with the Rust tokenizers package, and our chat templates with jinja2, in one run on one core.

    python3 tests/bench/bench_text.py build/bin/bench_text TOKENIZER_FOLDER TEXT_FILE
"""
import json
import os
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer  # noqa: E402
from transformers.utils.chat_template_utils import _compile_jinja_template  # noqa: E402

CHATS = {
    "short": ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
              "'\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}", None),
    "thinking with tools": (None, [{"type": "function", "function": {"name": "f", "parameters": {
        "type": "object", "properties": {"a": {"type": "integer"}}}}}]),
}


def best(work, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    program, folder, sample = sys.argv[1:4]
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
    import template_cases
    text = open(sample, encoding="utf-8", newline="").read()
    megabytes = len(text.encode()) / 1e6
    start = time.perf_counter()
    tok = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    load = time.perf_counter() - start
    lines = text.splitlines(keepends=True)
    whole = megabytes / best(lambda: tok.encode(text, add_special_tokens=False), 2)
    batch = megabytes / best(lambda: tok.encode_batch_fast(lines, add_special_tokens=False), 2)
    messages = [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "4"},
                {"role": "user", "content": "And 3 + 3?"}]
    for name, (template, tools) in CHATS.items():
        template = template or template_cases.THINKING
        context = {"messages": messages, "tools": tools, "add_generation_prompt": True}
        compiled = _compile_jinja_template(template)
        peer = 500 / best(lambda: [compiled.render(**context) for _ in range(500)], 3)
        with tempfile.TemporaryDirectory() as temporary:
            paths = [os.path.join(temporary, n) for n in ("template", "context.json")]
            with open(paths[0], "w", encoding="utf-8") as f:
                f.write(template)
            with open(paths[1], "w", encoding="utf-8") as f:
                json.dump(context, f)
            ours = json.loads(subprocess.run([program, folder, sample, *paths], capture_output=True, text=True,
                                             check=True).stdout)
        print(f"template, {name}: {ours['renders_per_s']:,.0f} renders/s, jinja2 {peer:,.0f}: "
              f"{ours['renders_per_s'] / peer:.1f} x")
    print(f"encode: {ours['encode_mb_per_s']:.1f} MB/s ({ours['encode_cold_mb_per_s']:.1f} the first time), tokenizers "
          f"{whole:.2f} whole, {batch:.2f} line by line: {ours['encode_mb_per_s'] / max(whole, batch):.1f} x")
    print(f"decode: {ours['decode_mb_per_s']:.1f} MB/s; a megabyte of one letter: {ours['one_megabyte_of_a_seconds']:.3f} s")
    print(f"load: {ours['load_seconds']:.3f} s, tokenizers {load:.3f} s: {load / ours['load_seconds']:.1f} x")


if __name__ == "__main__":
    main()
