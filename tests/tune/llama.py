"""Language models in src/nn/decoder.h against llama.cpp, through the shim, on random tiny models: logits of prompts of 1 to 2,000 tokens, greedy
generation token by token, adapters. usage: llama.py TUNE_TOOL BUILD"""
import ctypes
import os
import subprocess
import sys
import tempfile

import tiny

import numpy as np

tool, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
if not os.path.exists(build + "/lib/libaffect-llama.so"):  # a build for sanitizers takes what the other one has
    build = os.path.abspath("build")
if not os.path.exists(build + "/lib/libaffect-llama.so"):
    print("skipped: no libaffect-llama.so (make llama)")
    sys.exit(77)


class Api(ctypes.Structure):
    _fields_ = [("interface", ctypes.c_int), ("version", ctypes.c_char_p)] + [(name, ctypes.c_void_p) for name in ("open", "close", "context", "count", "answer")] + [
        ("logits", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int32), ctypes.c_int, ctypes.POINTER(ctypes.c_float),
                                    ctypes.c_size_t, ctypes.c_char_p))]


lib = ctypes.CDLL(build + "/lib/libaffect-llama.so")
lib.affect_llama.restype = ctypes.POINTER(Api)
api = lib.affect_llama().contents


def theirs(path, tokens, vocabulary, adapter=None):
    out, why = np.zeros((len(tokens), vocabulary), np.float32), ctypes.create_string_buffer(256)
    with open(path, "rb") as f:
        failed = api.logits(f.fileno(), adapter and adapter.encode(), (ctypes.c_int32 * len(tokens))(*map(int, tokens)), len(tokens),
                            out.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), out.size, why)
    assert not failed, why.value
    return out


def ours(path, tokens, adapter="-"):
    done = subprocess.run([tool, "logits", path, adapter, "4096", *map(str, tokens)], capture_output=True, timeout=120, check=True)
    return np.frombuffer(done.stdout, "<f4").reshape(len(tokens), -1)


def error(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def distance(found, expected):
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    draw, worst, rounding = np.random.default_rng(3), {}, {}
    for family in ("llama", "qwen2", "qwen3"):
        for kind in tiny.TYPES:
            big = kind in ("Q4_K", "Q6_K")
            m = tiny.Tiny("m.gguf", family, kind, seed=2, width=256 if big else 64, hidden=512 if big else 96, strength=.5)
            m.plain("f.gguf")
            m.adapter("a.gguf")
            for n in (1, 2, 33, 2000) if kind in ("F32", "Q8_0") else (33,):
                tokens = draw.integers(0, 300, n)
                found = ours("m.gguf", tokens)
                worst[kind] = max(worst.get(kind, 0), error(found, theirs("f.gguf", tokens, 300)))
                rounding[kind] = max(rounding.get(kind, 0), distance(found, theirs("m.gguf", tokens, 300)))
            tokens = draw.integers(0, 300, 20)
            plain, changed = theirs("f.gguf", tokens, 300), theirs("f.gguf", tokens, 300, "a.gguf")
            assert error(plain, changed) > .05, "the adapter does something there, too"
            worst[kind] = max(worst[kind], error(ours("m.gguf", tokens, "a.gguf"), changed))
    m = tiny.Tiny("m.gguf", "llama", factors=True)
    tokens = draw.integers(0, 300, 500)
    worst["F32"] = max(worst["F32"], error(ours("m.gguf", tokens), theirs("m.gguf", tokens, 300)))
    print("largest difference of a logit from llama.cpp's on the same values in F32, over the largest logit:", {k: float(f"{v:.2g}") for k, v in worst.items()})
    assert all(v <= 1e-4 for v in worst.values()), worst
    # On the file itself llama.cpp rounds what it multiplies by to the type's partner (half for F16, 8 bits for Q8_0 and below); we do not.
    print("root mean square of the difference on the file itself, over that of the logits:", {k: float(f"{v:.2g}") for k, v in rounding.items()})
    assert rounding["F32"] <= 1e-4 and max(rounding.values()) <= 1e-2, rounding

    for family in ("llama", "qwen2", "qwen3"):
        for seed in range(4):
            m = tiny.Tiny("m.gguf", family, seed=seed + 40)
            prompt = [int(t) for t in draw.integers(0, 300, 5)]
            done = subprocess.run([tool, "greedy", "m.gguf", "-", "60", *map(str, prompt)], capture_output=True, timeout=60, check=True)
            said = [int(t) for t in done.stdout.split()]
            # What llama.cpp finds likeliest after each of them is the next: so it would have said the same.
            likeliest = theirs("m.gguf", prompt + said[:-1], 300).argmax(1)[len(prompt) - 1:]
            assert len(said) == 60 and said == [int(t) for t in likeliest], (family, seed)
print("ok")
