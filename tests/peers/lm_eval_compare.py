#!/usr/bin/env python3
"""Compares lm-evaluation-harness (hf backend, fp32) with assay on the same items: log-likelihoods and speed.

  lm_eval_compare.py ASSAY_LAB FOLDER DATA [TASK ...] [--items N] [--batch B] [--double N] [--out FILE]

FOLDER: a Hugging Face folder (assay import). DATA: a folder with hub/OWNER/DATASET/... parquet files. Tasks: arc_easy,
arc_challenge, boolq, hellaswag, mmlu, piqa, winogrande (default: arc_easy and boolq). Needs lm_eval and pyarrow.
Where MMLU's file is absent, ARC's questions with four choices are used in its place, with MMLU's column names.
The harness reads the same rows through its own task files, so that prompts are compared as well as numbers. The times are
those of the log-likelihood requests, without loading. CPU seconds are printed too, since other work on the machine changes
the times.
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import lm_eval  # noqa: E402
import pyarrow.parquet  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

# task: (file below DATA/hub, folder of the harness's task, file in that folder)
TASKS = {
    "arc_easy": ("allenai/ai2_arc/ARC-Easy/test-00000-of-00001.parquet", "arc", "arc_easy.yaml"),
    "arc_challenge": ("allenai/ai2_arc/ARC-Challenge/test-00000-of-00001.parquet", "arc", "arc_challenge.yaml"),
    "boolq": ("google/boolq/data/validation-00000-of-00001.parquet", "super_glue/boolq", "default.yaml"),
    "mmlu": ("cais/mmlu/all/test-00000-of-00001.parquet", "mmlu/default", "_default_template_yaml"),
    "hellaswag": ("Rowan/hellaswag/data/validation-00000-of-00001.parquet", "hellaswag", "hellaswag.yaml"),
    "piqa": ("ybisk/piqa/plain_text/validation-00000-of-00001.parquet", "piqa", "piqa.yaml"),
    "winogrande": ("allenai/winogrande/winogrande_xl/validation-00000-of-00001.parquet", "winogrande", "default.yaml"),
}


MMLU_SUBJECT = "high_school_biology"  # one subject at a time: the harness has a task file for each


def mmlu_rows(data):
    """Returns MMLU's rows of one subject, or ARC's rows with MMLU's column names where the file is absent."""
    path = Path(data) / "hub" / TASKS["mmlu"][0]
    if path.exists():
        return [row for row in pyarrow.parquet.read_table(path).to_pylist() if row["subject"] == MMLU_SUBJECT]
    print(f"mmlu: no {path.name} of cais/mmlu here, its protocol is compared on ARC's questions")
    rows = pyarrow.parquet.read_table(Path(data) / "hub" / TASKS["arc_easy"][0]).to_pylist()
    return [{"question": row["question"], "subject": MMLU_SUBJECT, "choices": list(row["choices"]["text"]),
             "answer": list(row["choices"]["label"]).index(row["answerKey"])}
            for row in rows if len(row["choices"]["text"]) == 4]


