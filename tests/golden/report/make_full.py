"""Makes full.json beside this file: a report with every part that a renderer can show. All numbers are invented.

usage: python3 make_full.py
"""
import json
import math
import pathlib
import random

HERE = pathlib.Path(__file__).parent
RECIPES = [("awq-w4-g64", "awq W4 g64", 4.25, 0.05), ("gptq-w4-g64", "gptq W4 g64", 4.25, 0.035),
           ("rtn-w4-g64", "rtn W4 g64", 4.25, 0.11), ("rtn-w2-g64", "rtn W2 g64", 2.25, 3.4)]
ITEMS = 400
PERCENTILES = [0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9]


def wilson(k, n, z=1.959963984540054):
    p, d = k / n, 1 + z * z / n
    c, h = (p + z * z / (2 * n)) / d, z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    return {"low": c - h, "high": c + h, "level": 0.95, "method": "Wilson"}


def interval(value, half):
    return {"low": value - half, "high": value + half, "level": 0.95, "method": "BCa bootstrap over windows"}


def results_of(subject, variant, strength, draw):
    """Returns the results of one variant: two tasks whose answers are right or wrong, and SQuAD v2 with one metric for
    each half (questions with and without an answer)."""
    none = f"{subject}/none"
    out = []
    for task, metric, base in (("arc_easy", "acc", 0.58), ("gsm8k", "correct", 0.31)):
        lost = 0 if variant == none else min(int(ITEMS * base), int(ITEMS * 0.05 * (1 + 8 * strength) * draw.uniform(0.8, 1.2)))
        gained = 0 if variant == none else int(ITEMS * 0.03)
        k = int(ITEMS * base) - lost + gained
        delta = 100 * (gained - lost) / ITEMS
        paired = None if variant == none else {
            "against": none, "quantity": "difference", "unit": "pp", "estimate": delta, "low": delta - 2.9, "high": delta + 2.9,
            "level": 0.95, "method": "Tango score", "lost": lost, "gained": gained, "flips": (lost + gained) / ITEMS,
            "answer_change": (lost + gained) / ITEMS + 0.04, "p": 0.001, "p_holm": 0.004 if delta < -3 else 0.6}
        verdict = "reference" if variant == none else "worse" if delta < -3 else "inconclusive"
        out.append({"variant": variant, "task": task, "metric": metric, "subset": None, "value": k / ITEMS, "unit": "fraction",
                    "direction": "higher", "counts": {"items": ITEMS, "correct": k}, "interval": wilson(k, ITEMS),
                    "paired": paired, "mde": paired and {"value": 3.4, "unit": "pp", "power": 0.8}, "primary": True,
                    "verdict": "invalid" if strength > 2 and variant != none else verdict, "reason": None})
    for metric, base in (("HasAns_f1", 0.52), ("NoAns_accuracy", 0.44)):
        value = max(0.01, base - 0.08 * strength)
        out.append({"variant": variant, "task": "squad_v2", "metric": metric, "subset": None, "value": value, "unit": "fraction",
                    "direction": "higher", "counts": {"items": ITEMS}, "interval": interval(value, 0.03), "paired": None,
                    "mde": None, "primary": False, "verdict": "reference" if variant == none else "inconclusive", "reason": None})
    return out


def distance_of(variant, kld):
    draw = random.Random(variant)
    curve = [[1 - (1 - i / 60) ** 2, kld * math.exp(-4 + 7.5 * (1 - (1 - i / 60) ** 2))] for i in range(61)]
    change = {f"p{p:g}": math.copysign(abs(p - 50) / 50, p - 50) ** 3 * math.sqrt(kld) * (1.3 if p < 50 else 0.9)
              for p in PERCENTILES}
    return {"variant": variant, "task": "distance", "counts": {"tokens": 24552, "windows": 48},
            "kld": {"value": kld, "unit": "nats", "interval": interval(kld, kld * 0.06)},
            "same_top": {"value": math.exp(-3 * kld), "unit": "fraction", "interval": interval(math.exp(-3 * kld), 0.006)},
            "top5_shared": {"value": math.exp(-2 * kld), "unit": "fraction", "interval": interval(math.exp(-2 * kld), 0.004)},
            "delta_p": {"value": -kld / 5, "unit": "fraction", "interval": interval(-kld / 5, 0.002)},
            "log_ppl_ratio": {"value": kld * 0.8, "unit": "nats", "interval": interval(kld * 0.8, 0.01)},
            "kld_mean": kld, "margin": 0.05, "margin_unit": "nats",
            "against_margin": "within" if kld * 1.06 <= 0.05 else "beyond" if kld * 0.94 > 0.05 else "unresolved",
            "percentiles": {"p50": kld * 0.4, "p90": kld * 2.2, "p99": kld * 7, "p99.9": kld * 20, "max": kld * 70},
            "delta_p_percentiles": change, "delta_p_rms": math.sqrt(kld) / 4,
            "buckets": [{"low": a, "high": b, "tokens": n, "kld_mean": kld * f, "same_top": 0.9} for a, b, n, f in
                        ((0, .25, 9000, 1.3), (.25, .5, 7000, 1.1), (.5, .75, 4000, .8), (.75, .95, 3000, .5), (.95, 1, 1552, .1))],
            "positions": [], "curve": curve,
            "series": {"unit": "nats", "per": "window", "values": [kld * draw.uniform(0.8, 1.2) for _ in range(8)]}}


