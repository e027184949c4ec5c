#!/usr/bin/env python3
"""Makes golden blocks of GGUF files with llama.cpp's own quantizer, and dequantizes blocks with the package gguf.

The quantizer is the C function ggml_quantize_chunk, called in the library inside the package xllamacpp, once without and once with an
importance for each column. Writes blocks.safetensors:
  weight [rows, 512], importance [512]     the input; the rows are of different kinds, see weights()
  TYPE.plain, TYPE.weighted                the bytes of the rows' blocks, without and with the importance
  TYPE.raw, TYPE.values                    blocks of random bytes and their weights, for types that make_model_goldens.py lacks
Run: python3 make_block_goldens.py  (needs numpy, safetensors, gguf and xllamacpp)
"""
import ctypes
import importlib.metadata
import pathlib

import gguf
import numpy as np
import xllamacpp
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
ROWS, COLUMNS = 9, 512
TYPES = ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]
# Offsets of the float16 numbers in a block of the types that are dequantized here.
HALVES = {"Q2_K": [80, 82], "Q3_K": [108], "IQ4_NL": [0], "IQ4_XS": [0]}


def weights(rng):
    w = rng.standard_normal((ROWS, COLUMNS)) * 0.03
    w[1] = rng.standard_t(3, COLUMNS) * 0.02  # long tails
    w[2] = np.abs(w[2])  # one sign: the minimum of a group is above 0
    w[3] = -np.abs(w[3]) - 0.01
    w[4, :300] = 0  # a block of zeros, and one in which groups of zeros stand beside others
    w[5] = 0.25  # groups without a range
    w[6] *= np.repeat(2.0 ** rng.integers(-12, 4, COLUMNS // 16), 16)  # neighbouring groups of different size
    w[7] = np.round(w[7] * 64) / 64  # few different weights, so many ties
    w[8] *= 1e-6  # scales are subnormal in float16
    return w.astype(np.float32)


def quantizer():
    library = next(pathlib.Path(xllamacpp.__file__).parent.glob("xllamacpp*.so"))
    call = ctypes.CDLL(str(library)).ggml_quantize_chunk
    call.restype = ctypes.c_size_t
    call.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]

    def quantize(name, w, importance):
        kind = gguf.GGMLQuantizationType[name]
        block, size = gguf.GGML_QUANT_SIZES[kind]
        out = np.zeros((w.shape[0], w.shape[1] // block * size), np.uint8)
        given = None if importance is None else importance.ctypes.data
        assert call(int(kind), w.ctypes.data, out.ctypes.data, 0, w.shape[0], w.shape[1], given) == out.nbytes
        return out

    return quantize


def random_blocks(rng, name):
    kind = gguf.GGMLQuantizationType[name]
    raw = rng.integers(0, 256, (6, gguf.GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for offset in HALVES[name]:  # finite float16 numbers, some of them negative, one subnormal
        scales = (rng.standard_normal(6) * 0.01).astype(np.float16)
        scales[5] = np.float16(3e-6)
        raw[:, offset:offset + 2] = scales.view(np.uint8).reshape(6, 2)
    return raw, gguf.quants.dequantize(raw, kind).astype(np.float32)


def main():
    rng = np.random.default_rng(20261130)
    w = weights(rng)
    importance = np.exp(2 * rng.standard_normal(COLUMNS)).astype(np.float32)
    importance[100] = 0  # a column whose input was always 0
    out = {"weight": w, "importance": importance}
    quantize = quantizer()
    for name in TYPES:
        out[name + ".plain"] = quantize(name, w, None)
        out[name + ".weighted"] = quantize(name, w, importance)
    for name in HALVES:
        out[name + ".raw"], out[name + ".values"] = random_blocks(rng, name)
    versions = {p: importlib.metadata.version(p) for p in ("xllamacpp", "gguf", "numpy")}
    save_file(out, HERE / "blocks.safetensors", metadata={"format": "pt", **versions})


if __name__ == "__main__":
    main()
