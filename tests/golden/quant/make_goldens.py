#!/usr/bin/env python3
"""Makes golden results of integer quantizers, in float64 numpy, directly from the papers' equations.

It shares no code with the plugins: GPTQ uses an explicit inverse and Cholesky factor, and the search for scales tries
all candidates.
Writes quant.safetensors (inputs and expected dequantized weights) and cases.json (configurations, losses, versions).
Run: python3 make_goldens.py  (needs numpy and safetensors)
"""
import json
import pathlib

import numpy as np
import safetensors
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
OUT, IN, TOKENS = 40, 160, 400  # 160 = 2.5 groups of 64, so the last group is short


def inputs():
    rng = np.random.default_rng(20240611)
    w = (rng.standard_t(4, (OUT, IN)) * 0.05).astype(np.float32)
    mix = rng.standard_normal((IN, IN)) * 0.3 + np.eye(IN)
    gain = np.exp(rng.standard_normal(IN))
    x = (rng.standard_normal((TOKENS, IN)) @ mix * gain).astype(np.float32)
    x[:, 17] = 0.0  # a dead column: this input is always 0
    h = (x.astype(np.float64).T @ x.astype(np.float64)).astype(np.float32)
    return w, h, (np.diag(h) / TOKENS).astype(np.float32)


def stored(scale, dtype):
    if dtype == "float16":
        return np.float64(np.float16(scale))
    return np.float64(np.float32(scale))


def limits(bits, symmetric):
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if symmetric else (0, 2**bits - 1)


def codes_of(w, scale, zero, bits, symmetric):
    low, high = limits(bits, symmetric)
    return np.clip(np.rint(w / scale + zero), low, high)


def plain_grid(w, bits, symmetric, dtype, factor=1.0, flip=False):
    """Returns (scale, zero). Symmetric grids use the full range: the largest weight, whatever its sign, becomes -2^(bits-1).
    The range of asymmetric grids includes 0."""
    if symmetric:
        extreme = w.min() if -w.min() >= w.max() else w.max()
        scale = -extreme / 2 ** (bits - 1) * factor
        return stored(-scale if flip else scale, dtype), 0.0
    low, high = min(w.min(), 0.0) * factor, max(w.max(), 0.0) * factor
    scale = stored((high - low) / (2**bits - 1), dtype)
    return scale, float(np.clip(np.rint(-low / scale), 0, 2**bits - 1))


def candidates(w, bits, symmetric, dtype):
    factors = [0.6 + 0.55 * i / 22 for i in range(23)] + [1.0]
    if symmetric:
        return [plain_grid(w, bits, True, dtype, f, flip) for flip in (False, True) for f in factors]
    return [plain_grid(w, bits, False, dtype, f) for f in factors] + [
        plain_grid(w, bits, False, dtype, (1 + f) / 2) for f in factors]


def fit(w, m, case):
    """Returns the best scale and zero for one group of weights w whose squared errors are weighted by m."""
    bits, symmetric, dtype = case["bits"], case["symmetric"], case["scale_dtype"]
    if not w.any():
        return 1.0, 0.0
    if case["grid"] == "minmax":
        return plain_grid(w, bits, symmetric, dtype)
    if case["grid"] == "mse":
        m = np.ones_like(w)
    best = (np.inf, 1.0, 0.0)
    for scale, zero in candidates(w, bits, symmetric, dtype):
        for _ in range(2):  # first this scale, then the best scale for the codes that it gives
            q = codes_of(w, scale, zero, bits, symmetric) - zero
            error = (m * (w - scale * q) ** 2).sum()
            if error < best[0]:
                best = (error, scale, zero)
            if (m * q * q).sum() == 0:
                break
            scale = stored((m * w * q).sum() / (m * q * q).sum(), dtype)
    return best[1], best[2]


def group_slices(case):
    size = IN if case["group_size"] == -1 else case["group_size"]
    return [slice(first, min(first + size, IN)) for first in range(0, IN, size)]


def grids(w, m, case):
    return [[fit(row[s], m[s], case) for s in group_slices(case)] for row in w]


