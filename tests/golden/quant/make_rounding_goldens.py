#!/usr/bin/env python3
"""Makes golden results of gptaq, adaround, salient and autoround, in float64 PyTorch, directly from the papers' equations.

It shares no code with the plugins: it uses explicit inverses of submatrices, autograd for every gradient, and a Llama
block written from its formulas. Writes rounding.safetensors and rounding.json (matrices, configurations, losses,
versions). Also writes block/, a model of one layer; the test lets autoround quantize this layer as a whole.
Run: python3 make_rounding_goldens.py  (needs torch, numpy and safetensors)
"""
import json
import pathlib

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file

from make_goldens import codes_of, fit, limits

HERE = pathlib.Path(__file__).parent
OUT, IN, TOKENS = 24, 96, 300
F64 = torch.float64


def inputs():
    rng = np.random.default_rng(20260315)
    w = (rng.standard_t(5, (OUT, IN)) * 0.05).astype(np.float32)
    mix = rng.standard_normal((IN, IN)) * 0.25 + np.eye(IN)
    gain = np.exp(0.8 * rng.standard_normal(IN))
    x_float = rng.standard_normal((TOKENS, IN)) @ mix * gain
    x = (x_float + 0.1 * gain * rng.standard_normal((TOKENS, IN))).astype(np.float32).astype(np.float64)
    to32 = lambda m: torch.from_numpy(m.astype(np.float32))
    return torch.from_numpy(w), to32(x.T @ x), to32(x_float.T @ x), to32(np.abs(x).mean(0))


def grids(w, m, case, columns=None):
    """Returns the scales and zeros [out, groups] of w [out, n], and the group size; m [n] weights the squared errors."""
    size = case["group_size"] or w.shape[1]
    slices = [slice(a, min(a + size, w.shape[1])) for a in range(0, w.shape[1], size)]
    found = [[fit(row[s], m[s], case) for s in slices] for row in w]
    return np.array([[g[0] for g in row] for row in found]), np.array([[g[1] for g in row] for row in found]), size


def rounded(column, scale, zero, case):
    return scale * (codes_of(column, scale, zero, case["bits"], case["symmetric"]) - zero)


def gptaq(w, h, cross, case):
    """GPTAQ (Li et al. 2025). When column q is rounded to w^_q, the columns F to its right change by
    dw_F = -(w_q - w^_q) / [inv(H)]_qq inv(H)_qF + alpha w_q D_qF inv(H_FF). H is the damped Hessian of the columns that are left;
    D = cross - h, where cross = x_float^T x."""
    w, h, d = w.double().numpy(), h.double().numpy(), (cross - h).double().numpy()
    diagonal = np.diag(h).copy()
    scale, zero, size = grids(w, diagonal, case)
    order = np.argsort(-diagonal, kind="stable") if case["act_order"] else np.arange(IN)
    hp = h[np.ix_(order, order)] + case["damping"] * diagonal.mean() * np.eye(IN)
    dp = d[np.ix_(order, order)]
    left, out = w[:, order].copy(), np.empty_like(w)
    for i, column in enumerate(order):
        inverse = np.linalg.inv(hp[i:, i:])  # of the columns that are left; this column is the first
        g = column // size
        out[:, column] = rounded(left[:, i], scale[:, g], zero[:, g], case)
        error = (left[:, i] - out[:, column]) / inverse[0, 0]
        value = left[:, i].copy()
        left[:, i + 1:] -= np.outer(error, inverse[0, 1:])
        if i + 1 < IN:
            left[:, i + 1:] += case["alpha"] * np.outer(value, dp[i, i + 1:] @ np.linalg.inv(hp[i + 1:, i + 1:]))
    return torch.from_numpy(out)


