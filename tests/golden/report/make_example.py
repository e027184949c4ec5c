"""Writes example.json: an invented report with the fields of reports/schema.md, for the tests of the renderers.

No number is measured: all are drawn from a generator with a fixed seed. Usage: python3 make_example.py > example.json
"""
import hashlib
import json
import math
import random

HIDDEN, BLOCKS, VOCAB = 576, 30, 49152
ROLES = [("self_attn.q_proj", "attn.q", 576, 576), ("self_attn.k_proj", "attn.k", 192, 576),
         ("self_attn.v_proj", "attn.v", 192, 576), ("self_attn.o_proj", "attn.o", 576, 576),
         ("mlp.gate_proj", "mlp.gate", 1536, 576), ("mlp.up_proj", "mlp.up", 1536, 576),
         ("mlp.down_proj", "mlp.down", 576, 1536)]
LINEAR = BLOCKS * sum(out * inp for _, _, out, inp in ROLES)
PARAMETERS = LINEAR + VOCAB * HIDDEN + (2 * BLOCKS + 1) * HIDDEN
WINDOWS = 24
random_source = random.Random(20240607)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def linears(bits):
    rows = []
    for block in range(BLOCKS):
        for suffix, role, out, inp in ROLES:
            base = {8: 0.0052, 4: 0.0884, 3: 0.196}[bits]
            depth = 1 + 0.35 * math.exp(-block / 3) * (role in ("attn.q", "attn.k")) + 0.2 * (block == 29)
            noise = random_source.uniform(0.94, 1.06)
            bytes_ = out * inp * bits // 8 + out * math.ceil(inp / 64) * 2
            rows.append({"name": f"model.layers.{block}.{suffix}", "role": role, "block": block,
                         "relative_error": round(base * depth * noise * (1.12 if role == "mlp.down" else 1), 6),
                         "bits_per_weight": round(8 * bytes_ / (out * inp), 6), "bytes": bytes_})
    return rows


def variant(bits):
    if bits == 16:
        return {"id": "base/none", "subject": "base", "label": "none", "method": "none", "calibration": None,
                "status": "ok", "recipe": None, "bits_per_weight": 32.0, "linear_bits_per_weight": 32.0,
                "bytes_on_disk": PARAMETERS * 4, "bytes_in_memory": PARAMETERS * 4, "forward": "fp", "linears": []}
    rows = linears(bits)
    packed = sum(row["bytes"] for row in rows)
    rest = (PARAMETERS - LINEAR) * 4
    return {"id": f"base/rtn-w{bits}-g64", "subject": "base", "label": f"rtn W{bits} g64", "method": "rtn",
            "calibration": None, "status": "ok",
            "recipe": {"method": "rtn", "quantizer": {"id": "rtn", "config": {"bits": bits, "group_size": 64,
                       "symmetric": True}}, "transforms": [], "keep": ["lm_head"]},
            "bits_per_weight": 8 * (packed + rest) / PARAMETERS, "linear_bits_per_weight": 8 * packed / LINEAR,
            "bytes_on_disk": packed + rest + 9000, "bytes_in_memory": PARAMETERS * 4, "forward": "fake",
            "linears": rows}


VERDICT = {8: ("equivalent", None), 4: ("worse", None), 3: ("worse", None)}
base_series = [round(random_source.gauss(3.02, 0.11), 6) for _ in range(WINDOWS)]


