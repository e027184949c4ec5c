"""Writes the binary start files of the fuzzers: small valid safetensors, GGUF and record files, and some that are slightly wrong.

Needs nothing but Python's standard library, and writes the same bytes every time.
    python3 tests/fuzz/make_corpus.py
"""
import json
import os
import struct

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def write(kind, name, data):
    os.makedirs(os.path.join(HERE, kind), exist_ok=True)
    with open(os.path.join(HERE, kind, name), "wb") as out:
        out.write(data)


def safetensors(entries, data, metadata=None):
    header = {"__metadata__": metadata} if metadata else {}
    header.update(entries)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def make_safetensors():
    two = {"a": entry("F32", [2, 2], 0, 16), "b": entry("BF16", [3], 16, 22)}
    write("safetensors", "two", safetensors(two, bytes(22), {"format": "pt"}))
    write("safetensors", "empty", safetensors({}, b""))
    write("safetensors", "scalar", safetensors({"s": entry("I64", [], 0, 8), "e": entry("U8", [0, 4], 8, 8)}, bytes(8)))
    write("safetensors", "half_bytes", safetensors({"f": entry("F4", [2, 2], 0, 2)}, bytes(2)))
    write("safetensors", "huge_shape", safetensors({"h": entry("F32", [10**9, 10**9], 0, 16)}, bytes(16)))
    write("safetensors", "huge_header", struct.pack("<Q", 10**9) + b"{}")
    write("safetensors", "hole", safetensors({"a": entry("U8", [1], 0, 1), "b": entry("U8", [1], 2, 3)}, bytes(3)))


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def scalar(key, kind, packed):
    return text(key) + struct.pack("<I", kind) + packed


def texts(key, values):
    return text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(text(v) for v in values)


def numbers(key, kind, code, values):
    return text(key) + struct.pack("<IIQ", 9, kind, len(values)) + b"".join(struct.pack("<" + code, v) for v in values)


def gguf(values, tensors, version=3):
    directory, data = b"", b""
    for name, shape, kind, n_bytes in tensors:
        data += bytes(-len(data) % 32)
        directory += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in shape)
        directory += struct.pack("<IQ", kind, len(data))
        data += bytes(range(n_bytes % 251)) + bytes(n_bytes - n_bytes % 251)
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values)) + b"".join(values) + directory
    return head + bytes(-len(head) % 32) + data


def llama_values():
    u32 = lambda key, value: scalar(key, 4, struct.pack("<I", value))
    f32 = lambda key, value: scalar(key, 6, struct.pack("<f", value))
    return [scalar("general.architecture", 8, text("llama")), u32("llama.block_count", 1),
            u32("llama.context_length", 64), u32("llama.embedding_length", 8), u32("llama.feed_forward_length", 8),
            u32("llama.attention.head_count", 2), u32("llama.attention.head_count_kv", 1),
            f32("llama.attention.layer_norm_rms_epsilon", 1e-5), f32("llama.rope.freq_base", 1e4)]


def tokenizer_values():
    tokens = ["<unk>", "H", "e", "l", "o", "He", "ll", "\u0120", "<|im_end|>"]
    return [scalar("tokenizer.ggml.model", 8, text("gpt2")), scalar("tokenizer.ggml.pre", 8, text("qwen2")),
            texts("tokenizer.ggml.tokens", tokens), texts("tokenizer.ggml.merges", ["H e", "l l"]),
            numbers("tokenizer.ggml.token_type", 5, "i", [3, 1, 1, 1, 1, 1, 1, 1, 3]),
            scalar("tokenizer.ggml.eos_token_id", 4, struct.pack("<I", 8)),
            scalar("tokenizer.chat_template", 8, text("{{ messages }}"))]


def make_gguf():
    write("gguf", "llama", gguf(llama_values(), [("token_embd.weight", [8, 4], 0, 128)]))
    write("gguf", "tokenizer", gguf(llama_values() + tokenizer_values(), [("token_embd.weight", [8, 9], 0, 288)]))
    blocks = [(2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34), (12, 256, 144), (13, 256, 176),
              (14, 256, 210), (1, 8, 16), (30, 8, 16)]
    write("gguf", "blocks", gguf([], [("t%d" % kind, [n], kind, n_bytes) for kind, n, n_bytes in blocks]))
    write("gguf", "version2", gguf([scalar("general.alignment", 4, struct.pack("<I", 64))], [], 2))
    write("gguf", "huge_count", b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60))
    write("gguf", "huge_shape", gguf([], [("h", [10**9, 10**9], 0, 32)]))


def make_records():
    rows = b'{"a": "one", "n": 1.5e3}\n\n{"a": "\\u00e9\\ud83d\\ude00", "l": [true, null, {}]}\n'
    nested = b'{"v": 1, "data": [{"t": "T", "rows": [{"a": 1}, {"t": "own"}]}, {"t": "U", "rows": []}]}'
    table = b'x,y\r\n1,"two ""q""\nlines"\n\n"",z\n'
    for choice, data in enumerate([b"one\ntwo\n\nthree", b" \n= T =\n\nend", rows, nested, b'[{"a": [1]}, {"a": 2}]', table,
                                   b"1,2\n3,4\n", rows, b"\xef\xbb\xbfbom", b'{"a": 1', b"[1]", b'x,y\n"open']):
        write("records", "r%02d" % choice, bytes([choice % 8]) + data)


make_safetensors()
make_gguf()
make_records()
