"""Language models in this library beside PyTorch and llama.cpp: one core, processor time, one run. usage:

    /usr/bin/python3 bench/language.py BUILD [--steps 5] [--clips 8] [--llama libaffect-llama.so] [train] [adapter] [say]

train: every weight of the model of recipes/language.ini, 16 windows of 128 tokens a step, here and in PyTorch (its scaled_dot_product_attention does not exist in 1.13: matrix
products and a mask; the best of one pass over all windows and of four at a time, of plain and TorchScript-traced layers). adapter: one step of LoRA rank 16 on all products of
a model of Qwen2.5-0.5B's shape with random Q8_0 weights, CLIPS x 512 tokens. say: 200 tokens one after the other, here and in llama.cpp."""
import argparse
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time

SHAPE = {"layers": 4, "width": 128, "hidden": 344, "heads": 4, "kv_heads": 2, "vocabulary": 2048, "windows": 16, "tokens": 128}


def peer(shard, traced, steps):
    """PyTorch's side, in a process of its own: seconds of the best step, and the peak in MiB."""
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    torch.set_num_threads(1)
    torch.manual_seed(1)
    s = argparse.Namespace(**SHAPE)
    head = s.width // s.heads

    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(s.width))

        def forward(self, x):
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.gain

    angle = torch.arange(s.tokens)[:, None] * 10000. ** (-2 * torch.arange(head // 2) / head)
    cosine, sine = torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)
    mask = torch.triu(torch.full((s.tokens, s.tokens), float("-inf")), 1)

    def turn(x):
        a, b = x.chunk(2, -1)
        return x * cosine + torch.cat([-b, a], -1) * sine

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            k = s.kv_heads * head
            self.n1, self.n2 = Norm(), Norm()
            self.q, self.k, self.v = nn.Linear(s.width, s.width), nn.Linear(s.width, k), nn.Linear(s.width, k)
            self.o, self.gate = nn.Linear(s.width, s.width, bias=False), nn.Linear(s.width, s.hidden, bias=False)
            self.up, self.down = nn.Linear(s.width, s.hidden, bias=False), nn.Linear(s.hidden, s.width, bias=False)

        def forward(self, x):
            n, t, _ = x.shape
            h = self.n1(x)
            q, k, v = (f(h).view(n, t, -1, head).transpose(1, 2) for f in (self.q, self.k, self.v))
            q, k = turn(q), turn(k)
            k, v = (y.repeat_interleave(s.heads // s.kv_heads, 1) for y in (k, v))
            w = torch.softmax(q @ k.transpose(-1, -2) * head ** -.5 + mask, -1)
            x = x + self.o((w @ v).transpose(1, 2).reshape(n, t, s.width))
            h = self.n2(x)
            return x + self.down(F.silu(self.gate(h)) * self.up(h))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.norm = nn.Embedding(s.vocabulary, s.width), Norm()
            self.layers = nn.ModuleList(Layer() for _ in range(s.layers))

        def forward(self, tokens):
            x = self.table(tokens)
            for layer in self.layers:
                x = layer(x)
            return self.norm(x) @ self.table.weight.T
    model = Model()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
    tokens = torch.randint(0, s.vocabulary, (s.windows, s.tokens))
    if traced:
        for i, layer in enumerate(model.layers):
            model.layers[i] = torch.jit.trace(layer, torch.randn(shard, s.tokens, s.width))
    best = None
    for _ in range(steps):
        began = time.process_time()
        optimiser.zero_grad(set_to_none=True)
        for part in tokens.split(shard):
            loss = F.cross_entropy(model(part).view(-1, s.vocabulary), part.reshape(-1)) * len(part) / s.windows
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimiser.step()
        took = time.process_time() - began
        best = took if best is None else min(best, took)
    print(best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if sys.argv[1] == "peer":
    peer(int(sys.argv[2]), sys.argv[3] == "1", int(sys.argv[4]))
    sys.exit()
p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("build")
p.add_argument("what", nargs="*", default=["train", "adapter", "say"])
p.add_argument("--steps", type=int, default=5)
p.add_argument("--clips", type=int, default=8)
p.add_argument("--llama")
a = p.parse_args()
bench = f"{a.build}/bench/bench-language"


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    if done.returncode:
        sys.exit(done.stderr[-800:])
    return [float(x) for x in done.stdout.split()]


def made(path, shape):
    """A model of that shape with random weights of Q8_0."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../tests/tune")
    import numpy as np
    import tiny
    r = np.random.default_rng(1)
    blocks = np.zeros(30000, dtype=[("d", "<f2"), ("q", "i1", 32)])
    blocks["d"], blocks["q"] = .03 / 60, r.integers(-127, 128, (30000, 32))
    pool = blocks.tobytes()

    def quantised(out, inner):
        n = out * inner // 32 * 34
        return (pool * (n // len(pool) + 1))[:n]
    w, k, h = shape["width"], shape["kv_heads"] * shape["head"], shape["hidden"]
    ones = lambda n: np.ones(n, "<f4").tobytes()
    tensors = [("token_embd.weight", (shape["vocabulary"], w), "Q8_0", quantised(shape["vocabulary"], w)), ("output_norm.weight", (w,), "F32", ones(w))]
    for i in range(shape["layers"]):
        b = f"blk.{i}."
        tensors += [(b + "attn_norm.weight", (w,), "F32", ones(w)), (b + "ffn_norm.weight", (w,), "F32", ones(w))]
        for name, out, inner in (("attn_q", w, w), ("attn_k", k, w), ("attn_v", k, w), ("attn_output", w, w), ("ffn_gate", h, w), ("ffn_up", h, w), ("ffn_down", w, h)):
            tensors.append((b + name + ".weight", (out, inner), "Q8_0", quantised(out, inner)))
            if name in ("attn_q", "attn_k", "attn_v"):
                tensors.append((b + name + ".bias", (out,), "F32", np.zeros(out, "<f4").tobytes()))
    f, U, S = tiny.field, tiny.U32, tiny.STRING
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    names = bytes_ + [f"<{i}>" for i in range(shape["vocabulary"] - 256)]
    tiny.write_gguf(path, [f("general.architecture", S, "qwen2"), f("qwen2.context_length", U, 32768), f("qwen2.embedding_length", U, w), f("qwen2.block_count", U, shape["layers"]),
                           f("qwen2.feed_forward_length", U, h), f("qwen2.attention.head_count", U, w // shape["head"]), f("qwen2.attention.head_count_kv", U, shape["kv_heads"]),
                           f("qwen2.rope.freq_base", tiny.F32, 1e6), f("qwen2.attention.layer_norm_rms_epsilon", tiny.F32, 1e-6), f("tokenizer.ggml.model", S, "llama"),
                           tiny.listed("tokenizer.ggml.tokens", S, names), tiny.listed("tokenizer.ggml.scores", tiny.F32, [-float(i) for i in range(len(names))]),
                           tiny.listed("tokenizer.ggml.token_type", tiny.I32, [6] * 256 + [1] * (len(names) - 256)), f("tokenizer.ggml.bos_token_id", U, 300),
                           f("tokenizer.ggml.eos_token_id", U, 301)], tensors)


if "train" in a.what:
    count = SHAPE["windows"] * SHAPE["tokens"]
    *_, ours, memory = run(bench, "new", *(SHAPE[k] for k in ("layers", "width", "hidden", "heads", "kv_heads", "vocabulary", "windows", "tokens")), a.steps)
    theirs = {}
    for way in ((16, False), (4, False), (16, True), (4, True)):
        done = subprocess.run([sys.executable, os.path.abspath(__file__), "peer", str(way[0]), str(int(way[1])), str(a.steps)], capture_output=True, text=True)
        if done.returncode:  # tracing ends some builds of PyTorch 1.13
            print(f"PyTorch, {way}: exit code {done.returncode}", file=sys.stderr)
        else:
            theirs[way] = [float(x) for x in done.stdout.split()]
    (shard, traced), (best, theirs_memory) = min(theirs.items(), key=lambda x: x[1][0])
    least = min(m for _, m in theirs.values())
    print(f"training, every weight, {SHAPE}: {count / ours:.0f} tokens/s, {memory:.0f} MiB; PyTorch {count / best:.0f} tokens/s ({shard} windows at a time"
          f"{', traced' if traced else ''}), {theirs_memory:.0f} MiB (its least: {least:.0f}): {best / ours:.2f} times the speed, {memory / theirs_memory:.2f} of the memory", flush=True)
if "adapter" in a.what:
    with tempfile.TemporaryDirectory() as folder:
        made(folder + "/m.gguf", {"layers": 24, "width": 896, "hidden": 4864, "head": 64, "kv_heads": 2, "vocabulary": 151936})
        *_, took, memory = run(bench, "adapter", folder + "/m.gguf", 16, a.clips, 512, 1)
        print(f"LoRA 16 on Qwen2.5-0.5B's shape, Q8_0, {a.clips} x 512 tokens: {took:.1f} s a step, {memory / 1024:.2f} GiB; 30,000 clips of 512 tokens: "
              f"{took / a.clips * 30000 / 86400:.1f} days an epoch on one core", flush=True)
if "say" in a.what:
    with tempfile.TemporaryDirectory() as folder:
        path, n = folder + "/m.gguf", 200
        made(path, {"layers": 8, "width": 512, "hidden": 1536, "head": 64, "kv_heads": 2, "vocabulary": 32000})
        ours, _ = run(bench, "say", path, n)
        print(f"saying {n} tokens, 8 layers of 512, Q8_0: {n / ours:.0f} tokens/s", end="")
        if a.llama:
            class Request(ctypes.Structure):
                _fields_ = [("prompt", ctypes.c_char_p), ("grammar", ctypes.c_char_p), ("most", ctypes.c_int), ("temperature", ctypes.c_float), ("seed", ctypes.c_uint32),
                            ("stop", ctypes.c_void_p), ("user", ctypes.c_void_p)]

            class Api(ctypes.Structure):
                _fields_ = [("interface", ctypes.c_int), ("version", ctypes.c_char_p),
                            ("open", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)),
                            ("close", ctypes.c_void_p), ("context", ctypes.c_void_p), ("count", ctypes.c_void_p),
                            ("answer", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(Request), ctypes.c_void_p, ctypes.c_char_p))]
            lib = ctypes.CDLL(os.path.abspath(a.llama))
            lib.affect_llama.restype = ctypes.POINTER(Api)
            api, why, reply = lib.affect_llama().contents, ctypes.create_string_buffer(256), ctypes.create_string_buffer(64)
            with open(path, "rb") as f:
                model = api.open(f.fileno(), 1024, 1, None, None, why)
            assert model, why.value
            took = []
            for most in (1, n + 1):  # with and without what the prompt costs
                began = time.process_time()
                failed = api.answer(model, Request(b"a", b'root ::= [^"]*', most, 0, 1, None, None), reply, why)
                took.append(time.process_time() - began)
                assert not failed, why.value
            said = int.from_bytes(reply.raw[24:28], sys.byteorder)
            print(f"; llama.cpp {(said - 1) / max(took[1] - took[0], 1e-9):.0f} tokens/s over {said} tokens, with a grammar", end="")
        print(flush=True)
