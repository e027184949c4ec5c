#!/usr/bin/env python3
"""Makes the golden files for tests of models, with transformers, PEFT and the gguf package. Not run by the tests.

  make_model_goldens.py tiny [NAME...]            tiny random models of every family  -> models/NAME/
  make_model_goldens.py lora [NAME...]            PEFT adapters over a tiny model     -> lora/NAME/
  make_model_goldens.py blocks                    ggml block formats                  -> gguf_blocks.safetensors
  make_model_goldens.py smollm2 FOLDER GGUF TEXT  the real SmolLM2                    -> smollm2.json
                                                  (first make FOLDER with `assay import GGUF FOLDER`)

Needs torch, transformers, safetensors, gguf, numpy, and peft for lora; their versions are written into every golden file.
"""
import hashlib
import importlib.metadata
import json
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
import safetensors
import torch
import transformers
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__,
            "safetensors": safetensors.__version__, "gguf": importlib.metadata.version("gguf"), "numpy": np.__version__}
BASE = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2)
LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 32}

SMALL = dict(num_hidden_layers=2, intermediate_size=24)
GEMMA = dict(head_dim=16, bos_token_id=2, eos_token_id=1, pad_token_id=0)
MOE = dict(moe_intermediate_size=16)
OLMOE = dict(intermediate_size=24, num_key_value_heads=None, pad_token_id=0)

# name: (family, configuration, dtype of the file, shard size, spelling of the config)
TINY = {
    "llama-gqa-untied": ("llama", {}, "float32", None, "modern"),
    "llama3-rope-biases-tied": ("llama", dict(rope_parameters=LLAMA3, attention_bias=True, mlp_bias=True,
                                              tie_word_embeddings=True, eos_token_id=[2, 3]),
                                "bfloat16", None, "modern"),
    "llama-linear-rope-sharded": ("llama", dict(rope_parameters={"rope_type": "linear", "factor": 4.0,
                                                                 "rope_theta": 5000.0}),
                                  "bfloat16", "20KB", "classic"),
    "qwen3-qk-norm-tied": ("qwen3", dict(head_dim=16, tie_word_embeddings=True), "bfloat16", None, "modern"),
    "qwen3-bias-window": ("qwen3", dict(head_dim=12, attention_bias=True, use_sliding_window=True,
                                        sliding_window=7, max_window_layers=1), "float16", None, "modern"),
    "qwen2-window": ("qwen2", dict(use_sliding_window=True, sliding_window=6, max_window_layers=2),
                     "bfloat16", None, "classic"),
    "mistral-short-window": ("mistral", dict(sliding_window=5, head_dim=10), "bfloat16", None, "modern"),
    "mistral-long-window": ("mistral", dict(sliding_window=64, **SMALL), "bfloat16", None, "modern"),
    "qwen3-long-window": ("qwen3", dict(head_dim=16, use_sliding_window=True, sliding_window=64, max_window_layers=1, **SMALL),
                          "bfloat16", None, "classic"),
    "qwen2-tied": ("qwen2", dict(tie_word_embeddings=True, **SMALL), "bfloat16", None, "modern"),
    "seed_oss-biases": ("seed_oss", dict(head_dim=12, attention_out_bias=True, mlp_bias=True, **SMALL), "bfloat16", None,
                        "modern"),
    "mistral-no-window": ("mistral", dict(sliding_window=None), "bfloat16", None, "classic"),
    "gemma3-local-tied": ("gemma3_text", dict(GEMMA, num_hidden_layers=4, sliding_window=6, query_pre_attn_scalar=24,
                                              rope_parameters={
                                                  "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 3e4},
                                                  "sliding_attention": {"rope_type": "default", "rope_theta": 500.0}},
                                              layer_types=["sliding_attention", "full_attention", "full_attention",
                                                           "sliding_attention"]), "bfloat16", None, "modern"),
    "gemma3-pattern-untied": ("gemma3_text", dict(GEMMA, sliding_window=5, sliding_window_pattern=2, tie_word_embeddings=False),
                              "bfloat16", None, "classic"),
    "gemma3-caps": ("gemma3_text", dict(GEMMA, **SMALL, sliding_window=64, final_logit_softcapping=4.0,
                                        attention_bias=True), "float32", None, "modern"),
    "gemma2-caps-tied": ("gemma2", dict(GEMMA, sliding_window=7, query_pre_attn_scalar=10, attn_logit_softcapping=2.0,
                                        final_logit_softcapping=5.0), "bfloat16", None, "modern"),
    "gemma2-no-caps": ("gemma2", dict(GEMMA, **SMALL, sliding_window=5, attn_logit_softcapping=None,
                                      final_logit_softcapping=None), "bfloat16", None, "classic"),
    "olmo2-untied": ("olmo2", dict(pad_token_id=0), "bfloat16", None, "modern"),
    "granite-factors-tied": ("granite", dict(embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.2,
                                             logits_scaling=2.5, tie_word_embeddings=True, mlp_bias=True), "bfloat16", None, "modern"),
    "smollm3-some-rope": ("smollm3", dict(no_rope_layers=[1, 0, 1], attention_bias=True, tie_word_embeddings=False, pad_token_id=0),
                          "bfloat16", None, "classic"),
    "smollm3-interval-tied": ("smollm3", dict(no_rope_layer_interval=2, num_hidden_layers=4, intermediate_size=24, pad_token_id=0),
                              "bfloat16", None, "modern"),
    "qwen3_moe-dense-layer": ("qwen3_moe", dict(MOE, head_dim=16, num_experts=6, num_experts_per_tok=3, mlp_only_layers=[1],
                                                norm_topk_prob=True), "bfloat16", None, "modern"),
    "qwen3_moe-fused-window": ("qwen3_moe", dict(MOE, num_experts=4, num_experts_per_tok=2, decoder_sparse_step=2, attention_bias=True,
                                                 use_sliding_window=True, sliding_window=6, output_router_logits=True),
                               "float32", None, "fused"),
    "mixtral-untied": ("mixtral", dict(num_local_experts=5, num_experts_per_tok=2, intermediate_size=24, router_jitter_noise=0.1),
                       "bfloat16", "20KB", "classic"),
    "mixtral-fused-window-tied": ("mixtral", dict(SMALL, num_local_experts=4, num_experts_per_tok=1, sliding_window=7, head_dim=12,
                                                  tie_word_embeddings=True), "bfloat16", None, "fused"),
    "olmoe-untied": ("olmoe", dict(OLMOE, num_experts=8, num_experts_per_tok=4), "bfloat16", None, "modern"),
    "olmoe-clip-norm": ("olmoe", dict(OLMOE, num_experts=4, num_experts_per_tok=2, clip_qkv=0.8, norm_topk_prob=True,
                                      attention_bias=True), "float32", None, "modern"),
}


