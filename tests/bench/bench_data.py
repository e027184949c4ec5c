#!/usr/bin/env python3
"""Compares reading a parquet file as Lua tables with pyarrow's reading as Python objects, in one run, at the size of SQuAD.

    python3 tests/bench/bench_data.py build/bin/assay VALIDATION.parquet

The rows of the file are repeated until there are 11,873, as in SQuAD v2's validation split, and 130,319, as in its training split.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

import pyarrow
import pyarrow.parquet

HERE = os.path.dirname(os.path.abspath(__file__))


def best(work, repeats=3):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    program, source = sys.argv[1:3]
    table = pyarrow.parquet.read_table(source)
    for rows in (11873, 130319):
        repeated = pyarrow.concat_tables([table] * (rows // table.num_rows + 1)).slice(0, rows)
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "rows.parquet")
            pyarrow.parquet.write_table(repeated, path, row_group_size=1000)
            ours = json.loads(subprocess.run([program, "run", os.path.join(HERE, "bench_data.lua"), path], check=True,
                                             capture_output=True, text=True).stdout)
            peer = best(lambda: pyarrow.parquet.read_table(path).to_pylist())
            size = os.path.getsize(path) / 1e6
        print(f"{rows:,} rows, {size:.1f} MB: {ours['records_seconds']:.3f} s to Lua tables (opened in {ours['open_seconds']:.3f} s), "
              f"pyarrow to Python objects {peer:.3f} s: {peer / ours['records_seconds']:.1f} x")


if __name__ == "__main__":
    main()