def rows_of(task, data, n):
    if task == "mmlu":
        rows = mmlu_rows(data)
        return rows[::max(1, len(rows) // n)][:n]
    table = pyarrow.parquet.read_table(Path(data) / "hub" / TASKS[task][0])
    # The rows are spread over the file, since rows next to each other may share a passage.
    step = max(1, table.num_rows // n)
    rows = table.take(list(range(0, step * n, step))[:table.num_rows]).to_pylist()
    for row in rows:
        if task == "boolq":
            row["label"] = int(row["answer"])  # the harness's task reads SuperGLUE's form, where the label is a number
    return rows


def local_task(task, rows, folder):
    """Writes a copy of the harness's task that reads these rows from a file; returns the path of that file."""
    _, place, file = TASKS[task]
    source = Path(lm_eval.__file__).parent / "tasks" / place
    target = Path(folder) / task
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.yaml", "*.yml"))
    if task == "arc_challenge":
        file = "arc_easy.yaml"  # arc_challenge.yaml only includes this file
    dropped = ("tag:", "task:", "dataset_", "training_split:", "validation_split:", "test_split:", "fewshot_split:")
    dropped += ("fewshot_config:", "  sampler:")
    lines, in_tag = [], False
    for line in (source / file).read_text().splitlines():
        in_tag = line.startswith("tag:") or in_tag and line.startswith("  -")
        if not in_tag and not line.startswith(dropped):
            lines.append(line)
    if task == "mmlu":  # the description is in the file of the subject, not in the template
        own = (source / f"mmlu_{MMLU_SUBJECT}.yaml").read_text()
        lines.append(own[own.index('"description"'):own.index('"tag"')].rstrip())
    path = Path(folder) / f"{task}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines += [f"task: {task}_here", "dataset_path: json", "test_split: test", "dataset_kwargs:", "  data_files:",
              f"    test: {path}"]
    (target / f"{task}_here.yaml").write_text("\n".join(lines) + "\n")
    return path


def harness(model, task, folder):
    """Returns the log-likelihoods of each item, the requests of each item, and [wall, CPU] seconds of all requests."""
    spent = [0.0, 0.0]
    plain = model.loglikelihood

    def timed(requests, *more, **kwargs):
        wall, cpu = time.perf_counter(), time.process_time()
        out = plain(requests, *more, **kwargs)
        spent[0] += time.perf_counter() - wall
        spent[1] += time.process_time() - cpu
        return out

    model.loglikelihood = timed
    result = lm_eval.simple_evaluate(model=model, tasks=[f"{task}_here"], bootstrap_iters=0, num_fewshot=0,
                                     task_manager=TaskManager(include_path=str(folder), include_defaults=False))
    model.loglikelihood = plain
    samples = sorted(result["samples"][f"{task}_here"], key=lambda s: s["doc_id"])
    return [[r[0] for r in s["filtered_resps"]] for s in samples], [s["arguments"] for s in samples], spent


def in_double(model, folder, asked, theirs, ours, n):
    """Compares the n lowest sums of both programs with double precision, to show how large fp32's own error is."""
    exact = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    longest = sorted((sums[c], i, c) for i, sums in enumerate(theirs) for c in range(len(sums)))[:n]
    off = []
    for _, i, c in longest:
        context, continuation = model._encode_pair(*asked[i][c][:2])
        with torch.no_grad():
            logits = exact(torch.tensor([(context + continuation)[:-1]])).logits[0, -len(continuation):]
        right = torch.log_softmax(logits, -1).gather(1, torch.tensor(continuation)[:, None]).sum().item()
        off.append((abs(theirs[i][c] - right), abs(ours[i][c] - right), abs(theirs[i][c] - ours[i][c])))
    print("  from double precision on the {} lowest sums, {:.0f} to {:.0f}: harness up to {:.1e}, assay up to {:.1e}; "
          "from each other up to {:.1e}".format(len(off), longest[0][0], longest[-1][0],
                                                *(max(o[k] for o in off) for k in range(3))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab"), parser.add_argument("folder"), parser.add_argument("data")
    parser.add_argument("tasks", nargs="*", default=["arc_easy", "boolq"])
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--double", type=int, default=0, help="compare this many sums with double precision, too")
    parser.add_argument("--out")
    given = parser.parse_args()
    threads = torch.get_num_threads()
    model = HFLM(pretrained=given.folder, dtype="float32", device="cpu", batch_size=given.batch)
    here = Path(__file__).resolve().parent
    found = {"lm_eval": lm_eval.__version__, "transformers": transformers.__version__, "batch": given.batch,
             "threads": threads, "tasks": {}}
    for task in given.tasks or ["arc_easy", "boolq"]:
        with tempfile.TemporaryDirectory() as folder:
            rows = local_task(task, rows_of(task, given.data, given.items), folder)
            theirs, asked, (wall, cpu) = harness(model, task, folder)
            out = Path(folder) / "ours.json"
            subprocess.run([given.lab, "run", here / "lm_eval_items.lua", "--quiet", "--set", f"model={given.folder}",
                            "--set", f"task={task}", "--set", f"rows={rows}", "--set", f"out={out}"], check=True)
            ours = json.loads(out.read_text())
        worst, worst_sum = max((abs(a - b), a) for x, y in zip(theirs, ours["items"]) for a, b in zip(x, y))
        above = sum(abs(a - b) > 1e-4 for x, y in zip(theirs, ours["items"]) for a, b in zip(x, y))
        assert [len(x) for x in theirs] == [len(x) for x in ours["items"]]
        usage = ours["usage"]
        found["tasks"][task] = {
            "items": len(theirs), "worst_difference": worst, "of_the_sum": worst_sum,
            "above_1e-4": above, "harness_seconds": wall, "assay_seconds": usage["seconds"],
            "ratio": wall / usage["seconds"], "ratio_cpu": cpu / ours["cpu"],
            "tokens_computed": usage["computed"], "tokens_needed": usage["needed"], "tokens_one_by_one": usage["alone"]}
        print(f"{task}: {len(theirs)} items, worst difference {worst:.1e} of a sum of {worst_sum:.1f}, {above} above 1e-4; "
              f"harness {wall:.1f} s ({cpu:.1f} CPU), "
              f"assay {usage['seconds']:.1f} s ({ours['cpu']:.1f} CPU): {wall / usage['seconds']:.1f} times as fast, "
              f"{cpu / ours['cpu']:.1f} by CPU time; {usage['computed']} tokens computed, {usage['needed']} needed",
              flush=True)
        if given.double:
            in_double(model, given.folder, asked, theirs, ours["items"], given.double)
        # The bound is 1e-4. For large sums it is 2e-6 of the sum, since fp32 is coarser there.
        assert all(abs(a - b) < max(1e-4, 2e-6 * abs(a)) for x, y in zip(theirs, ours["items"])
                   for a, b in zip(x, y)), "log-likelihoods differ"
    if given.out:
        Path(given.out).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
