#!/usr/bin/env python3
"""Makes golden results of transforms, in float64 PyTorch, directly from the papers' equations.

It shares no code with the plugins. The statistics come from a Llama forward pass that is written here. Hadamard
matrices come from Paley's formulas with a table of squares. Losses are computed from the outputs of linears, of
attention or of the MLP, not from Gram matrices.
Writes model/ (a random Llama of 2 blocks) and expected.safetensors with cases.json (choices, losses, versions).
Run: python3 make_goldens.py  (needs torch, numpy, scipy, safetensors)
"""
import json
import pathlib

import numpy as np
import safetensors
import scipy
import scipy.linalg
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
HIDDEN, INTER, VOCAB, HEADS, KV, DIM, BLOCKS = 48, 144, 32, 4, 2, 16, 2
EPS, THETA, ROWS, TOKENS, GROUP = 1e-5, 10000.0, 6, 24, 16
torch.set_default_dtype(torch.float64)


def make_model():
    g = torch.Generator().manual_seed(7)

    def random(*shape, scale):
        return (torch.randn(*shape, generator=g) * scale).float().double()

    w = {"model.embed_tokens.weight": random(VOCAB, HIDDEN, scale=1.0), "model.norm.weight": random(HIDDEN, scale=0.2) + 1}
    shapes = {"self_attn.q_proj": (HEADS * DIM, HIDDEN), "self_attn.k_proj": (KV * DIM, HIDDEN),
              "self_attn.v_proj": (KV * DIM, HIDDEN), "self_attn.o_proj": (HIDDEN, HEADS * DIM),
              "mlp.gate_proj": (INTER, HIDDEN), "mlp.up_proj": (INTER, HIDDEN), "mlp.down_proj": (HIDDEN, INTER)}
    for i in range(BLOCKS):
        p = f"model.layers.{i}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            w[p + norm + ".weight"] = (torch.exp(random(HIDDEN, scale=0.8))).float().double()
        for name, (out, inn) in shapes.items():
            w[p + name + ".weight"] = random(out, inn, scale=0.2)
    return w


def rms(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * weight


def rope(x):  # [rows, heads, tokens, dim]
    half = DIM // 2
    angles = torch.outer(torch.arange(x.shape[2], dtype=torch.float64), THETA ** (-torch.arange(half) / half))
    cos, sin = angles.cos(), angles.sin()
    low, high = x[..., :half], x[..., half:]
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)


