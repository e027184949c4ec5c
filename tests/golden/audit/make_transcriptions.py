"""Writes three published study reports in the form of report.json, for tests of the guardrails (rules of the audit).

A transcription holds only what the report says: numbers as printed (as counts, where the report prints the number of items), claims
as quoted, and which tables of the report support a claim. What a report does not say is left out.
Usage: python3 make_transcriptions.py  (writes awq.json, gptq.json, smoothquant.json beside itself)
"""
import json
import pathlib

HERE = pathlib.Path(__file__).parent
MB = 1_000_000
ARC = {"id": "arc", "title": "ARC", "dataset": {"name": "ai2_arc"},
       "baselines": [{"name": "random choice", "metric": "accuracy", "value": 0.25}]}
SQUAD = {"id": "squad_v2", "title": "SQuAD v2", "dataset": {"name": "squad_v2"}, "abstention": {"strings": []},
         "baselines": [{"name": "always abstaining", "metric": "accuracy", "value": 0.5}]}
MATH = {"id": "openmath", "title": "OpenMathInstruct-2", "dataset": {"name": "OpenMathInstruct-2"},
        "baselines": [{"name": "no answer", "metric": "accuracy", "value": 0.0}]}


def subject(name, **more):
    return {"id": name, "name": name, "name_parameters": 600_000_000,
            "linear_parameters": 440_401_920, **more}  # the count of Qwen3-0.6B: 28 blocks with 7 linears each


def variant(subject_id, method, recipe, **more):
    return {"id": f"{subject_id}/{method}", "subject": subject_id, "label": method, "method": method, "recipe": recipe,
            "status": "ok", **({"calibration": "c1"} if recipe else {}), **more}


def score(variant_id, task, correct, items=20, metric="accuracy", **more):
    return {"variant": variant_id, "task": task, "metric": metric, "subset": None, "value": correct / items,
            "unit": "fraction", "direction": "higher", "counts": {"correct": correct, "items": items}, **more}


def claim(kind, text, refs=("results",), **more):
    return {"kind": kind, "text": text, "evidence_refs": list(refs), **more}


def report(name, title, date, **parts):
    out = {"schema": "assay.report/1",
           "transcribed": {"from": title, "date": date, "note": "a published study report; numbers as printed there"},
           "study": {"name": name, "title": title, "date": date, "primary": [], **parts.pop("study", {})}, **parts}
    text = json.dumps(out, ensure_ascii=False, indent=1)
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def awq():
    recipe = {"method": "awq", "bits": 4, "group_size": 128, "symmetric": False}
    base, tuned = "base", "tuned"
    lines = ["Generated: 2025-10-14 17:34:09", "Average AWQ improvement: -2.500 (across all metrics)",
             "| arc | Accuracy | 50.000 | 0.000 | -50.000 | ❌ |", "| squad | Accuracy | 5.000 | 50.000 | +45.000 | ✅ |",
             "- **squad**: +45.000 (+900.0%) [accuracy]", "- **arc**: -50.000 (-100.0%) [accuracy]",
             "⚖️ **AWQ shows mixed results**, performing better on some model types.",
             "*Study conducted on 2 test datasets with TRUNC_EVAL=20 samples each.*",
             "*Calibration: N/A samples from OpenMath dataset*"]
    claims = []
    for label, parts, value, word in ((base, [-50, 45], -2.5, "Negative"), (tuned, [-15, 45], 15.0, "Positive")):
        claims.append(claim("average", f"Average AWQ improvement: {value:.3f} (across all metrics)", parts=parts,
                            value=value))
        claims.append(claim("verdict", f"Overall impact: {word}", variant=f"{label}/awq"))
        claims.append(claim("relative", "squad: +45.000 (+900.0%) [accuracy]", variant=f"{label}/awq"))
        claims.append(claim("relative", f"arc: {parts[0]:.3f} (-100.0%) [accuracy]", variant=f"{label}/awq"))
    claims += [claim("saving", "Base Model: 1.4 GB (AWQ) vs 1.4 GB (No Quant) - -0.1 GB saved", ["variants"],
                     value=-0.1e9, displayed_a=1.4, displayed_b=1.4, displayed_delta=-0.1),
               claim("saving", "Fine-tuned Model: 1.4 GB (AWQ) vs 1.3 GB (No Quant) - -0.2 GB saved", ["variants"],
                     value=-0.2e9, displayed_a=1.3, displayed_b=1.4, displayed_delta=-0.2),
               claim("verdict", "AWQ shows mixed results, performing better on some model types"),
               claim("recommendation", "Use AWQ for fine-tuned models where it shows benefits", variants=["tuned/awq"])]
    report("awq", "AWQ Post-Training Quantization Study Report", "2025-10-14",
           study={"declared": {"n_tasks": 2, "items_per_task": 20,
                               "data_used_for": [{"dataset": "OpenMath", "purpose": "training"},
                                                 {"dataset": "OpenMath", "purpose": "calibration"}]}},
           environment={}, subjects=[subject(base, parameters=0), subject(tuned, parameters=0)],
           calibrations=[{"id": "c1", "source": "OpenMath", "sequences": None}],
           variants=[variant(base, "none", None, bytes_in_memory=1400 * MB),
                     variant(base, "awq", recipe, bytes_in_memory=1400 * MB),
                     variant(tuned, "none", None, bytes_in_memory=1300 * MB),
                     variant(tuned, "awq", recipe, bytes_in_memory=1400 * MB)],
           tasks=[ARC, SQUAD],
           results=[score("base/none", "arc", 10), score("base/awq", "arc", 0), score("base/none", "squad_v2", 1),
                    score("base/awq", "squad_v2", 10), score("tuned/none", "arc", 3), score("tuned/awq", "arc", 0),
                    score("tuned/none", "squad_v2", 1), score("tuned/awq", "squad_v2", 10)],
           claims=claims, document={"lines": lines})