def result(bits):
    shift = {16: 0.0, 8: 0.0004, 4: 0.0803, 3: 0.547}[bits]
    spread = {16: 0.0, 8: 0.0005, 4: 0.009, 3: 0.041}[bits]
    series = [round(value + random_source.gauss(shift, spread), 6) if bits != 16 else value for value in base_series]
    mean = sum(series) / WINDOWS
    error = math.sqrt(sum((v - mean) ** 2 for v in series) / (WINDOWS - 1) / WINDOWS)
    method = "block bootstrap over windows, BCa, 10000 replicates"
    entry = {"variant": "base/none" if bits == 16 else f"base/rtn-w{bits}-g64", "task": "perplexity", "metric": "ppl",
             "subset": None, "value": math.exp(mean), "unit": "ppl", "direction": "lower",
             "counts": {"tokens": 2047 * WINDOWS, "windows": WINDOWS},
             "interval": {"low": math.exp(mean - 1.96 * error), "high": math.exp(mean + 1.96 * error), "level": 0.95,
                          "method": method},
             "paired": None, "mde": None, "verdict": "reference", "reason": None,
             "series": {"unit": "nats", "per": "window", "values": series}}
    if bits != 16:
        steps = [a - b for a, b in zip(series, base_series)]
        delta = sum(steps) / WINDOWS
        error = math.sqrt(sum((v - delta) ** 2 for v in steps) / (WINDOWS - 1) / WINDOWS)
        entry["paired"] = {"against": "base/none", "quantity": "ratio", "estimate": math.exp(delta),
                           "low": math.exp(delta - 1.96 * error), "high": math.exp(delta + 1.96 * error),
                           "level": 0.95, "method": "paired " + method + ", seed 1",
                           "p": 0.0001 if bits < 8 else 0.0007, "p_holm": 0.0003 if bits < 8 else 0.0007}
        entry["mde"] = {"value": math.exp(2.8 * error) - 1, "unit": "ratio", "power": 0.8}
        entry["verdict"] = VERDICT[bits][0]
    return entry


PROMPTS = [
    ("p1", "factual_qa", "What is the capital of France, and which river runs through it?",
     ["The capital of France is Paris, and the river Seine runs through it.",
      "The capital of France is Paris, and the river Seine runs through it.",
      "The capital of France is Paris, and the Seine is the river that runs through the city.",
      "The capital of France is the city of Paris. The Loire is the river and the river is the river is the river"]),
    ("p2", "eli5", "Explain to a child why the sky is blue.",
     ["Sunlight is made of many colors. Blue light bounces around in the air more than the other colors, so wherever "
      "you look up, you see blue.",
      "Sunlight is made of many colors. Blue light bounces around in the air more than the other colors, so wherever "
      "you look up, you see blue.",
      "Sunlight is made of many colors. The air scatters blue light the most, so the sky looks blue.",
      "The sky is blue because the sky is a blue color and the color is a blue"]),
    ("p3", "code", "Write a one-line Python expression that reverses a string s, and say what `s[0] < s[1]` means.",
     ["`s[::-1]` reverses the string. `s[0] < s[1]` compares the first two characters & is True if the first sorts first.",
      "`s[::-1]` reverses the string. `s[0] < s[1]` compares the first two characters & is True if the first sorts first.",
      "`s[::-1]` reverses the string.\n\n`s[0] < s[1]` is True if the first character comes before the second.",
      "```python\ns = s[0] < s[1]\ns = s[0] < s[1]\ns = s[0] < s[1]\n```"]),
]


def generations():
    ids = ["base/none", "base/rtn-w8-g64", "base/rtn-w4-g64", "base/rtn-w3-g64"]
    out = []
    for prompt_id, category, prompt, texts in PROMPTS:
        outputs = []
        for name, text in zip(ids, texts):
            common = 0
            while common < min(len(text), len(texts[0])) and text[common] == texts[0][common]:
                common += 1
            same = text == texts[0]
            divergence = None if same else {"token": len(text[:common].split()), "byte": len(text[:common].encode())}
            loops = text != texts[0] and name.endswith("w3-g64") and prompt_id != "p2"
            outputs.append({"variant": name, "text": text, "tokens": len(text.split()) + 4,
                            "finish": "length" if loops else "stop", "divergence": divergence,
                            "flags": ["F02"] if loops else []})
        out.append({"prompt_id": prompt_id, "category": category, "prompt": prompt,
                    "decode": {"temperature": 0, "max_tokens": 64}, "outputs": outputs})
    return out