def randomise(model, seed):
    """Sets every parameter to random values, also biases (not 0) and norms (factors near 1), so that
    tests see if one is not read."""
    torch.manual_seed(seed)
    middle = 0 if model.config.model_type.startswith("gemma") else 1  # Gemma multiplies by 1 + w
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name:
                p.copy_(middle + 0.3 * torch.randn_like(p))
            elif name.endswith("bias"):
                p.copy_(0.3 * torch.randn_like(p))
            else:
                p.copy_(torch.randn_like(p) * (0.5 if "embed" in name else 1.5 / p.shape[-1] ** 0.5))


def to_classic(folder):
    """Rewrites config.json with the keys of transformers 4: rope_theta, rope_scaling, torch_dtype."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters", None) or {}
    if "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        config["sliding_window_pattern"] = config["layer_types"].index("full_attention") + 1
        rope = rope["full_attention"]
    config["rope_theta"] = rope.pop("rope_theta", 10000.0)
    config["rope_scaling"] = None
    if rope.get("rope_type", "default") != "default":
        config["rope_scaling"] = {("type" if k == "rope_type" else k): v for k, v in rope.items()}
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    path.write_text(json.dumps(config, indent=2) + "\n")


def greedy(model, ids, n):
    ids = list(ids)
    start = len(ids)
    with torch.no_grad():
        for _ in range(n):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].float().argmax()))
    return ids[start:]


def make_tiny(names):
    for seed, (name, (family, extra, dtype, shard, spelling)) in enumerate(TINY.items()):
        if names and name not in names:
            continue
        folder = HERE / "models" / name
        shutil.rmtree(folder, ignore_errors=True)
        config = transformers.AutoConfig.for_model(family, **{**BASE, **extra})
        config._attn_implementation = config._experts_implementation = "eager"
        model = transformers.AutoModelForCausalLM.from_config(config)
        randomise(model, seed)
        model = model.to(getattr(torch, dtype))
        # "fused": the experts of a layer in one tensor, as transformers 5 holds them; otherwise as in released checkpoints.
        model.save_pretrained(folder, save_original_format=spelling != "fused", **({"max_shard_size": shard} if shard else {}))
        (folder / "generation_config.json").unlink(missing_ok=True)
        if spelling == "classic":
            to_classic(folder)
        eager = dict(attn_implementation="eager", experts_implementation="eager")
        reference = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **eager).eval()
        ids = torch.randint(0, 96, (2, 20), generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            logits = reference(ids).logits
        tokens = torch.tensor(greedy(reference, ids[0].tolist(), 12))
        half = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **eager).eval()
        with torch.no_grad():
            rounded = half(ids).logits
        save_file({"ids": ids, "logits": logits.contiguous(), "greedy": tokens, "logits_bf16": rounded.contiguous()}, folder / "golden.safetensors",
                  metadata={"format": "pt", **VERSIONS})
        print(name, sum(f.stat().st_size for f in folder.iterdir()), "bytes")


def make_lora(names):
    import peft
    versions = {**VERSIONS, "peft": peft.__version__}
    base = HERE / "models" / "llama-gqa-untied"
    options = {
        "plain": dict(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"]),
        "rslora-patterns": dict(r=4, lora_alpha=8, use_rslora=True, target_modules="all-linear",
                                rank_pattern={"q_proj": 2, "layers.1.mlp.down_proj": 6},
                                alpha_pattern={"o_proj": 12, r".*layers\.2\.mlp\..*": 10}),
        "fan-in-fan-out": dict(r=2, lora_alpha=4, fan_in_fan_out=True, target_modules=["up_proj"]),
        "head": dict(r=2, lora_alpha=6, target_modules=["q_proj", "lm_head"]),
        "embedding": dict(r=3, lora_alpha=5, use_rslora=True, fan_in_fan_out=True, init_lora_weights="mica",
                          target_modules=["embed_tokens", "lm_head", "down_proj"], rank_pattern={"embed_tokens": 2},
                          alpha_pattern={"embed_tokens": 7}),
        "defaults": dict(target_modules=["k_proj"]),  # r and lora_alpha are removed from the file afterwards
    }
    for seed, (name, extra) in enumerate(options.items()):
        if names and name not in names:
            continue
        model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
        ids = torch.randint(0, 96, (2, 20), generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            before = model(ids).logits
        torch.manual_seed(seed)
        model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **extra)).eval()
        with torch.no_grad():
            for parameter_name, p in model.named_parameters():
                if "lora_" in parameter_name:
                    p.copy_(0.3 * torch.randn_like(p))
        folder = HERE / "lora" / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        with torch.no_grad():
            logits = model.merge_and_unload()(ids).logits
        (folder / "README.md").unlink(missing_ok=True)
        path = folder / "adapter_config.json"
        config = json.loads(path.read_text())
        config["base_model_name_or_path"] = "llama-gqa-untied"
        if name == "defaults":
            del config["r"], config["lora_alpha"]
        path.write_text(json.dumps(config, indent=2) + "\n")
        save_file({"ids": ids, "logits": logits.contiguous(), "base_logits": before.contiguous()},
                  folder / "golden.safetensors", metadata={"format": "pt", **versions})
        print(name, sum(f.stat().st_size for f in folder.iterdir()), "bytes")


def make_blocks():
    random = np.random.default_rng(7)
    out = {}
    halves = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2],
              "Q6_K": [208], "F16": [0], "BF16": []}
    for name, offsets in halves.items():
        kind = gguf.GGMLQuantizationType[name]
        _, size = gguf.GGML_QUANT_SIZES[kind]
        raw = random.integers(0, 256, (6, size), dtype=np.uint8)
        for offset in offsets:  # scales are finite float16 numbers, some of them negative or subnormal
            scales = (random.standard_normal(6) * 0.01).astype(np.float16)
            scales[5] = np.float16(3e-6)
            raw[:, offset:offset + 2] = scales.view(np.uint8).reshape(6, 2)
        if name == "BF16":
            raw = (random.standard_normal(6).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
            raw = raw.view(np.uint8).reshape(6, 2)
        values = gguf.quants.dequantize(raw, kind).astype(np.float32)
        out[name + ".raw"] = torch.from_numpy(raw.copy())
        out[name + ".values"] = torch.from_numpy(values.copy())
    save_file(out, HERE / "gguf_blocks.safetensors", metadata={"format": "pt", **VERSIONS})


def check_dequantization(folder, reader, config):
    """Compares the imported tensors with the gguf package's, bit for bit. For this, it restores the
    row order of q and k itself."""
    weights = {}
    for file in sorted(Path(folder).glob("*.safetensors")):
        weights.update(safetensors.torch.load_file(file))
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    table = {names.get_name(k.rsplit(".", 1)[0]) + ".weight": v for k, v in weights.items()}
    for tensor in reader.tensors:
        value = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        for part, heads in (("attn_q.", "num_attention_heads"), ("attn_k.", "num_key_value_heads")):
            if part in tensor.name:
                h = config[heads]
                value = value.reshape(h, value.shape[0] // h // 2, 2, -1).swapaxes(1, 2).reshape(value.shape)
        if not np.array_equal(value, table[tensor.name].numpy()):
            raise SystemExit(f"{tensor.name}: our dequantization differs from the gguf package")
    return len(reader.tensors)


def make_smollm2(folder, gguf_path, text_path):
    config = json.loads((Path(folder) / "config.json").read_text())
    checked = check_dequantization(folder, gguf.GGUFReader(gguf_path), config)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                              attn_implementation="eager").eval()
    prompts = ["The capital of France is", "def fibonacci(n):\n    ", "In 1984, 1,234 people walked 56.7 km and",
               tokenizer.apply_chat_template([{"role": "user", "content": "Name three colours."}], tokenize=False,
                                             add_generation_prompt=True)]
    probes = list(range(0, 49152, 3072)) + [49151]
    out = {"versions": VERSIONS, "source_sha256": hashlib.sha256(Path(gguf_path).read_bytes()).hexdigest(),
           "tensors_equal_to_gguf_package": checked, "probe_ids": probes, "prompts": []}
    for text in prompts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            last = model(torch.tensor([ids])).logits[0, -1]
        top = torch.topk(last, 8)
        out["prompts"].append({"text": text, "ids": ids, "top_ids": top.indices.tolist(),
                               "top_logits": [round(v, 5) for v in top.values.tolist()],
                               "probe_logits": [round(v, 5) for v in last[probes].tolist()],
                               "greedy": greedy(model, ids, 32)})
    text = Path(text_path).read_text(encoding="utf-8")[:12000]
    window, n = 512, 3
    ids = tokenizer(text, add_special_tokens=False)["input_ids"][:window * n + 5]
    losses = []
    for w in range(n):
        block = torch.tensor([ids[w * window:(w + 1) * window]])
        with torch.no_grad():
            logits = model(block).logits.float()
        losses.append(float(torch.nn.functional.cross_entropy(logits[0, :-1].double(), block[0, 1:])))
    out["perplexity"] = {"text": Path(text_path).name, "ids": ids, "window": window, "cross_entropy": losses,
                         "ppl": float(np.exp(np.mean(losses)))}
    (HERE / "smollm2.json").write_text(json.dumps(out) + "\n")
    print("smollm2:", (HERE / "smollm2.json").stat().st_size, "bytes, ppl", out["perplexity"]["ppl"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["tiny"]:
        make_tiny(sys.argv[2:])
    elif sys.argv[1:2] == ["lora"]:
        make_lora(sys.argv[2:])
    elif sys.argv[1:] == ["blocks"]:
        make_blocks()
    elif len(sys.argv) == 5 and sys.argv[1] == "smollm2":
        make_smollm2(*sys.argv[2:])
    else:
        sys.exit(__doc__)
