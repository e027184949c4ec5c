#!/usr/bin/env python3
"""Writes config_defaults.json: the values that transformers' configuration classes give to keys that a config.json leaves out.

  make_config_defaults.py      -> config_defaults.json

Needs transformers; its version is written into the file. Not run by the tests.
"""
import json
from pathlib import Path

import transformers

HERE = Path(__file__).resolve().parent
FAMILIES = ["llama", "mistral", "qwen2", "qwen3", "seed_oss", "gemma2", "gemma3_text", "olmo2", "granite", "smollm3",
            "mixtral", "qwen3_moe", "olmoe"]
SMALL = dict(hidden_size=64, num_hidden_layers=3, num_attention_heads=4)
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}

# The keys of each case besides model_type. Every family gets every case; where its class refuses the keys, the case is left out.
CASES = {
    "nothing": {},
    "sizes alone": dict(SMALL, num_key_value_heads=2),
    "null for what follows from the sizes": dict(SMALL, num_key_value_heads=None, head_dim=None),
    "null for the window and the tokens": dict(SMALL, num_key_value_heads=2, sliding_window=None, use_sliding_window=True,
                                               max_window_layers=1, bos_token_id=None, eos_token_id=None, pad_token_id=None),
    "a window without its size": dict(SMALL, num_key_value_heads=2, use_sliding_window=True, max_window_layers=1),
    "layer types": dict(SMALL, num_key_value_heads=2, use_sliding_window=True,
                        layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    "a size of the window without the switch": dict(SMALL, num_key_value_heads=2, sliding_window=17),
    "rope_theta": dict(SMALL, num_key_value_heads=2, rope_theta=5000.0),
    "rope_scaling": dict(SMALL, num_key_value_heads=2, rope_theta=5000.0, rope_scaling={"type": "linear", "factor": 4.0}),
    "rope_parameters without theta": dict(SMALL, num_key_value_heads=2, rope_theta=5000.0,
                                          rope_parameters={"rope_type": "linear", "factor": 2.0}),
    "both": dict(SMALL, num_key_value_heads=2, rope_scaling={"rope_type": "linear", "factor": 4.0},
                 rope_parameters={"rope_type": "default", "rope_theta": 7000.0}),
    "an empty rope_scaling beside rope_parameters": dict(SMALL, num_key_value_heads=2, rope_scaling={},
                                                         rope_parameters={"rope_type": "default", "rope_theta": 7000.0}),
    "llama3 without the original length": dict(SMALL, num_key_value_heads=2, max_position_embeddings=4096, rope_scaling=LLAMA3),
}


# Cases of Gemma alone, because the other families do not read the keys. Gemma 3 has one RoPE for each layer type.
GEMMA_CASES = {
    "null for the caps": dict(SMALL, num_key_value_heads=2, attn_logit_softcapping=None, final_logit_softcapping=None),
}
GEMMA3_CASES = {
    "a pattern of windows": dict(SMALL, num_key_value_heads=2, sliding_window_pattern=2),
    "RoPE of each layer type": dict(SMALL, num_key_value_heads=2, rope_theta=5000.0, rope_local_base_freq=70.0, rope_parameters={
        "full_attention": {"rope_type": "linear", "factor": 2.0}, "sliding_attention": {"rope_type": "default"}}),
    "RoPE of each layer type in the older form": dict(SMALL, num_key_value_heads=2, rope_theta=5000.0, rope_local_base_freq=70.0,
                                                      rope_scaling={"rope_type": "linear", "factor": 8.0}),
}
MOE_CASES = {
    "experts": dict(SMALL, num_key_value_heads=2, num_experts_per_tok=3, norm_topk_prob=True, moe_intermediate_size=48),
}
QWEN3_MOE_CASES = {
    "every second layer": dict(SMALL, num_key_value_heads=2, decoder_sparse_step=2),
    "dense layers": dict(SMALL, num_key_value_heads=2, mlp_only_layers=[0, 2]),
    "the older name of the count": dict(SMALL, num_key_value_heads=2, num_experts=12),
    "no experts": dict(SMALL, num_key_value_heads=2, num_experts=0),
    "a window of all layers": dict(SMALL, num_key_value_heads=2, use_sliding_window=True, sliding_window=9),
}


def cases_of(family):
    if family in ("mixtral", "olmoe"):  # their classes do not read the size of an expert; Mixtral's always normalizes
        odd = ["moe_intermediate_size"] + (["norm_topk_prob"] if family == "mixtral" else [])
        extra = {name: {k: v for k, v in keys.items() if k not in odd} for name, keys in MOE_CASES.items()}
        return {**CASES, **extra}
    if family == "qwen3_moe":
        return {**CASES, **MOE_CASES, **QWEN3_MOE_CASES}
    if family == "smollm3":  # a window in layers without RoPE is refused here
        return {name: keys for name, keys in CASES.items() if "layer_types" not in keys}
    if not family.startswith("gemma"):
        return CASES
    if family == "gemma2":
        return {**CASES, **GEMMA_CASES}
    flat = {name: keys for name, keys in CASES.items()
            if "rope_parameters" not in keys and "type" not in keys.get("rope_scaling", {})}  # transformers ignores this type
    return {**flat, **GEMMA_CASES, **GEMMA3_CASES}


def windows(config, family):
    if family in ("mistral", "mixtral", "qwen3_moe"):
        return [config.sliding_window or 0] * config.num_hidden_layers
    if family in ("qwen2", "qwen3", "gemma2", "gemma3_text"):
        return [(config.sliding_window or 0) if t == "sliding_attention" else 0 for t in config.layer_types]
    return [0] * config.num_hidden_layers


def experts(config, family):
    if family not in ("mixtral", "qwen3_moe", "olmoe"):
        return None
    sparse = [True] * config.num_hidden_layers
    if family == "qwen3_moe":  # as Qwen3MoeDecoderLayer chooses
        sparse = [i not in config.mlp_only_layers and config.num_experts > 0 and (i + 1) % config.decoder_sparse_step == 0
                  for i in range(config.num_hidden_layers)]
    return {"count": config.num_experts, "per_token": config.num_experts_per_tok, "layers": sparse,
            "size": config.moe_intermediate_size if family == "qwen3_moe" else config.intermediate_size,
            "normalized": family == "mixtral" or config.norm_topk_prob, "clip": getattr(config, "clip_qkv", None) or 0}


def expected(config, family):
    heads = config.num_attention_heads
    rope = config.rope_parameters
    local = rope.get("sliding_attention")
    rope = rope.get("full_attention", rope)
    eos = config.eos_token_id
    biases = {"llama": [config.attention_bias, config.attention_bias, config.mlp_bias] if family == "llama" else None,
              "mistral": [False, False, False], "qwen2": [True, False, False],
              "qwen3": [getattr(config, "attention_bias", None)] * 2 + [False],
              "gemma2": [getattr(config, "attention_bias", None)] * 2 + [False],
              "gemma3_text": [getattr(config, "attention_bias", None)] * 2 + [False],
              "olmo2": [getattr(config, "attention_bias", None)] * 2 + [False],
              "mixtral": [False, False, False],
              **dict.fromkeys(["qwen3_moe", "olmoe"], [getattr(config, "attention_bias", None)] * 2 + [False]),
              **dict.fromkeys(["granite", "smollm3"], [getattr(config, k, None) for k in ("attention_bias", "attention_bias",
                                                                                          "mlp_bias")]),
              "seed_oss": [getattr(config, k, None) for k in ("attention_bias", "attention_out_bias", "mlp_bias")]}[family]
    return {
        "vocab_size": config.vocab_size, "hidden_size": config.hidden_size, "intermediate_size": config.intermediate_size,
        "layers": config.num_hidden_layers, "heads": heads, "kv_heads": config.num_key_value_heads,
        "head_dim": getattr(config, "head_dim", None) or config.hidden_size // heads,  # as Qwen2Attention reads it
        "max_positions": config.max_position_embeddings, "rms_norm_eps": config.rms_norm_eps,
        "rope_type": rope["rope_type"], "rope_theta": rope["rope_theta"], "rope_factor": rope.get("factor", 1.0),
        "local_theta": local["rope_theta"] if local else None,
        "score_factor": config.query_pre_attn_scalar ** -0.5 if family.startswith("gemma")
        else getattr(config, "attention_multiplier", None),
        "score_cap": getattr(config, "attn_logit_softcapping", None) or 0,
        "logit_cap": getattr(config, "final_logit_softcapping", None) or 0,
        "rope_original": rope.get("original_max_position_embeddings"),
        "tied": config.tie_word_embeddings, "biases": biases, "windows": windows(config, family),
        "eos": [] if eos is None else [eos], "bos": config.bos_token_id, "pad": config.pad_token_id,
        "experts": experts(config, family),
        "hidden_act": getattr(config, "hidden_act", None) or config.hidden_activation,
    }


def main():
    rows = []
    for family in FAMILIES:
        for name, keys in cases_of(family).items():
            file = {"model_type": family, **json.loads(json.dumps(keys))}
            try:
                config = transformers.AutoConfig.for_model(family, **json.loads(json.dumps(keys)))
            except Exception as problem:  # a class refuses null where it wants a number
                print(f"{family}, {name}: refused by the class ({type(problem).__name__})")
                continue
            rows.append({"name": f"{family}: {name}", "config": file, "expected": expected(config, family)})
    lines = ",\n".join(json.dumps(row) for row in rows)
    (HERE / "config_defaults.json").write_text(f'{{"transformers": "{transformers.__version__}", "rows": [\n{lines}\n]}}\n')
    print(len(rows), "rows")


if __name__ == "__main__":
    main()
