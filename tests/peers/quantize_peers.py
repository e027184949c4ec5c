"""Functions that quantize by one peer each.

Each function loads the model of a folder, quantizes it (all but hqq get token ids for calibration), and returns
(model, CPU seconds).

The time of loading is not counted. The weights (and inputs, where a scheme rounds them) of the returned model are rounded as the
peer rounds them, so the model can be evaluated directly.
"""
import contextlib
import os
import resource
import tempfile

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GPTQMODEL_CPU_WORKERS", str(max(2, os.cpu_count() or 2)))  # on two cores GPTQModel refuses its own default
import torch  # noqa: E402
import transformers  # noqa: E402

if not torch.cuda.is_available():  # llm-compressor's AWQ pins memory for a device even where there is none
    torch.Tensor.pin_memory = lambda self, *_: self


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def load(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def modifiers(method, bits):
    """Returns llm-compressor's modifiers for a method. rtn, gptq (columns in order of activation, grids fitted before the first
    column is rounded) and awq: groups of 64, symmetric. w8a8 and smoothquant: one scale for each row, inputs rounded with one
    scale for each token."""
    from llmcompressor.modifiers.awq import AWQModifier
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.quantization import QuantizationModifier
    try:
        from llmcompressor.modifiers.transform.smoothquant import SmoothQuantModifier
    except ImportError:
        from llmcompressor.modifiers.smoothquant import SmoothQuantModifier

    if method in ("w8a8", "smoothquant"):
        rounding = QuantizationModifier(targets="Linear", scheme="W8A8", ignore=["lm_head"])
        return [SmoothQuantModifier(smoothing_strength=0.8), rounding] if method == "smoothquant" else [rounding]
    weights = {"num_bits": bits, "type": "int", "symmetric": True, "strategy": "group", "group_size": 64}
    options = {"config_groups": {"linears": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    if method == "gptq":
        weights["actorder"] = "static"
    return [{"rtn": QuantizationModifier, "gptq": GPTQModifier, "awq": AWQModifier}[method](**options)]


def llm_compressor(method, folder, ids, bits=4):
    import datasets
    from llmcompressor import oneshot

    model, recipe = load(folder), modifiers(method, bits)
    rows = datasets.Dataset.from_dict({"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids]})
    begin = cpu_seconds()
    oneshot(model=model, dataset=rows, recipe=recipe, max_seq_length=len(ids[0]), num_calibration_samples=len(ids),
            shuffle_calibration_samples=False)
    return model, cpu_seconds() - begin


def auto_round(folder, ids, iterations, bits=4, mixed_precision=True):
    """AutoRound by the package auto-round. mixed_precision: bfloat16 where the processor has it (the package's default), else fp32."""
    from auto_round import AutoRound

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = [{"input_ids": torch.tensor([row]), "attention_mask": torch.ones(1, len(row), dtype=torch.int64)} for row in ids]
    rounder = AutoRound(load(folder), tokenizer, iters=iterations, nsamples=len(ids), seqlen=len(ids[0]), batch_size=8,
                        scheme={"bits": bits, "group_size": 64, "sym": True, "act_bits": 16, "data_type": "int"},
                        dataset=rows, device_map="cpu", enable_torch_compile=False, amp=mixed_precision)
    begin = cpu_seconds()
    model, _ = rounder.quantize()
    return model, cpu_seconds() - begin


def gptq_model(folder, ids, bits=4):
    """GPTQModel with its defaults (groups in order of activation, damping 0.05), groups of 64, symmetric. The time includes packing,
    since it is part of the call. The returned model has the dequantized weights of the packed linears, in fp32."""
    from gptqmodel import BACKEND, GPTQModel, QuantizeConfig
    from gptqmodel.utils.model import convert_gptq_v1_to_v2_format_module as count_zeros_from_zero

    options = QuantizeConfig(bits=bits, group_size=64, sym=True, offload_to_disk=False)
    wrapped = GPTQModel.load(os.path.abspath(folder), options, device="cpu", dtype=torch.float32)
    rows = [{"input_ids": row, "attention_mask": [1] * len(row)} for row in ids]
    begin = cpu_seconds()
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):  # GPTQModel writes logs here
        wrapped.quantize(rows, batch_size=8, backend=BACKEND.TORCH)
    spent, model = cpu_seconds() - begin, load(folder)
    packed = dict(wrapped.model.named_modules())
    with torch.no_grad():
        for name, module in model.model.named_modules(prefix="model"):
            if isinstance(module, torch.nn.Linear):
                held = packed[name]
                held.scales = held.scales.float()
                count_zeros_from_zero(held, bits=bits, pack_dtype=torch.int32)
                module.weight.copy_(super(type(held), held).dequantize_weight().float().t())
    return model, spent


@torch.no_grad()
def hqq(folder, bits=4):
    """HQQ by the package hqq with its defaults: groups of 64 along the inputs, asymmetric, scales and zeros not quantized."""
    from hqq.core.quantize import BaseQuantizeConfig, Quantizer

    model, options = load(folder), BaseQuantizeConfig(nbits=bits, group_size=64, axis=1)["weight_quant_params"]
    begin = cpu_seconds()
    for module in model.model.layers.modules():
        if isinstance(module, torch.nn.Linear):
            codes, meta = Quantizer.quantize(module.weight.data, device="cpu", compute_dtype=torch.float32, **options)
            module.weight.data = Quantizer.dequantize(codes, meta).to(torch.float32).view_as(module.weight)
    return model, cpu_seconds() - begin