def gptq():
    recipe = {"method": "gptq", "bits": 4, "group_size": 64, "symmetric": True}
    rows = {"base/none": (10, 2, 1, 3.12, 102.8, 1.28), "base/gptq": (0, 0, 10, 29.69, 967.6, 1.32),
            "tuned/none": (3, 0, 1, 0.13, 2.8, 1.22), "tuned/gptq": (0, 0, 10, 29.74, 935.8, 1.32)}
    results, resources, variants = [], [], []
    for name, (arc, math, squad, seconds, tokens, memory) in rows.items():
        results += [score(name, "arc", arc), score(name, "openmath", math), score(name, "squad_v2", squad),
                    score(name, "overall", arc + math + squad, 60)]
        resources.append({"variant": name, "seconds_per_item": seconds, "tokens_per_item": tokens})
        subject_id, method = name.split("/")
        variants.append(variant(subject_id, method, None if method == "none" else recipe, bytes_in_memory=memory * 1e9))
    lines = ["‚ùå **Training Impact**: -15.00% accuracy change",
             "üìä **Base Model GPTQ**: 76.9% accuracy retention, 0.10x speed improvement",
             "üìä **Trained Model GPTQ**: 249.9% accuracy retention, 0.00x speed improvement",
             "üèÜ **Best Model**: Base Original (21.67% accuracy)",
             "‚ö†Ô∏è Training showed minimal improvement (-15.00% change)", "‚úÖ Excellent quantization quality",
             "| squad_v2 | 5.00% | 50.00% | 5.00% | 50.00% |", "- **Hardware**: CUDA-enabled GPU"]
    claims = [
        claim("retention", "Base Model GPTQ: 76.9% accuracy retention", value=0.769, baseline_valid=False,
              from_counts={"k": 10, "n": 60, "base_k": 13, "base_n": 60}),
        claim("retention", "Trained Model GPTQ: 249.9% accuracy retention", value=2.499, baseline_valid=False,
              from_counts={"k": 10, "n": 60, "base_k": 4, "base_n": 60}),
        claim("speed", "Speed improvement: 0.10x faster", ["resources"], value=0.10, says_faster=True, lengths="natural"),
        claim("speed", "Speed improvement: 0.00x faster", ["resources"], value=0.00, says_faster=True, lengths="natural"),
        claim("saving", "VRAM reduction: -0.04 GB", ["variants"], value=-0.04e9, displayed_a=1.28, displayed_b=1.32,
              displayed_delta=-0.04),
        claim("saving", "VRAM reduction: -0.10 GB", ["variants"], value=-0.10e9, displayed_a=1.22, displayed_b=1.32,
              displayed_delta=-0.10),
        claim("verdict", "Training showed minimal improvement (-15.00% change)"),
        claim("verdict", "Excellent quantization quality", variant="tuned/gptq"),
        claim("best_of", "Best Model: Base Original (21.67% accuracy)"),
        claim("recommendation", "Base model is sufficient (training provides minimal benefits)", variants=["base/none"])]
    report("gptq", "GPTQ Quantization Study Report", "2025-10-14",
           study={"declared": {"n_tasks": 4, "items_per_task": 20,
                               "data_used_for": [{"dataset": "OpenMathInstruct-2", "purpose": "training"},
                                                 {"dataset": "OpenMathInstruct-2", "purpose": "calibration"}]}},
           environment={"device_name": "CUDA-enabled GPU"},
           subjects=[subject("base"), subject("tuned")],
           calibrations=[{"id": "c1", "source": "training data", "sequences": 100}], variants=variants,
           tasks=[ARC, MATH, SQUAD, {"id": "overall", "title": "all items", "aggregate": True}], results=results,
           resources=resources, claims=claims, document={"lines": lines})