def adaround(w, h, cross, case):
    """AdaRound (Nagel et al. 2020), with the error computed from the Hessian. Both terms of the loss, the error and the
    regulariser, are normalised (plugins/METHODS.md, "AdaRound")."""
    w, h = w.double(), h.double()
    diagonal = h.diagonal().clone()
    scale, zero, size = grids(w.numpy(), diagonal.numpy(), case)
    at = torch.arange(IN) // size
    s, z = torch.from_numpy(scale)[:, at], torch.from_numpy(zero)[:, at]
    low, high = limits(case["bits"], case["symmetric"])
    target = w @ (cross.double() - h) if case["target"] == "float" else torch.zeros_like(w)
    h = h + case["damping"] * diagonal.mean() * torch.eye(IN, dtype=F64)
    energy = lambda d: ((d @ h) * d).sum() - 2 * (target * d).sum()
    nearest = s * (torch.clamp(torch.round(w / s), low - z, high - z)) - w
    normaliser = ((nearest @ h) * nearest).sum()
    x = w / s
    floor = torch.floor(x)
    free = (floor >= low - z) & (floor < high - z)
    floor = torch.clamp(floor, min=low - z, max=high - z)
    share = torch.clamp(x - floor, 0.005, 0.995)
    v = (-torch.log(1.2 / (share + 0.1) - 1)).requires_grad_()
    adam = torch.optim.Adam([v], lr=case["learning_rate"])
    total, warm = case["iterations"], int(0.2 * case["iterations"])
    soft = lambda: torch.clamp(torch.sigmoid(v) * 1.2 - 0.1, 0, 1)
    for i in range(total):
        hv = soft()
        loss = energy(s * (floor + torch.where(free, hv, 0)) - w) / normaliser
        if i >= warm:
            beta = case["beta_start"] + (2 - case["beta_start"]) * max(0.0, (i - warm) / (total - warm - 1))
            loss = loss + case["regulariser"] * (1 - (2 * hv[free] - 1).abs() ** beta).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        learned = s * (floor + torch.where(free & (soft() >= 0.5), 1.0, 0.0))
        best = learned if energy(learned - w) <= energy(nearest) else nearest + w
        if not case["descend"]:
            return best
        up = torch.round(best / s) > floor
        slope = (best - w) @ h - target
        for _ in range(4):  # each row flips the rounding of one weight after another where this lowers its loss
            for j in range(IN):
                step = torch.where(up[:, j], -s[:, j], s[:, j])
                flip = free[:, j] & (2 * step * slope[:, j] + step**2 * h[j, j] < 0)
                up[:, j] ^= flip
                slope += torch.where(flip, step, 0.0)[:, None] * h[j]
        return s * (floor + up.double())