def side(text, tokens, finish, score, place):
    return {"text": text, "n_tokens": tokens, "finish_reason": finish, "extracted": None, "score": score, "mean_logprob": -0.4,
            "divergence_bytes": place}


def failure(variant):
    entry = {
        "prompt_id": "math-03", "category": "math", "baseline_ok": True, "quant_issue": True, "symptom": "F05", "notes": "",
        "study_id": "full", "run_id": "0123456789ab", "task": "generations", "prompt_hash": "0123456789abcdef",
        "protocol_id": "greedy-chat/0123456789ab", "variant": {"id": variant, "model": "base", "quant": "rtn", "bits": 2},
        "quant_ok": False, "aa_stable": None, "severity": "sev0", "symptoms": ["F02", "F05"],
        "detector_values": {"F02": "length", "F05": "3 \u00d7 20"}, "error_stage": "none", "first_divergence_token": 4,
        "base_margin_at_divergence": 0.31, "mean_kld_prompt": 2.6, "prompt": "What is 12 plus 30?", "lost": True,
        "gained": False, "identical": False,
        "base": side("12 plus 30 is 42.", 9, "stop", 1, [9, 10]),
        "quant": side("12 plus 3 plus 3 plus 3 plus 3 plus 3", 64, "length", 0, [9, 14]), "seed": 1,
        "decode": {"kind": "greedy", "max_tokens": 64, "template": "chat"}, "repro_cmd": None,
        "recurrence": {"k": 4, "fails": 3, "base_fails": 0}, "cluster_id": "F05", "root_cause": "unknown", "status": "open",
        "labelled_by": "auto"}
    return {"variant": variant, "task": "generations", "items": 120,
            "prevalence": [{"symptom": "F05", "count": 61, "items": 120, "low": 0.42, "high": 0.60}],
            "chosen": [{"why": "symptom F05, 1 of 61", "entry": entry}]}


def changed(variant, strength):
    shares = [min(1, s * (0.3 + strength)) for s in (0.7, 0.3, 0.1, 0.03)]
    bounds = [0.001, 0.18, 0.52, 1.31, 6.4]
    return {"variant": variant, "task": "arc_easy", "unit": "nats", "quarters": [
        {"from": bounds[q], "to": bounds[q + 1], "items": 100, "changed": int(100 * shares[q]), "flips": int(60 * shares[q])}
        for q in range(4)]}


def verdict_of(variant, results):
    """Returns the worst verdict over the primary metrics, and the tasks and metrics that have this verdict."""
    order = ["invalid", "worse", "inconclusive", "reference"]
    mine = [r for r in results if r["variant"] == variant and r["primary"]]
    word = min((r["verdict"] for r in mine), key=order.index)
    return {"variant": variant, "verdict": word,
            "because": [{"task": r["task"], "metric": r["metric"]} for r in mine if r["verdict"] == word]}


