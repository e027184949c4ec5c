"""Compares our detokenised WikiText documents with lm-evaluation-harness's, and checks reports against their JSON schema.

usage: evaluation.py SOURCE_DIR DETOKENISED.jsonl|none REPORT.json...
"""
import importlib.util
import json
import pathlib
import re
import sys


def harness_module():
    """Loads only the harness's file with the detokeniser, since importing the whole harness takes a minute."""
    package = importlib.util.find_spec("lm_eval")
    path = pathlib.Path(package.origin).parent / "tasks/wikitext/preprocess_wikitext.py"
    spec = importlib.util.spec_from_file_location("preprocess_wikitext", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compare_detokeniser(path):
    module, n, wrong = harness_module(), 0, 0
    for line in open(path, encoding="utf-8"):
        ours = json.loads(line)
        n += 1
        wrong += module.wikitext_detokenizer({"page": ours["page"]}) != ours["text"]
        wrong += len(re.split(r"\s+", ours["page"])) != ours["words"]
    print(f"detokeniser: {n} documents, {wrong} differences")
    return wrong


def check_reports(source, paths):
    import jsonschema
    schema = json.loads((pathlib.Path(source) / "reports/report.schema.json").read_text())
    problems = 0
    for path in paths:
        for error in jsonschema.Draft202012Validator(schema).iter_errors(json.loads(pathlib.Path(path).read_text())):
            print(path, list(error.path), error.message[:200])
            problems += 1
    print(f"schema: {len(paths)} reports, {problems} problems")
    return problems


source, detokenised, *reports = sys.argv[1:]
problems = check_reports(source, reports)
if detokenised != "none":
    problems += compare_detokeniser(detokenised)
sys.exit(problems > 0)