def salient(w, h, mean, case):
    """Ranks columns by the loss of OWQ or by mean |x|, and rounds by gptq with explicit inverses. The first columns
    of the ranking become float16 or 8-bit, and are rounded last. In one case the columns that follow in the ranking
    (a middle tier) have 4 bits."""
    w, h = w.double().numpy(), h.double().numpy()
    diagonal = np.diag(h).copy()
    scale, zero, size = grids(w, diagonal, case)
    at = np.arange(IN) // size
    error = w - rounded(w, scale[:, at], zero[:, at], case)
    score = mean.double().numpy() if case["rank"] == "activation" else diagonal * (error**2).sum(0)
    ranked = np.argsort(-score, kind="stable")
    high = max(1, round(case["ratio"] * IN))
    middle = round(case["middle_ratio"] * IN) if case["middle_bits"] else 0
    wide = np.zeros(IN, int)
    wide[ranked[:high]], wide[ranked[high:high + middle]] = 2, 1
    scale, zero, size = grids(np.where(wide > 0, 0, w), np.where(wide > 0, 0, diagonal), case)
    tiers = {}
    for tier, bits in ((1, case["middle_bits"]), (2, case["high_bits"])):
        columns = np.flatnonzero(wide == tier)
        if len(columns) and bits < 16:
            of = {**case, "bits": bits}
            tiers[tier] = (of, columns, *grids(w[:, columns], diagonal[columns], of))
    order = sorted(np.argsort(-diagonal, kind="stable"), key=lambda j: wide[j])
    hp = h[np.ix_(order, order)] + case["damping"] * diagonal.mean() * np.eye(IN)
    left, out = w[:, order].copy(), np.empty_like(w)
    for i, column in enumerate(order):
        if wide[column] == 2 and case["high_bits"] == 16:
            out[:, column] = np.float16(left[:, i])
            continue
        if wide[column]:
            of, columns, s, z, n = tiers[wide[column]]
            g = int(np.searchsorted(columns, column)) // n
            out[:, column] = rounded(left[:, i], s[:, g], z[:, g], of)
        else:
            out[:, column] = rounded(left[:, i], scale[:, column // size], zero[:, column // size], case)
        inverse = np.linalg.inv(hp[i:, i:])
        left[:, i:] -= np.outer((left[:, i] - out[:, column]) / inverse[0, 0], inverse[0])
    return torch.from_numpy(out)


# --- autoround on a block ---

HIDDEN, HEADS, KV, DIM, INNER, VOCAB, ROWS, LENGTH = 64, 4, 2, 16, 128, 96, 4, 24
LINEARS = {"self_attn.q_proj": (HEADS * DIM, HIDDEN), "self_attn.k_proj": (KV * DIM, HIDDEN),
           "self_attn.v_proj": (KV * DIM, HIDDEN), "self_attn.o_proj": (HIDDEN, HEADS * DIM),
           "mlp.gate_proj": (INNER, HIDDEN), "mlp.up_proj": (INNER, HIDDEN), "mlp.down_proj": (HIDDEN, INNER)}


def rope(x):
    half = DIM // 2
    angle = torch.arange(LENGTH, dtype=F64)[:, None] * 10000.0 ** (-torch.arange(half, dtype=F64) / half)
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    low, high = x[..., :half], x[..., half:]
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)


def block(h, w, norms):
    rms = lambda x, g: g * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)
    x = rms(h, norms[0])
    split = lambda name, heads: (x @ w[name].T).view(ROWS, LENGTH, heads, DIM)
    q, k, v = rope(split("self_attn.q_proj", HEADS)), rope(split("self_attn.k_proj", KV)), split("self_attn.v_proj", KV)
    k, v = (t.repeat_interleave(HEADS // KV, 2) for t in (k, v))
    scores = torch.einsum("rihd,rjhd->rhij", q, k) / DIM**0.5
    scores = scores.masked_fill(torch.triu(torch.ones(LENGTH, LENGTH, dtype=torch.bool), 1), -torch.inf)
    mixed = torch.einsum("rhij,rjhd->rihd", scores.softmax(-1), v).reshape(ROWS, LENGTH, -1)
    h = h + mixed @ w["self_attn.o_proj"].T
    x = rms(h, norms[1])
    inner = torch.nn.functional.silu(x @ w["mlp.gate_proj"].T) * (x @ w["mlp.up_proj"].T)
    return h + inner @ w["mlp.down_proj"].T


class straight_round(torch.autograd.Function):
    forward = staticmethod(lambda ctx, x: torch.round(x))
    backward = staticmethod(lambda ctx, g: g)


def fake(w, p, case):
    """The rounded weights of AutoRound (Cheng et al. 2023): V is added to each weight / scale; alpha and beta scale the ends
    of the range."""
    low, high = limits(case["bits"], case["symmetric"])
    groups = w.view(w.shape[0], -1, case["group_size"])
    top = groups.amax(-1).clamp(min=0) * p["alpha"]
    bottom = groups.amin(-1).clamp(max=0) * p["beta"]
    if case["symmetric"]:
        scale, zero = torch.where(-bottom >= top, bottom, top) / low, 0.0
    else:
        scale = (top - bottom) / high
        zero = torch.clamp(torch.round(-bottom / scale), 0, high).detach()[..., None]
    s = scale[..., None]
    q = torch.clamp(straight_round.apply(groups / s + p["v"].view_as(groups)), low - zero, high - zero)
    return (s * q).view_as(w)


def autoround(h, weights, norms, case):
    target = block(h, weights, norms)
    learned = {}
    for name, w in weights.items():
        n = (w.shape[0], w.shape[1] // case["group_size"])
        learned[name] = {"v": torch.zeros_like(w), "alpha": torch.ones(n, dtype=F64), "beta": torch.ones(n, dtype=F64)}
    losses, kept = [], None
    for i in range(case["iterations"]):
        for p in learned.values():
            for t in p.values():
                t.requires_grad_()
        loss = (block(h, {n: fake(w, learned[n], case) for n, w in weights.items()}, norms) - target).pow(2).mean()
        losses.append(loss.item())
        if losses[-1] == min(losses):
            kept = {n: fake(w, learned[n], case).detach() for n, w in weights.items()}
        loss.backward()
        rate = (1 - i / case["iterations"]) / case["iterations"]
        for p in learned.values():
            for key, t in p.items():
                moved = t.detach() - rate * (t.grad.sign() if t.grad is not None else 0)
                p[key] = moved.clamp(-0.5, 0.5) if key == "v" else moved.clamp(0, 1)
    return losses, kept


def write_block(cases):
    g = torch.Generator().manual_seed(7)
    draw = lambda shape, size: torch.randn(shape, generator=g) * size
    prefix = "model.layers.0."
    tensors = {"model.embed_tokens.weight": draw((VOCAB, HIDDEN), 1.0), "model.norm.weight": torch.ones(HIDDEN),
               prefix + "input_layernorm.weight": draw((HIDDEN,), 0.1) + 1,
               prefix + "post_attention_layernorm.weight": draw((HIDDEN,), 0.1) + 1}
    for name, shape in LINEARS.items():
        tensors[prefix + name + ".weight"] = draw(shape, 0.15)
    ids = torch.randint(0, VOCAB, (ROWS, LENGTH), generator=g)
    folder = HERE / "block"
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
              "intermediate_size": INNER, "num_hidden_layers": 1, "num_attention_heads": HEADS,
              "num_key_value_heads": KV, "head_dim": DIM, "vocab_size": VOCAB, "max_position_embeddings": 256,
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True,
              "torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    h = tensors["model.embed_tokens.weight"][ids].double()
    weights = {name: tensors[prefix + name + ".weight"].double() for name in LINEARS}
    norms = [tensors[prefix + n + ".weight"].double() for n in ("input_layernorm", "post_attention_layernorm")]
    listed = []
    for case in cases:
        losses, _ = autoround(h, weights, norms, case)
        listed.append({"config": case, "losses": losses})
        print("autoround", case["symmetric"], losses[0], min(losses))
    return {"ids": ids.tolist(), "cases": listed}


def main():
    torch.set_num_threads(1)
    w, h, cross, mean = inputs()
    base = {"bits": 4, "group_size": 32, "symmetric": True, "grid": "weighted", "scale_dtype": "float16"}
    learn = {**base, "damping": 0.01, "iterations": 200, "learning_rate": 0.02, "regulariser": 30.0, "beta_start": 20,
             "start": "rtn", "descend": False}
    keep = {**base, "damping": 0.05, "act_order": True, "rank": "loss", "ratio": 0.05, "high_bits": 16, "middle_bits": 0,
            "middle_ratio": 0.1}
    cases = [
        ("gptaq", {**base, "act_order": False, "damping": 0.01, "alpha": 1.0}),
        ("gptaq", {**base, "act_order": True, "damping": 0.05, "alpha": 0.25, "bits": 3}),
        ("gptaq", {**base, "act_order": True, "damping": 0.01, "alpha": 0.5, "symmetric": False}),
        ("adaround", {**learn, "target": "same_input"}),
        ("adaround", {**learn, "target": "float", "bits": 3, "symmetric": False}),
        ("adaround", {**learn, "target": "same_input", "descend": True, "bits": 3}),
        ("salient", keep),
        ("salient", {**keep, "high_bits": 8, "bits": 3, "rank": "activation"}),
        ("salient", {**keep, "high_bits": 8, "bits": 2, "middle_bits": 4}),
    ]
    tensors = {"weight": w, "hessian": h, "cross": cross, "abs_mean": mean}
    listed = []
    for index, (method, config) in enumerate(cases):
        other = mean if method == "salient" else cross
        result = {"gptaq": gptaq, "adaround": adaround, "salient": salient}[method](w, h, other, config)
        tensors[f"expected.{index}"] = result.float().contiguous()
        d, h64, w64 = w.double() - result, h.double(), w.double()
        loss = float(((d @ h64) * d).sum() / ((w64 @ h64) * w64).sum())
        listed.append({"method": method, "config": config, "loss": loss})
        print(method, config["bits"], config["symmetric"], f"{loss:.6f}")
    save_file(tensors, HERE / "rounding.safetensors")
    small = {"bits": 4, "group_size": 32, "scale_dtype": "float32", "start": "range", "iterations": 10, "batch": ROWS}
    blocks = write_block([{**small, "symmetric": True}, {**small, "symmetric": False, "bits": 3}])
    made_by = {"torch": torch.__version__, "numpy": np.__version__, "safetensors": safetensors.__version__}
    text = {"made_by": made_by, "tokens": TOKENS, "cases": listed, "autoround": blocks}
    (HERE / "rounding.json").write_text(json.dumps(text, indent=1) + "\n")


if __name__ == "__main__":
    main()