def smoothquant():
    recipe = {"method": "smoothquant", "bits": 8, "symmetric": True, "activation": {"bits": 8}}
    results, claims = [], []
    for name, arc, f1, math in (("base", 10, 0.005, 2), ("tuned", 3, 0.002, 0)):
        for method, values in (("none", (arc, f1, math, 1)), ("smoothquant", (0, 0.0, 0, 10))):
            v = f"{name}/{method}"
            a, f, m, s = values
            results += [score(v, "arc", a, displayed=100 * a / 20, displayed_unit="%"),
                        {"variant": v, "task": "arc", "metric": "f1", "subset": None, "value": f, "unit": "fraction",
                         "direction": "higher", "counts": {"items": 20}, "displayed": 100 * f, "displayed_unit": "%"},
                        score(v, "openmath", m), score(v, "squad_v2", s)]
        q = f"{name}/smoothquant"
        claims += [claim("relative", "ARC accuracy: -100.0% change", variant=q),
                   claim("relative", "SQUAD accuracy: +900.0%", variant=q),
                   claim("win_rate", f"Overall SmoothQuant Win Rate: {name} model 25.0%", value=0.25, cells=4)]
    claims += [claim("winner", "OPENMATH accuracy 0.0% and 0.0%: NoQuant wins", a=0.0, b=0.0, winner="none"),
               claim("verdict", "SQUAD: SmoothQuant consistently outperforms on both model types"),
               claim("verdict", "ARC: SmoothQuant consistently underperforms on both model types"),
               claim("description", "SmoothQuant W8A8 quantizes both weights and activations to 8-bit, providing balanced "
                     "compression with moderate precision loss", refs=[])]
    census = {"quantized_linears": 197, "decoder_linears": 196, "head_kept": True}
    lines = ["| ARC | accuracy | 50.0% | 0.0% | -100.0% | **NoQuant** |",
             "| OPENMATH | accuracy | 0.0% | 0.0% | +0.0% | **NoQuant** |",
             "The SmoothQuant W8A8 quantization study reveals **{generate_summary_insights(base_analysis, "
             "finetuned_analysis)[0].split(':')[1].strip()}** across the evaluated model variants and datasets.",
             "- **Quantization Scope**: 197 Linear layers quantized per model",
             "- **Preserved Components**: LM head kept in FP16 for stability"]
    report("smoothquant", "SmoothQuant W8A8 Post-Training Quantization Study", "2025-10-14",
           study={"declared": {"tasks": ["openmath", "squad_v2", "arc", "boolq"], "items_per_task": 20,
                               "metrics": {"openmath": "average_absolute_difference", "squad_v2": "accuracy",
                                           "arc": "accuracy", "boolq": "accuracy"},
                               "data_used_for": [{"dataset": "OpenMathInstruct-2", "purpose": "training"},
                                                 {"dataset": "OpenMathInstruct-2", "purpose": "calibration"}]}},
           environment={}, subjects=[subject("base", parameters=600_000_000), subject("tuned", parameters=600_000_000)],
           calibrations=[{"id": "c1", "source": "OpenMath", "sequences": 100}],
           variants=[variant("base", "none", None), variant("base", "smoothquant", recipe, census=census),
                     variant("tuned", "none", None), variant("tuned", "smoothquant", recipe, census=census)],
           tasks=[ARC, MATH, SQUAD], results=results, claims=claims, document={"lines": lines})


awq()
gptq()
smoothquant()