def rtn(w, h, m, case):
    out = np.empty_like(w)
    for r, row in enumerate(grids(w, m, case)):
        for (scale, zero), s in zip(row, group_slices(case)):
            out[r, s] = scale * (codes_of(w[r, s], scale, zero, case["bits"], case["symmetric"]) - zero)
    return out


def gptq(w, h, m, case):
    w, h = w.copy(), h.copy()
    dead = np.diag(h) == 0
    h[dead, dead] = 1.0
    w[:, dead] = 0.0
    diagonal = np.diag(h).copy()
    order = np.argsort(-diagonal, kind="stable") if case["act_order"] else np.arange(IN)
    size = IN if case["group_size"] == -1 else case["group_size"]
    table = grids(w, diagonal, case)
    h = h + case["damping"] * diagonal.mean() * np.eye(IN)
    inverse = np.linalg.inv(h[np.ix_(order, order)])
    u = np.linalg.cholesky(inverse).T  # upper, inverse = u.T @ u
    left = w[:, order].copy()
    out = np.empty_like(w)
    for i, column in enumerate(order):
        g = column // size
        if not case["static_groups"] and case["group_size"] != -1 and column % size == 0:
            part = slice(column, min(column + size, IN))  # columns are in natural order, so the position is the column
            for r in range(OUT):
                table[r][g] = fit(left[r, part], diagonal[part], case)
        scale = np.array([table[r][g][0] for r in range(OUT)])
        zero = np.array([table[r][g][1] for r in range(OUT)])
        rounded = scale * (codes_of(left[:, i], scale, zero, case["bits"], case["symmetric"]) - zero)
        out[:, column] = rounded
        error = (left[:, i] - rounded) / u[i, i]
        left[:, i:] -= np.outer(error, u[i, i:])
    return out


def loss(w, q, h):
    d = w - q
    return float(np.trace(d @ h @ d.T) / np.trace(w @ h @ w.T))


def main():
    w, h, m = inputs()
    base = {"bits": 4, "group_size": 64, "symmetric": True, "grid": "weighted", "scale_dtype": "float16"}
    plain = {"act_order": False, "static_groups": True, "damping": 0.01, "block_size": 128}
    cases = [
        ("opt_rtn", {**base, "grid": "minmax"}),
        ("opt_rtn", {**base, "grid": "minmax", "symmetric": False, "group_size": -1}),
        ("opt_rtn", {**base, "grid": "mse", "bits": 3}),
        ("opt_rtn", base),
        ("opt_rtn", {**base, "symmetric": False, "bits": 3, "group_size": 32}),
        ("opt_rtn", {**base, "bits": 8, "group_size": -1, "scale_dtype": "float32"}),
        ("gptq", {**base, **plain, "act_order": True, "damping": 0.05}),
        ("gptq", {**base, **plain, "static_groups": False, "group_size": 32}),
        ("gptq", {**base, **plain, "static_groups": False, "grid": "minmax", "bits": 3}),
        ("gptq", {**base, **plain, "grid": "minmax", "group_size": -1, "symmetric": False}),
        ("gptq", {**base, **plain, "symmetric": False, "bits": 3, "act_order": True}),
    ]
    tensors = {"weight": w, "hessian": h, "sq_mean": m}
    listed = []
    for index, (method, config) in enumerate(cases):
        run = {"opt_rtn": rtn, "gptq": gptq}[method]
        result = run(w.astype(np.float64), h.astype(np.float64), m.astype(np.float64), config)
        tensors[f"expected.{index}"] = result.astype(np.float32)
        listed.append({"method": method, "config": config,
                       "loss": loss(w.astype(np.float64), result, h.astype(np.float64)),
                       "error": float(((w - result) ** 2).sum() / (w.astype(np.float64) ** 2).sum())})
    save_file(tensors, HERE / "quant.safetensors")
    made_by = {"numpy": np.__version__, "safetensors": safetensors.__version__}
    (HERE / "cases.json").write_text(json.dumps({"made_by": made_by, "tokens": TOKENS, "cases": listed}, indent=1) + "\n")
    for item in listed:
        print(item["method"], item["config"]["bits"], item["config"]["grid"], f"{item['loss']:.6f} {item['error']:.6f}")


if __name__ == "__main__":
    main()