class Block:
    """One decoder layer. `w` maps short names ("q", "norm1") to weights."""

    def __init__(self, w):
        self.w = dict(w)

    def attention(self, h):
        x = rms(h, self.w["norm1"])
        rows, tokens, _ = x.shape

        def heads(name, n):
            return (x @ self.w[name].T).view(rows, tokens, n, DIM).transpose(1, 2)

        q, k, v = rope(heads("q", HEADS)), rope(heads("k", KV)), heads("v", KV)
        k, v = (t.repeat_interleave(HEADS // KV, 1) for t in (k, v))
        scores = q @ k.transpose(2, 3) / DIM ** 0.5
        scores = scores.masked_fill(torch.ones(tokens, tokens).triu(1).bool(), -torch.inf)
        a = (scores.softmax(-1) @ v).transpose(1, 2).reshape(rows, tokens, HEADS * DIM)
        return x, a, a @ self.w["o"].T

    def mlp(self, h):
        x = rms(h, self.w["norm2"])
        m = torch.nn.functional.silu(x @ self.w["gate"].T) * (x @ self.w["up"].T)
        return x, m, m @ self.w["down"].T


def block_of(w, i):
    p = f"model.layers.{i}."
    names = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
             "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj", "norm1": "input_layernorm",
             "norm2": "post_attention_layernorm"}
    return Block({short: w[p + name + ".weight"] for short, name in names.items()})


def round_plain(w, bits=4):
    """Rounds to nearest in groups, on symmetric grids that use all 2^bits codes; returns the dequantized weights."""
    out = torch.empty_like(w)
    half = 2 ** (bits - 1)
    for first in range(0, w.shape[1], GROUP):
        part = w[:, first:first + GROUP]
        low, high = part.min(1, keepdim=True).values.clamp(max=0), part.max(1, keepdim=True).values.clamp(min=0)
        scale = -torch.where(-low >= high, low, high) / half
        out[:, first:first + GROUP] = torch.round(part / scale).clamp(-half, half - 1) * scale
    return out


def relative_weight(weights):
    parts = []
    for w in weights:
        groups = w.abs().view(w.shape[0], -1, GROUP)
        parts.append((groups / (groups.amax(2, keepdim=True) + 1e-6)).view_as(w))
    return torch.cat(parts).mean(0)


def tie_map(kind):
    if kind != "v_o":
        return None
    column = torch.arange(HEADS * DIM)
    return (column // DIM) * KV // HEADS * DIM + column % DIM


def tied(x, tie, n, how):
    if tie is None:
        return x
    return torch.stack([getattr(x[tie == j], how)() for j in range(n)])


def awq_scale(x, w, r):
    s = (x ** r if w is None else x ** r / (w ** (1 - r) + 1e-4)).clamp(min=1e-4)
    return s / (s.max() * s.min()).sqrt()


def awq(group, steps, behind):
    """AWQ's search for scales, over both of its formulas (plain, duo). `behind` returns the
    loss for scales [columns]."""
    tie, n = tie_map(group["kind"]), group["producers"]
    x = tied(group["x"].abs().flatten(0, 1).mean(0), tie, n, "mean")
    w = tied(relative_weight([group["block"].w[c] for c in group["consumers"]]), tie, n, "mean")
    wide = (lambda s: s) if tie is None else (lambda s: s[tie])
    best = {"form": "identity", "exponent": 0.0, "scale": torch.ones(n)}
    best["loss"] = best["identity_loss"] = behind(wide(best["scale"]))
    for form in ("plain", "duo"):
        for step in range(0 if form == "duo" else 1, steps + 1):
            s = awq_scale(x, w if form == "duo" else None, step / steps)
            loss = behind(wide(s))
            if loss < best["loss"]:
                best.update(form=form, exponent=step / steps, scale=s, loss=loss)
    return best


def linears_loss(group):
    """Returns a function of the scales: the sum of squared errors of the outputs of the group's linears."""
    x = group["x"].flatten(0, 1)

    def loss(s):
        return sum(float(((x @ (round_plain(w * s) / s - w).T) ** 2).sum())
                   for w in (group["block"].w[c] for c in group["consumers"]))
    return loss


def parent_loss(group, h):
    """Returns a function of the scales: the mean squared error of the output of attention or of the MLP."""
    run = "attention" if group["consumers"][0] == "q" else "mlp"
    exact = getattr(group["block"], run)(h)[2]

    def loss(s):
        tried = Block({**group["block"].w, **{c: round_plain(group["block"].w[c] * s) / s for c in group["consumers"]}})
        return float(((getattr(tried, run)(h)[2] - exact) ** 2).mean())
    return loss


def groups_of(block, h):
    x1, a, attention = block.attention(h)
    middle = h + attention
    x2, m, mlp = block.mlp(middle)
    make = lambda kind, consumers, x, producers: dict(kind=kind, consumers=consumers, x=x, producers=producers, block=block)
    return ([make("norm", ["q", "k", "v"], x1, HIDDEN), make("v_o", ["o"], a, KV * DIM),
             make("norm", ["gate", "up"], x2, HIDDEN), make("up_down", ["down"], m, INTER)], middle, middle + mlp)


def smooth_scale(group, alpha):
    tie, n = tie_map(group["kind"]), group["producers"]
    x = tied(group["x"].abs().flatten(0, 1).amax(0), tie, n, "amax")
    w = tied(torch.cat([group["block"].w[c] for c in group["consumers"]]).abs().amax(0), tie, n, "amax")
    return (x ** alpha / w.clamp(min=1e-5) ** (1 - alpha)).clamp(min=1e-5)


# ---- Hadamard matrices ----

def squares_prime(q):
    return {i * i % q for i in range(1, q)}


def paley_one(q):
    table = squares_prime(q)
    chi = np.array([[0 if i == j else (1 if (i - j) % q in table else -1) for j in range(q)] for i in range(q)])
    s = np.block([[np.zeros((1, 1)), np.ones((1, q))], [-np.ones((q, 1)), chi]])
    return np.eye(q + 1) + s


def paley_two(q):
    table = squares_prime(q)
    chi = np.array([[0 if i == j else (1 if (i - j) % q in table else -1) for j in range(q)] for i in range(q)])
    c = np.block([[np.zeros((1, 1)), np.ones((1, q))], [np.ones((q, 1)), chi]])
    return np.kron(c, [[1, 1], [1, -1]]) + np.kron(np.eye(q + 1), [[1, -1], [-1, -1]])


BASES = {12: paley_one(11), 20: paley_one(19), 36: paley_two(17), 76: paley_two(37), 148: paley_two(73)}


def hadamard(n):
    """Returns an orthogonal Hadamard matrix [n, n]: the Kronecker product of a base matrix and Sylvester's matrix,
    scaled. The base matrix is the smallest one for which n / its size is a power of two."""
    for order, base in [(1, np.ones((1, 1)))] + sorted(BASES.items()):
        if n % order == 0 and (n // order) & (n // order - 1) == 0:
            return torch.tensor(np.kron(base, scipy.linalg.hadamard(n // order))) / n ** 0.5
    raise ValueError(n)


def rotate(w):
    """Returns weights after the rotations R1, R2 and R4. k and gate are left out: they change as q and up do."""
    r1, r2, r4 = hadamard(HIDDEN), hadamard(DIM), hadamard(INTER)
    out = {"model.embed_tokens.weight": w["model.embed_tokens.weight"] @ r1,
           "lm_head.weight": w["model.embed_tokens.weight"] * w["model.norm.weight"] @ r1}
    for i in range(BLOCKS):
        p, b = f"model.layers.{i}.", block_of(w, i).w
        out[p + "self_attn.q_proj.weight"] = b["q"] * b["norm1"] @ r1
        v = (b["v"] * b["norm1"] @ r1).view(KV, DIM, HIDDEN)
        out[p + "self_attn.v_proj.weight"] = (r2.T @ v).reshape(KV * DIM, HIDDEN)
        o = (r1.T @ b["o"]).view(HIDDEN, HEADS, DIM)
        out[p + "self_attn.o_proj.weight"] = (o @ r2).reshape(HIDDEN, HEADS * DIM)
        out[p + "mlp.up_proj.weight"] = b["up"] * b["norm2"] @ r1
        out[p + "mlp.down_proj.weight"] = r1.T @ b["down"] @ r4
    return out


def main():
    w = make_model()
    ids = torch.randint(0, VOCAB, (ROWS, TOKENS), generator=torch.Generator().manual_seed(3))
    (HERE / "model").mkdir(exist_ok=True)
    save_file({k: v.float().contiguous() for k, v in w.items()}, HERE / "model" / "model.safetensors", {"format": "pt"})
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
              "intermediate_size": INTER, "num_hidden_layers": BLOCKS, "num_attention_heads": HEADS,
              "num_key_value_heads": KV, "head_dim": DIM, "vocab_size": VOCAB, "max_position_embeddings": 256,
              "rms_norm_eps": EPS, "rope_theta": THETA, "hidden_act": "silu", "tie_word_embeddings": True,
              "torch_dtype": "float32"}
    (HERE / "model" / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (HERE / "model" / "tokenizer.json").write_text('{"version": "1.0"}\n')
    tensors, blocks = {"ids": ids}, []
    h = w["model.embed_tokens.weight"][ids]
    for i in range(BLOCKS):
        groups, middle, after = groups_of(block_of(w, i), h)
        listed = []
        for j, group in enumerate(groups):
            chosen = {"gram": awq(group, 20, linears_loss(group))}
            if group["kind"] == "norm":
                chosen["parent"] = awq(group, 20, parent_loss(group, h if j == 0 else middle))
            for name, best in chosen.items():
                tensors[f"{i}.{j}.{name}"] = best.pop("scale").float()
            tensors[f"{i}.{j}.smooth"] = smooth_scale(group, 0.8).float()
            tensors[f"{i}.{j}.sqrt"] = (tied(group["x"].abs().flatten(0, 1).mean(0), tie_map(group["kind"]),
                                             group["producers"], "mean") + 1e-8).sqrt().float()
            listed.append(chosen)
        blocks.append(listed)
        h = after
    for name, weight in rotate(w).items():
        tensors["rotated." + name] = weight.float().contiguous()
    save_file(tensors, HERE / "expected.safetensors")
    made_by = {m.__name__: m.__version__ for m in (torch, np, scipy, safetensors)}
    bases = {str(n): ["".join("+" if x > 0 else "-" for x in row) for row in base] for n, base in BASES.items()}
    for n, base in BASES.items():
        assert (base @ base.T == n * np.eye(n)).all()
    (HERE / "cases.json").write_text(json.dumps({"made_by": made_by, "group_size": GROUP, "blocks": blocks, "bases": bases}) + "\n")


if __name__ == "__main__":
    main()