def main():
    report = json.loads((HERE / "example.json").read_text())
    draw = random.Random(7)
    report["study"].update({"name": "full", "title": "Four recipes on a base model and its tuned sister", "preregistered": True,
                            "question": "Which four-bit recipe keeps a small model usable, and does tuning make it fragile?",
                            "primary": [{"task": "arc_easy", "metric": "acc", "margin": 2, "unit": "pp"},
                                        {"task": "gsm8k", "metric": "correct", "margin": 3, "unit": "pp"}]})
    tuned = dict(report["subjects"][0], id="tuned", name="SmolLM2-135M-tuned")
    report["subjects"].append(tuned)
    none = dict(report["variants"][0])
    linears = report["variants"][2]["linears"]
    report["variants"], report["results"], report["distance"], report["verdicts"] = [], [], [], []
    report["labels"] = [{"variant": None, "task": "arc_easy", "counts": {"A": 104, "B": 101, "C": 99, "D": 96}}]
    report["lengths"], report["interaction"], report["changed_answers"] = [], [], []
    for subject in ("base", "tuned"):
        for name, label, bits, strength in [("none", "none", 32.0, 0.0)] + RECIPES:
            variant, own = f"{subject}/{name}", strength * (1.4 if subject == "tuned" else 1)
            entry = dict(none, id=variant, subject=subject, label=label, method=name.split("-")[0], bits_per_weight=bits + 2.5,
                         linear_bits_per_weight=bits, bytes_on_disk=int(134515008 * (bits + 2.5) / 8), linears=[])
            if name != "none":
                entry["recipe"] = {"method": name.split("-")[0], "keep": ["lm_head"],
                                   "quantizer": {"id": name.split("-")[0], "config": {"bits": int(bits), "group_size": 64}}}
                entry["block_errors"] = [0.05 * (1 + own) * 1.05 ** i for i in range(30)]
                report["distance"].append(distance_of(variant, own))
                entry["linears"] = linears if name == "rtn-w4-g64" else []
                if strength > 2:
                    entry["collapsed"] = ["F05: loop at the end in 61 of 120 answers", f"divergence of {own:.2f} nats from the untouched model"]
            report["variants"].append(entry)
            report["results"] += results_of(subject, variant, own, draw)
            report["verdicts"].append(verdict_of(variant, report["results"]))
            if name != "none":
                report["changed_answers"].append(changed(variant, own))
            shift = int(40 * own)
            report["labels"].append({"variant": variant, "task": "arc_easy", "counts":
                                     {"A": 100 + min(250, 3 * shift), "B": 100 - min(90, shift), "C": 100 - min(80, shift), "D": 100 - min(80, shift)}})
            report["lengths"].append({"variant": variant, "task": "generations", "items": 120, "cap": 64, "curve":
                                      [[min(64, int(8 + (3 + own * 4) * i)), i / 20] for i in range(21)]})
    for name, label, _, strength in RECIPES:
        report["interaction"].append({"task": "gsm8k", "metric": "correct", "recipe": name, "label": label, "first": "base",
                                      "second": "tuned", "unit": "pp", "estimate": -8 * strength, "low": -8 * strength - 3,
                                      "high": -8 * strength + 3, "level": 0.95, "method": "BCa bootstrap, 10000 replicates"})
    task = report["tasks"][0]
    report["tasks"] = [dict(task, id=i, title=t, kind=k, primary=True, baselines=b, protocol={"id": i + "/0123456789ab", "items": ITEMS, "seed": 1},
                            metrics=[], not_evaluated=n) for i, t, k, b, n in (
        ("arc_easy", "School science questions (ARC-E)", "choice", [{"name": "random choice", "metric": "acc", "value": 0.25}], 0),
        ("gsm8k", "Word problems (GSM8K)", "generation", [{"name": "no answer", "metric": "correct", "value": 0}], 2),
        ("squad_v2", "Spans or unanswerable (SQuAD v2)", "generation", [], 0),
        ("distance", "Distance on a novel", "distance", [], 0), ("generations", "Free prompts", "generations", [], 0))]
    report["aa_noise"] = [{"subject": "base", "task": "arc_easy", "metric": "acc", "items": 40, "quantity": "flips", "value": 0,
                           "unit": "count", "how": "1 thread against 2"},
                          {"subject": "base", "task": "distance", "metric": "kld", "items": 4, "quantity": "divergence from itself",
                           "value": 3.1e-9, "unit": "nats", "how": "1 thread against 2"}]
    signs = (("F02", "cut off at the token limit"), ("F05", "loop at the end"), ("F13", "lost characters"), ("F17", "another length"))
    report["detectors"] = [{"variant": v["id"], "id": i, "title": t, "count": int(120 * min(1, v["bits_per_weight"] < 5 and 0.6 or 0.04)),
                            "items": 120, "base_count": 3, "base_items": 120,
                            "status": "invalid" if v["bits_per_weight"] < 5 and i == "F05" else "ok"}
                           for v in report["variants"] if v["recipe"] for i, t in signs]
    report["failures"] = [failure("base/rtn-w2-g64")]
    report["sensitivity"] = [{"title": "Perplexity over calibration sets", "unit": "perplexity", "rows": [
        {"label": "32 sequences", "values": [21.4, 21.1, 21.9]}, {"label": "128 sequences", "values": [20.9, 20.8, 21.0]}]}]
    report["generations"] = []
    report["times"]["variants"], report["times"]["results"] = {}, {}
    (HERE / "full.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