BITS = [16, 8, 4, 3]
NAMES = ["base/none"] + [f"base/rtn-w{b}-g64" for b in BITS[1:]]
report = {
    "schema": "assay.report/1", "example": True,
    "study": {"name": "example", "title": "A small chat model in 8, 4 and 3 bits",
              "question": "How much does plain rounding cost, and where?", "file": "scripts/studies/quickstart.lua",
              "sha256": sha("study"), "seed": 1, "command": "./assay run scripts/studies/quickstart.lua", "alpha": 0.05,
              "multiplicity": "holm", "primary": [{"task": "perplexity", "metric": "ppl", "margin": 1.02, "unit": "ratio"}]},
    "environment": {"assay": "0.1.0", "revision": None, "libtorch": "2.11.0", "device": "cpu",
                    "device_name": "example CPU, 2 cores", "isa": "avx512", "threads": 2, "dtype": "float32",
                    "os": "Linux x86_64",
                    "plugins": [{"id": "rtn", "kind": "quantizer", "version": "1.0.0", "sha256": sha("rtn")},
                                {"id": "text", "kind": "dataset", "version": "1.0.0", "sha256": sha("text")},
                                {"id": "perplexity", "kind": "metric", "version": "1.0.0", "sha256": sha("ppl")}]},
    "subjects": [{"id": "base", "name": "Example-135M-Instruct", "architecture": "LlamaForCausalLM",
                  "parameters": PARAMETERS, "linear_parameters": LINEAR, "blocks": BLOCKS, "tied_head": True,
                  "dtypes": {"F32": PARAMETERS}, "fingerprint": sha("subject"), "license": "apache-2.0",
                  "provenance_note": "weights were dequantized from Q4_1 groups of 32; they are not the published originals"}],
    "calibrations": [],
    "variants": [variant(b) for b in BITS],
    "tasks": [{"id": "perplexity", "title": "Perplexity", "kind": "perplexity", "primary": True,
               "protocol": {"id": "gptq-2048/" + sha("protocol")[:12], "name": "gptq-2048", "window": 2048, "limit": WINDOWS,
                            "dtype": "float32", "template": None, "special_tokens": False},
               "dataset": {"id": "text", "name": "example text", "split": None, "records": 1, "bytes": 221184,
                           "sha256": sha("text data"), "license": "public domain"},
               "metrics": [{"name": "ppl", "unit": "ppl", "direction": "lower", "kind": "mean"}],
               "baselines": [{"name": "uniform over the vocabulary", "metric": "ppl", "value": VOCAB}]}],
    "results": [result(b) for b in BITS],
    "generations": generations(),
    "gates": [{"id": "P1", "title": "identity recipe", "severity": "block", "status": "pass", "scope": "base",
               "evidence": "max |Δlogit| = 0 over 6 prompts", "message": "16-bit recipe through quantize, save and load"},
              {"id": "P2", "title": "changed tensors are the declared ones", "severity": "block", "status": "pass",
               "scope": "base", "evidence": "210 of 210 linears; lm_head kept", "message": "tied head and embedding untouched"},
              {"id": "P4", "title": "scales finite and positive", "severity": "block", "status": "pass", "scope": "base",
               "evidence": "1,658,880 scales", "message": "no clipped tensor above 1 %"},
              {"id": "F02", "title": "truncated answers", "severity": "flag", "status": "fail", "scope": "base/rtn-w3-g64",
               "evidence": "2 of 3 answers hit the token limit", "message": "reference: 0 of 3"},
              {"id": "G34", "title": "A/A noise floor", "severity": "flag", "status": "not_run", "scope": None,
               "evidence": "", "message": "the reference was evaluated once"}],
    "verdicts": [{"variant": "base/none", "verdict": "reference", "because": []}] +
                [{"variant": name, "verdict": VERDICT[b][0], "because": [{"task": "perplexity", "metric": "ppl"}]}
                 for name, b in zip(NAMES[1:], BITS[1:])],
    "ledger": [{"variant": "base/rtn-w4-g64", "layer": "model.layers.29.mlp.down_proj", "event": "note",
                "message": "largest relative error of the variant"},
               {"variant": None, "layer": None, "event": "skip", "message": "the last 1,207 tokens do not fill a window"}],
    "times": {"started": "2024-06-07T12:00:00Z", "finished": "2024-06-07T12:02:21Z", "seconds": 141.2, "resumed": False,
              "variants": {name: {"quantize_seconds": 0 if i == 0 else 0.8 + 0.1 * i, "evaluate_seconds": 28.5 + i,
                                  "peak_memory_bytes": 1180000000 + 2000000 * i} for i, name in enumerate(NAMES)},
              "results": {name: {"perplexity": {"seconds": 21.5, "tokens_per_second": 2285}} for name in NAMES}},
}
print(json.dumps(report, ensure_ascii=False, separators=(",", ":")))
