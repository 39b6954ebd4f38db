"""Language models in src/nn/decoder.h against numpy in float64 (tiny.py): logits of every family and type, with and without an adapter, in one go and in
pieces; greedy generation; what is damaged or not known is refused in one line. usage: decoder.py TUNE_TOOL"""
import os
import random
import subprocess
import sys
import tempfile

import tiny

import numpy as np

tool = os.path.abspath(sys.argv[1])


def run(*arguments, code=0):
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, timeout=60)
    assert done.returncode == code, (arguments[:4], done.returncode, done.stderr[-500:])
    return done.stdout if code == 0 else done.stderr.decode()


def logits(model, tokens, adapter="-", chunk=4096):
    return np.frombuffer(run("logits", model, adapter, chunk, *tokens), "<f4").reshape(len(tokens), -1)


def error(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    draw = np.random.default_rng(3)
    worst = {}
    for family in ("llama", "qwen2", "qwen3"):
        for kind in tiny.TYPES:
            big = kind in ("Q4_K", "Q6_K")  # rows of whole blocks of 256
            m = tiny.Tiny("m.gguf", family, kind, tied=kind == "F16", seed=len(kind) + len(family), width=256 if big else 64, hidden=512 if big else 96)
            tokens = draw.integers(0, 300, 37)
            expected = m.logits(tokens)
            whole, pieces = logits("m.gguf", tokens), logits("m.gguf", tokens, chunk=5)
            assert np.isfinite(whole).all() and np.abs(expected).max() > 1, (family, kind)
            worst[kind] = max(worst.get(kind, 0), error(whole, expected), error(pieces, expected))
            m.adapter("a.gguf")
            changed = m.logits(tokens)
            assert error(changed, expected) > .05, "the adapter does something"
            worst[kind] = max(worst[kind], error(logits("m.gguf", tokens, "a.gguf"), changed))
    print("largest relative error by type:", {k: float(f"{v:.2g}") for k, v in worst.items()})
    assert all(v <= 1e-4 for v in worst.values()), worst

    # One head of keys for all, heads wider than width / heads, as many heads of keys as of queries, factors of the angles, long texts.
    for family, more in (("qwen3", {"head_width": 32, "kv_heads": 1}), ("llama", {"kv_heads": 4, "factors": True}), ("llama", {"layers": 1, "heads": 1, "kv_heads": 1})):
        m = tiny.Tiny("m.gguf", family, **more)
        tokens = draw.integers(0, 300, 700)
        assert error(logits("m.gguf", tokens), m.logits(tokens)) <= 1e-4, (family, more)
    m = tiny.Tiny("m.gguf", "qwen2", context=64)
    assert error(logits("m.gguf", [7]), m.logits([7])) <= 1e-5
    assert "context" in run("logits", "m.gguf", "-", 100, *[1] * 65, code=1)

    # Generation, token by token.
    for family in ("llama", "qwen2", "qwen3"):
        for seed in range(3):
            m = tiny.Tiny("m.gguf", family, seed=seed + 20)
            expected, gap = m.greedy([3, 5, 8], 24)
            assert gap > 1e-4, "no tie: what is likeliest is certain"
            assert [int(t) for t in run("greedy", "m.gguf", "-", 24, 3, 5, 8).split()] == expected, (family, seed)
            assert len(set(expected)) > 3, "it says something"

    # Refusals: one line each that says what is wrong.
    def refused(what, path="m.gguf", adapter="-", tokens=(1,)):
        line = run("logits", path, adapter, 8, *tokens, code=1)
        assert line.count("\n") == 1 and what in line and len(line) < 200, (what, line)

    m = tiny.Tiny("m.gguf", "qwen2")
    good = open("m.gguf", "rb").read()

    def changed(fields=lambda f: f, tensors=lambda t: t):
        tiny.write_gguf("bad.gguf", fields(m.fields), tensors(m.tensors))
        return "bad.gguf"

    def replace(name, kind, v):
        return lambda fields: [f for f in fields if not f.startswith(tiny.string(name))] + [tiny.field(name, kind, v)]
    refused("architecture", changed(replace("general.architecture", tiny.STRING, "gpt2")))
    refused("qwen2.block_count", changed(lambda f: [x for x in f if b"block_count" not in x]))
    refused("blk.2.attn_norm.weight", changed(replace("qwen2.block_count", tiny.U32, 3)))
    refused("sizes", changed(replace("qwen2.block_count", tiny.U32, 3000)))
    refused("cannot share", changed(replace("qwen2.attention.head_count_kv", tiny.U32, 3)))
    refused("blk.0.attn_q", changed(replace("qwen2.attention.head_count", tiny.U32, 8)))
    refused("is 1.5", changed(replace("qwen2.feed_forward_length", tiny.F32, 1.5)))
    refused("rms_epsilon", changed(replace("qwen2.attention.layer_norm_rms_epsilon", tiny.F32, float("nan"))))
    refused("freq_base", changed(replace("qwen2.rope.freq_base", tiny.F32, -1.0)))
    refused("stretched", changed(replace("qwen2.rope.scaling.type", tiny.STRING, "yarn")))
    refused("odd", changed(replace("qwen2.rope.dimension_count", tiny.U32, 7)))
    refused("rope.dimension_count", changed(replace("qwen2.rope.dimension_count", tiny.U32, 1 << 10)))
    refused("mixture", changed(replace("qwen2.expert_count", tiny.U32, 8)))
    refused("output_norm.weight", changed(tensors=lambda t: [x for x in t if x[0] != "output_norm.weight"]))
    refused("row 300", tokens=[300])
    open("bad.gguf", "wb").write(good[:-100])
    refused("cut off", "bad.gguf")
    open("bad.gguf", "wb").write(b"")
    refused("GGUF", "bad.gguf")
    m.adapter("a.gguf")
    tiny.Tiny("llama.gguf", "llama")
    refused("another kind", "llama.gguf", "a.gguf")
    refused("no adapter", "m.gguf", "m.gguf")
    wide = tiny.Tiny("wide.gguf", "qwen2", width=128)
    refused("attn_q.weight.lora_a", "wide.gguf", "a.gguf")
    deep = tiny.Tiny("deep.gguf", "qwen2", layers=3)
    deep.adapter("deep-a.gguf")
    refused("belong to nothing", "m.gguf", "deep-a.gguf")

    # Any damage: a refusal in one line, or a model.
    random.seed(4)
    header = good.index(b"blk.1.ffn_norm.weight")
    for _ in range(60):
        bytes_ = bytearray(good)
        for _ in range(random.randint(1, 4)):
            bytes_[random.randrange(header)] = random.choice((0, 1, 255, random.randrange(256)))
        open("bad.gguf", "wb").write(bytes_)
        done = subprocess.run([tool, "logits", "bad.gguf", "-", "8", "1", "2"], capture_output=True, timeout=60)
        assert done.returncode in (0, 1) and (done.returncode == 0 or done.stderr.count(b"\n") == 1), done
print("ok")
