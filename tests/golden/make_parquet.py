#!/usr/bin/env python3
"""Writes tests/golden/parquet: a few rows made up here, in the layouts of datasets on the hub, so that tests need no other data.

    python3 tests/golden/make_parquet.py

Written with pyarrow (its version is in the files' metadata). The files cover both names of a list's elements in the schema, both
layouts of answers (struct of lists, list of structs), empty lists, several row groups, codecs, page versions and string types.
"""
import os

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parquet")


def write(path, table, **options):
    path = os.path.join(HERE, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pq.write_table(table, path, **options)


def main():
    write("aps/super_glue/boolq/validation-00000-of-00001.parquet", pa.table({
        "question": ["is ice cold", "is fire cold"], "passage": ["Ice is cold.", "Fire is hot."],
        "idx": pa.array([0, 1], pa.int32()), "label": pa.array([1, 0], pa.int64())}))
    write("cais/mmlu/all/test-00000-of-00001.parquet", pa.table({
        "question": ["What is 2 + 2?"], "subject": ["elementary_mathematics"], "choices": [["3", "4", "5", "6"]],
        "answer": pa.array([1], pa.int64())}), compression="zstd", data_page_version="2.0")
    math = {"problem": ["What is 1 + 1?", "What is $2^3$?"], "generated_solution": ["It is \\boxed{2}.", "So \\boxed{8}."],
            "expected_answer": ["2", "8"], "problem_source": ["gsm8k", "augmented_math"]}
    write("nvidia/OpenMathInstruct-2/data/train-00000-of-00001.parquet", pa.table(math), row_group_size=1)
    write("nvidia/OpenMathInstruct-2/data/train_1M-00000-of-00001.parquet", pa.table({k: v[:1] for k, v in math.items()}))
    answers = [{"text": [], "answer_start": []}, {"text": ["ice", "Ice"], "answer_start": [0, 0]},
               {"text": [], "answer_start": []}, {"text": ["hot"], "answer_start": [8]}]
    squad = {"id": list("abcd"), "title": ["T"] * 4, "context": ["Ice is cold, fire is hot."] * 4,
             "question": ["Q0?", "Q1?", "Q2?", "Q3?"]}
    of_lists = pa.array(answers, pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))]))
    write("rajpurkar/squad_v2/squad_v2/validation-00000-of-00001.parquet", pa.table({**squad, "answers": of_lists}),
          row_group_size=2, use_compliant_nested_type=False)
    turned = [[{"text": t, "answer_start": s} for t, s in zip(a["text"], a["answer_start"])] for a in answers]
    write("squad_of_structs.parquet", pa.table({**squad, "answers": pa.array(turned)}), compression="gzip")
    large = {k: pa.array(v, pa.large_string()) for k, v in squad.items()}
    write("squad_large.parquet", pa.table({**large, "answers": pa.array(
        answers, pa.struct([("text", pa.large_list(pa.large_string())), ("answer_start", pa.large_list(pa.int32()))]))}),
          compression="none", use_dictionary=False, column_encoding={"id": "DELTA_BYTE_ARRAY", "title": "DELTA_LENGTH_BYTE_ARRAY"})
    write("integers.parquet", pa.table({
        "u": pa.array([2**64 - 1, 2**63, 2**63 - 1, 0], pa.uint64()), "i": pa.array([-2**63, 2**63 - 1, -1, 0], pa.int64())}))
    write("not_json.parquet", pa.table({"when": pa.array([0], pa.timestamp("us")), "n": [1.5]}))


if __name__ == "__main__":
    main()
