#!/usr/bin/env python3
"""Peer test: transformers + compressed-tensors load a folder that assay wrote and give our fake-quant logits.

usage: compressed_tensors_load.py FOLDER IDS.json LOGITS.safetensors
FOLDER is a saved model, IDS.json a list of token ids, LOGITS our fp32 logits [tokens, vocab] under "logits" for it.
Prints the largest difference relative to the largest logit; exit code 1 above 2e-4, 77 (skipped) without the packages.
"""
import json
import sys

try:
    import compressed_tensors
    import safetensors.torch
    import torch
    import transformers
    from safetensors.torch import load_file
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

TOLERANCE = 2e-4  # of the exactness goal: fp32 against eager transformers


def is_symmetric(config):
    groups = config["quantization_config"]["config_groups"].values()
    return all(group["weights"]["symmetric"] for group in groups)


def decompressed(folder, config):
    """The model with weights from compressed-tensors' own decompress, module by module.

    compressed-tensors 0.20 does not pack zero points when it prepares an empty model, so that transformers cannot load any
    asymmetric checkpoint with it; the format's own decompress reads them.
    """
    from compressed_tensors.compressors import PackedQuantizationCompressor
    from compressed_tensors.quantization import QuantizationScheme

    group = next(iter(config["quantization_config"]["config_groups"].values()))
    scheme = QuantizationScheme(**group)
    stored = safetensors.torch.load_file(f"{folder}/model.safetensors")
    weights = {name: tensor for name, tensor in stored.items()
               if name.rsplit(".", 1)[1] in ("weight", "bias")}
    for name in stored:
        if not name.endswith(".weight_packed"):
            continue
        module = name.removesuffix(".weight_packed")
        parts = {key: stored[f"{module}.{key}"] for key in
                 ("weight_packed", "weight_scale", "weight_shape", "weight_zero_point")
                 if f"{module}.{key}" in stored}
        parts["weight_scale"] = parts["weight_scale"].float()
        weights[f"{module}.weight"] = PackedQuantizationCompressor.decompress(parts, scheme)["weight"]
    plain = {key: value for key, value in config.items() if key != "quantization_config"}
    shape = transformers.AutoConfig.for_model(**plain)
    model = transformers.AutoModelForCausalLM.from_config(shape, dtype=torch.float32,
                                                          attn_implementation="eager")
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert set(missing) <= {"lm_head.weight"}, missing
    model.tie_weights()
    return model


def main(folder, ids_file, logits_file):
    torch.manual_seed(0)
    config = json.load(open(f"{folder}/config.json"))
    if is_symmetric(config):
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager")
    else:
        model = decompressed(folder, config)
    model.eval()
    ids = torch.tensor([json.load(open(ids_file))])
    with torch.no_grad():
        theirs = model(ids).logits[0].float()
    ours = load_file(logits_file)["logits"]
    difference = (theirs - ours).abs().max().item() / ours.abs().max().item()
    print(f"transformers {transformers.__version__}, compressed-tensors {compressed_tensors.__version__}: "
          f"largest relative difference {difference:.2e}, "
          f"same argmax {(theirs.argmax(-1) == ours.argmax(-1)).float().mean().item():.4f}")
    return 0 if difference <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
