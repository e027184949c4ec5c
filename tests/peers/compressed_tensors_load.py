#!/usr/bin/env python3
"""Checks that transformers with compressed-tensors loads a folder that assay wrote, and gives the same logits.

usage: compressed_tensors_load.py FOLDER IDS.json LOGITS.safetensors
FOLDER is a saved model, IDS.json a list of token ids. LOGITS has our fp32 logits for them, [tokens, vocab], under "logits".
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

TOLERANCE = 2e-4  # the largest allowed relative difference between fp32 here and in transformers


def loads_whole(config):
    """True if transformers' own loading can be used, because it gives fp32 weights and does not round inputs.
    Otherwise compressed-tensors' functions are called module by module, in fp32, for three reasons: version 0.20 does not pack
    zero points when it prepares an empty model, it decompresses four-bit floats to bfloat16, and it rounds inputs by
    amax / 127.5, where vLLM's kernels use amax / 127.
    """
    groups = config["quantization_config"]["config_groups"].values()
    return all(group["weights"]["symmetric"] and group["weights"]["type"] == "int" and not group["input_activations"]
               for group in groups)


def weight_of(parts, scheme, form):
    """Returns the dequantized weight of one module, by compressed-tensors' functions for the format."""
    from compressed_tensors.compressors import PackedQuantizationCompressor
    from compressed_tensors.quantization.lifecycle.forward import dequantize

    scale = parts["weight_scale"]
    if form == "pack-quantized":
        parts["weight_scale"] = scale.float()
        return PackedQuantizationCompressor.decompress(parts, scheme)["weight"]
    if "weight_packed" in parts:
        from compressed_tensors.compressors.mx_utils import decompress_mx_scale
        from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8

        rows, columns = parts["weight_packed"].shape
        codes = unpack_fp4_from_uint8(parts["weight_packed"], rows, 2 * columns, dtype=torch.float32)
        scale = decompress_mx_scale(scale) if form.startswith("mxfp4") else scale
    else:
        codes = parts["weight"]
    return dequantize(x_q=codes.float(), scale=scale.float(), args=scheme.weights, dtype=torch.float32,
                      global_scale=parts.get("weight_global_scale"))


def decompressed(folder, config):
    """Returns the model with weights that compressed-tensors' functions dequantize, module by module."""
    from compressed_tensors.quantization import QuantizationScheme

    form = config["quantization_config"]["format"]
    group = next(iter(config["quantization_config"]["config_groups"].values()))
    scheme = QuantizationScheme(**group)
    stored = safetensors.torch.load_file(f"{folder}/model.safetensors")
    modules = {name.removesuffix(".weight_scale") for name in stored if name.endswith(".weight_scale")}
    weights = {name: tensor for name, tensor in stored.items()
               if name.rsplit(".", 1)[1] in ("weight", "bias") and name.rsplit(".", 1)[0] not in modules}
    for module in modules:
        parts = {name.removeprefix(module + "."): tensor for name, tensor in stored.items()
                 if name.startswith(module + ".")}
        weights[f"{module}.weight"] = weight_of(parts, scheme, form)
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
    if loads_whole(config):
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
