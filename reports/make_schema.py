"""Writes report.schema.json beside this file: a JSON Schema with the fields of report.json that schema*.md explain.

usage: python3 reports/make_schema.py
"""
import json
import pathlib

TEXT, NUMBER, INTEGER, FLAG = {"type": "string"}, {"type": "number"}, {"type": "integer"}, {"type": "boolean"}
VERDICTS = ["reference", "invalid", "worse", "inconclusive", "not_run", "non-inferior", "equivalent", "tie", "better"]


def maybe(kind):
    """Returns the schema of a value that is of this kind or null."""
    if "enum" in kind:
        return {"enum": kind["enum"] + [None]}
    return {"anyOf": [kind, {"type": "null"}]}


def some(values):
    return {"enum": values}


def record(required, **more):
    return {"type": "object", "properties": {**required, **more}, "required": sorted(required)}


def rows(item):
    return {"type": "array", "items": item}


INTERVAL = maybe(record({"low": NUMBER, "high": NUMBER, "level": NUMBER, "method": TEXT}))
PAIRED = maybe(record({"against": TEXT, "quantity": some(["ratio", "difference"]), "estimate": NUMBER, "low": NUMBER,
                       "high": NUMBER, "level": NUMBER, "method": TEXT, "p": NUMBER},
                      p_method=some(["McNemar, exact", "sign flip, exact", "sign flip, drawn", "paired t"]),
                      p_holm=maybe(NUMBER), p_bh=maybe(NUMBER), lost=INTEGER, gained=INTEGER, flips=NUMBER,
                      answer_change=maybe(NUMBER), p_mcnemar=NUMBER, unit=TEXT))
MEASURED = record({"value": NUMBER, "unit": TEXT, "interval": INTERVAL})

SIDE = record({"text": TEXT, "n_tokens": INTEGER, "finish_reason": TEXT, "extracted": maybe(TEXT), "score": maybe(NUMBER),
               "mean_logprob": maybe(NUMBER)}, divergence_bytes=maybe(rows(INTEGER)))
ENTRY = record({"prompt_id": TEXT, "category": TEXT, "baseline_ok": maybe(FLAG), "quant_issue": FLAG, "symptom": TEXT,
                "notes": TEXT, "study_id": maybe(TEXT), "run_id": maybe(TEXT), "task": maybe(TEXT), "prompt_hash": maybe(TEXT),
                "protocol_id": TEXT, "variant": record({"id": TEXT}), "quant_ok": maybe(FLAG), "aa_stable": maybe(FLAG),
                "severity": some(["sev0", "sev1", "sev2", "sev3"]), "symptoms": rows(TEXT),
                "detector_values": {"type": "object"}, "error_stage": TEXT, "first_divergence_token": maybe(INTEGER),
                "base_margin_at_divergence": maybe(NUMBER), "mean_kld_prompt": maybe(NUMBER), "base": SIDE, "quant": SIDE,
                "seed": maybe(INTEGER), "decode": {"type": "object"}, "repro_cmd": maybe(TEXT),
                "recurrence": maybe(record({"k": INTEGER, "fails": INTEGER, "base_fails": INTEGER})), "cluster_id": TEXT,
                "root_cause": TEXT, "status": TEXT, "labelled_by": TEXT})

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "assay report", "type": "object",
    "required": ["schema", "study", "environment", "subjects", "variants", "tasks", "results", "gates", "verdicts", "times"],
    "properties": {
        "schema": {"const": "assay.report/1"},
        "study": record({"name": TEXT, "seed": INTEGER, "alpha": NUMBER,
                         "primary": rows(record({"task": TEXT, "metric": TEXT, "margin": NUMBER, "unit": TEXT}))},
                        title=TEXT, question=maybe(TEXT), sha256=TEXT, command=TEXT, preregistered=FLAG,
                        not_available=rows(record({"kind": some(["recipe", "task"]), "label": TEXT, "reason": TEXT}))),
        "environment": record({"assay": TEXT, "device": TEXT, "dtype": TEXT}, revision=maybe(TEXT)),
        "subjects": rows(record({"id": TEXT, "name": TEXT, "parameters": INTEGER, "fingerprint": TEXT}, license=maybe(TEXT))),
        "variants": rows(record({"id": TEXT, "subject": TEXT, "label": TEXT, "status": some(["ok", "failed", "not_available"])},
                                reason=TEXT, recipe=maybe({"type": "object"}), bits_per_weight=maybe(NUMBER),
                                bytes_on_disk=maybe(NUMBER), block_errors=rows(NUMBER), collapsed=rows(TEXT))),
        "tasks": rows(record({"id": TEXT, "kind": some(["perplexity", "choice", "generation", "generations", "distance"]),
                              "protocol": record({"id": TEXT})}, not_evaluated=INTEGER,
                             baselines=rows(record({"name": TEXT, "value": NUMBER}, metric=maybe(TEXT))))),
        "results": rows(record({"variant": TEXT, "task": TEXT, "metric": TEXT, "value": maybe(NUMBER), "unit": TEXT,
                                "direction": some(["higher", "lower"]), "interval": INTERVAL, "paired": PAIRED,
                                "verdict": some(VERDICTS)},
                               primary=FLAG, excluded=FLAG, prompt_hash=TEXT, within_margin=FLAG, below_noise=FLAG, reason=maybe(TEXT),
                               mde=maybe(record({"value": NUMBER, "unit": TEXT, "power": NUMBER})))),
        "distance": rows(record({"variant": TEXT, "task": TEXT, "kld": MEASURED, "same_top": MEASURED, "top5_shared": MEASURED,
                                 "delta_p": MEASURED, "kld_mean": NUMBER, "margin": NUMBER,
                                 "against_margin": some(["within", "beyond", "unresolved"])})),
        "aa_noise": rows(record({"subject": TEXT, "task": TEXT, "metric": TEXT, "items": INTEGER, "value": NUMBER, "unit": TEXT,
                                 "how": TEXT})),
        "interaction": rows(record({"task": TEXT, "metric": TEXT, "recipe": TEXT, "estimate": NUMBER, "low": NUMBER,
                                    "high": NUMBER, "unit": TEXT})),
        "detectors": rows(record({"variant": TEXT, "id": TEXT, "count": NUMBER, "items": NUMBER,
                                  "status": some(["ok", "flag", "invalid"])})),
        "failures": rows(record({"variant": TEXT, "chosen": rows(record({"why": TEXT, "entry": ENTRY})),
                                 "prevalence": rows(record({"symptom": TEXT, "count": INTEGER, "items": INTEGER, "low": NUMBER,
                                                            "high": NUMBER}))}, task=TEXT, items=INTEGER)),
        "changed_answers": rows(record({"variant": TEXT, "task": TEXT, "unit": TEXT,
                                        "quarters": rows(record({"from": NUMBER, "to": NUMBER, "items": INTEGER,
                                                                 "changed": INTEGER, "flips": INTEGER}))})),
        "gates": rows(record({"id": TEXT, "severity": some(["block", "flag", "note"]),
                              "status": some(["pass", "fail", "not_run"])}, scope=maybe(TEXT), evidence=maybe(TEXT))),
        "verdicts": rows(record({"variant": TEXT, "verdict": some(VERDICTS)},
                                because=rows(record({"task": TEXT, "metric": TEXT})))),
        "ledger": rows(record({"event": TEXT, "message": TEXT}, variant=maybe(TEXT))),
        "times": record({"seconds": NUMBER}),
    },
}

if __name__ == "__main__":
    path = pathlib.Path(__file__).parent / "report.schema.json"
    path.write_text(json.dumps(SCHEMA, indent=1) + "\n")
