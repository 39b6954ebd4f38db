"""Language models in src/nn/decoder.h against llama.cpp, through the shim, on random tiny models: logits of prompts of 1 to 2,000 tokens, greedy
generation token by token, adapters, such as `affect tune` writes, on clips with text. usage: llama.py AFFECT TUNE_TOOL BUILD"""
import ctypes
import json
import os
import subprocess
import sys
import tempfile

import tiny

import numpy as np

affect, tool, build = (os.path.abspath(a) for a in sys.argv[1:4])
if not os.path.exists(build + "/lib/libaffect-llama.so"):  # a build for sanitizers takes what the other one has
    build = os.path.abspath("build")
if not os.path.exists(build + "/lib/libaffect-llama.so"):
    print("skipped: no libaffect-llama.so (make llama)")
    sys.exit(77)


class Api(ctypes.Structure):
    _fields_ = [("interface", ctypes.c_int), ("version", ctypes.c_char_p)] + [(name, ctypes.c_void_p) for name in ("open", "close", "context", "count", "answer")] + [
        ("logits", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int32), ctypes.c_int, ctypes.POINTER(ctypes.c_float),
                                    ctypes.c_size_t, ctypes.c_char_p)),
        ("vocabulary", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)),
        ("tokens", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int32), ctypes.c_int))]


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

    # What `affect tune` writes is an adapter that llama.cpp loads, and gives the same logits in both; its clips are texts.
    m = tiny.Tiny("m.gguf", "qwen2", width=32, kv_heads=2, hidden=64, strength=.7, vocabulary=320)
    rows = [{"split": "valid" if i >= 16 else "train", "prompt": "the face <face> says", "answer": "joy" if i % 2 else "fear",
             "streams": {"face": {"times": [0, 1], "rows": [[i % 2, 1], [i % 2, 0]]}}} for i in range(24)]
    open("clips.jsonl", "w").write("\n".join(json.dumps(r) for r in rows))
    open("r.ini", "w").write("[streams]\nnames = face\n[projector]\ntokens = 2\nhidden = 8\n[lora]\nrank = 4\n[train]\nepochs = 40\nbatch = 8\nrate = .01\npatience = 0\ndrop = 0\n")
    done = subprocess.run([affect, "tune", "r.ini", "--base", "m.gguf", "--data", "clips.jsonl", "-o", "run", "-q"], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "AFFECT_LLAMA": build + "/lib/libaffect-llama.so"})
    assert done.returncode == 0, done.stderr
    assert json.load(open("run/card.json"))["validation"]["exact"] == 1, open("run/log.csv").read()
    tokens = draw.integers(0, 320, 40)
    plain, tuned = theirs("m.gguf", tokens, 320), theirs("m.gguf", tokens, 320, "run/adapter.gguf")
    assert error(plain, tuned) > .01 and error(ours("m.gguf", tokens, "run/adapter.gguf"), tuned) <= 1e-4

    # A language model that `affect train` made from nothing: the same tokens of any text, the same logits.
    texts = ["I am glad about it!", "my sister wasn't sad, was she?", "we'll see\u2026 \U0001f642 42"] * 60
    open("train.tsv", "w").write("".join(f"{t}\t27\te{i}\n" for i, t in enumerate(texts)))
    open("dev.tsv", "w").write("you were glad\t27\te\n")
    open("l.ini", "w").write("[data]\nkind = language\ntrain = train.tsv\nvalid = dev.tsv\nvocabulary = 300\n[model]\nlayers = 2\nwidth = 32\nhidden = 64\n"
                             "heads = 4\nkv_heads = 2\n[train]\nepochs = 1\nwindow = 32\nbatch = 4\n")
    done = subprocess.run([affect, "train", "l.ini", "-o", "language", "-q"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    why, room = ctypes.create_string_buffer(256), (ctypes.c_int32 * 4096)()
    with open("language/model.gguf", "rb") as f:
        vocabulary = api.vocabulary(f.fileno(), why)
    assert vocabulary, why.value
    hard = ["It's 12,345 o'clock: WE'LL see...", "tabs\tand  two blanks \n\n  then lines\r\n", "\u00fcn\u00efc\u00f6d\u00e9, \u6f22\u5b57 \u0661\u0662 \u00bd", " ", "   end  ",
            "x\u00a0y\u3000z", "<|im_start|>user\nhi<|im_end|>\n<|endoftext|>", "<|im_start|", "#tag @you http://a.b/c?d=1", "e\u0301 \ud55c \U0001F1E9\U0001F1EA"]
    hard += ["".join(chr(int(c)) for c in draw.choice([32, 10, 9, 13, 39, 46, 65, 115, 48, 228, 0x4e2d, 0x1f642, 0x301, 0xa0], 200)) for _ in range(10)]
    for text in hard + texts[:3]:
        n = api.tokens(vocabulary, text.encode(), 1, room, 4096)
        said = subprocess.run([tool, "tokens", "language/model.gguf"], input=text.encode(), capture_output=True, timeout=60, check=True).stdout.split()
        assert [int(t) for t in said] == list(room[:n]), repr(text)
    size = ours("language/model.gguf", [0]).shape[1]
    tokens = draw.integers(0, size, 500)
    assert error(ours("language/model.gguf", tokens), theirs("language/model.gguf", tokens, size)) <= 1e-4
print("ok")
