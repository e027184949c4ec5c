#!/usr/bin/env python3
"""Lets lm-evaluation-harness measure a model behind `assay serve`, and compares with assay's own measurement.

  serve_lm_eval.py ASSAY MODEL DATA [--items N]

local-completions (echo, remote tokenizer): ARC-Easy, the sums of all choices to 1e-5 of `assay`'s. local-chat-completions: texts of greedy
answers. MODEL: a folder or GGUF file; DATA: a folder with hub/OWNER/DATASET/... Needs lm_eval[api] and pyarrow.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
try:
    import lm_eval
    import pyarrow.parquet
    from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI
    from lm_eval.api.instance import Instance
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here))
from serve_openai import QUESTION, PROMPTS, Server, expected  # noqa: E402

ARC = "allenai/ai2_arc/ARC-Easy/test-00000-of-00001.parquet"


def arc_rows(data, n):
    table = pyarrow.parquet.read_table(Path(data) / "hub" / ARC)
    step = max(1, table.num_rows // n)
    return table.take(list(range(0, step * n, step))[:table.num_rows]).to_pylist()


def requests_of(rows):
    """The harness's own prompts of arc_easy: its yaml has doc_to_text "Question: {{question}}\\nAnswer:" and the choices' texts."""
    out = []
    for i, row in enumerate(rows):
        for choice in row["choices"]["text"]:
            out.append(Instance(request_type="loglikelihood", doc=row, idx=i, metadata=("arc_easy", i, 1),
                                arguments=(f"Question: {row['question']}\nAnswer:", " " + choice)))
    return out


def ours(assay, model, rows, folder):
    path, out = Path(folder) / "rows.jsonl", Path(folder) / "ours.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    subprocess.run([assay, "run", here / "lm_eval_items.lua", "--quiet", "--set", f"model={model}", "--set", "task=arc_easy",
                    "--set", f"rows={path}", "--set", f"out={out}"], check=True)
    return json.loads(out.read_text())["items"]


def compare_sums(server, given):
    rows = arc_rows(given.data, given.items)
    with tempfile.TemporaryDirectory() as folder:
        mine = ours(given.assay, given.model, rows, folder)
    model = LocalCompletionsAPI(model="mine", base_url=server.url + "/v1/completions", batch_size=4, num_concurrent=1,
                                max_length=2048, tokenizer_backend="auto")
    backend = type(model.tokenizer).__name__
    theirs = model.loglikelihood(requests_of(rows))
    at, worst, right = 0, 0.0, [0, 0]
    for row, sums in zip(rows, mine):
        n = len(row["choices"]["text"])
        got = [one[0] for one in theirs[at:at + n]]
        at += n
        assert len(sums) == n
        worst = max([worst] + [abs(a - b) for a, b in zip(got, sums)])
        answer = row["choices"]["label"].index(row["answerKey"])
        for k, values in enumerate((got, sums)):
            right[k] += max(range(n), key=lambda i: values[i]) == answer
    greedy = sum(one[1] for one in theirs)
    print(f"local-completions: {len(rows)} items of ARC-Easy, {at} sums, worst difference {worst:.1e}; accuracy {right[0]} there, "
          f"{right[1]} here; {greedy} greedy continuations; tokenizer backend {backend}")
    assert right[0] == right[1]
    assert worst < 1e-5 * max(1, max(abs(s) for sums in mine for s in sums)), worst
    check_greedy(model, server)


def check_greedy(model, server):
    """A continuation that the model itself generates is greedy, also if its last token ends the text."""
    import urllib.request
    prompt, n = PROMPTS[0], 6
    body = {"prompt": prompt, "max_tokens": n, "temperature": 0}
    request = urllib.request.Request(server.url + "/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    text = json.load(urllib.request.urlopen(request))["choices"][0]["text"]
    yes, no = model.loglikelihood([
        Instance(request_type="loglikelihood", doc={}, idx=0, metadata=("x", 0, 1), arguments=(prompt, text)),
        Instance(request_type="loglikelihood", doc={}, idx=1, metadata=("x", 1, 1), arguments=(prompt, " zebra" + text))])
    assert yes[1] and not no[1], (yes, no)


def compare_chat(server, given):
    want = expected(given.assay, given.model)["chat"]["text"]
    model = LocalChatCompletion(model="mine", base_url=server.url + "/v1/chat/completions", num_concurrent=1)
    from lm_eval.models.api_models import JsonChatStr
    got = model.generate_until([Instance(request_type="generate_until", doc={}, idx=0, metadata=("x", 0, 1),
                                         arguments=(JsonChatStr(json.dumps(QUESTION)), {"max_gen_toks": 24, "temperature": 0, "until": []}))])
    assert got[0] == want, (got[0], want)
    print("local-chat-completions: the same text")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay"), parser.add_argument("model"), parser.add_argument("data")
    parser.add_argument("--items", type=int, default=200)
    given = parser.parse_args()
    if not (Path(given.data) / "hub" / ARC).exists():
        print("skipped: no " + ARC)
        sys.exit(77)
    server = Server(given.assay, given.model)
    print(f"lm_eval {lm_eval.__version__}")
    compare_sums(server, given)
    compare_chat(server, given)
    server.end()


if __name__ == "__main__":
    main()
