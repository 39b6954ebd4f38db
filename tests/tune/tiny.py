"""Random tiny language models as GGUF files, of every family and type that `src/nn/decoder.h` reads, and the same computed by numpy in float64:
an independent reference. The types are read here from ggml's description of their blocks, not by our code."""
import os
import struct

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more only spin
import numpy as np

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TYPES = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q8_0": (8, 32, 34), "Q4_K": (12, 256, 144), "Q6_K": (14, 256, 210), "BF16": (30, 1, 2)}


def string(text):
    text = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(text)) + text


def field(name, kind, v):
    packed = string(v) if kind == STRING else struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)
    return string(name) + struct.pack("<I", kind) + packed


def listed(name, kind, values):
    return string(name) + struct.pack("<IIQ", ARRAY, kind, len(values)) + b"".join(
        string(v) if kind == STRING else struct.pack({I32: "<i", F32: "<f"}[kind], v) for v in values)


def write_gguf(path, fields, tensors):
    """tensors: (name, shape with the rows first, type, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)) + b"".join(fields)
    offset = 0
    for name, shape, kind, data in tensors:
        head += string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape[::-1]) + struct.pack("<IQ", TYPES[kind][0], offset)
        offset += (len(data) + 31) // 32 * 32
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % 32))
        for *_, data in tensors:
            f.write(data + b"\0" * (-len(data) % 32))


def encode(r, shape, kind, scale):
    """Random blocks of that type, of values of about that size: bytes, and the values by the definition of the type."""
    if kind in ("F32", "F16", "BF16"):
        x = r.normal(scale=scale, size=shape).astype("<f4")
        if kind == "F32":
            return x.tobytes(), x.astype(float)
        if kind == "F16":
            h = x.astype("<f2")
            h.flat[0] = 3e-7  # below the smallest normal half
            return h.tobytes(), h.astype(float)
        bits = (x.view("<u4") >> 16).astype("<u2")
        return bits.tobytes(), (bits.astype("<u4") << 16).view("<f4").astype(float)
    _, size, _ = TYPES[kind]
    blocks = int(np.prod(shape)) // size
    out, values = [], []
    for _ in range(blocks):
        if kind == "Q8_0":
            d, q = np.float16(scale / 60 * r.uniform(.5, 1.5)), r.integers(-127, 128, 32, dtype=np.int8)
            out.append(d.tobytes() + q.tobytes())
            values.append(float(d) * q.astype(float))
        elif kind == "Q4_K":
            d, low = np.float16(scale / 250 * r.uniform(.5, 1.5)), np.float16(scale / 40 * r.uniform(.5, 1.5))
            s, m, q = r.integers(16, 64, 8), r.integers(8, 64, 8), r.integers(0, 16, 256)
            packed = bytearray(12)
            for j in range(4):
                packed[j] = int(s[j]) | int(s[j + 4] >> 4) << 6
                packed[j + 4] = int(m[j]) | int(m[j + 4] >> 4) << 6
                packed[j + 8] = int(s[j + 4] & 15) | int(m[j + 4] & 15) << 4
            nibbles = q.reshape(4, 2, 32)
            out.append(d.tobytes() + low.tobytes() + bytes(packed) + (nibbles[:, 0] | nibbles[:, 1] << 4).astype(np.uint8).tobytes())
            values.append((float(d) * s[:, None] * q.reshape(8, 32) - float(low) * m[:, None]).ravel())
        else:
            d, s, q = np.float16(scale / 1200 * r.uniform(.5, 1.5)), r.integers(-100, 100, 16).astype(np.int8), r.integers(0, 64, 256)
            half = q.reshape(2, 4, 32)  # low nibbles: the first two quarters of a half below the last two
            low = np.concatenate([(half[:, 0] & 15) | (half[:, 2] & 15) << 4, (half[:, 1] & 15) | (half[:, 3] & 15) << 4], axis=1)
            high = half[:, 0] >> 4 | half[:, 1] >> 4 << 2 | half[:, 2] >> 4 << 4 | half[:, 3] >> 4 << 6
            out.append(low.astype(np.uint8).tobytes() + high.astype(np.uint8).tobytes() + s.tobytes() + d.tobytes())
            values.append((float(d) * s.astype(float)[:, None] * (q.reshape(16, 16) - 32.0)).ravel())
    return b"".join(out), np.concatenate(values).reshape(shape)


class Tiny:
    """family: llama, qwen2, qwen3; tied: no head of its own; strength: of what a layer adds to its input."""

    def __init__(self, path, family, kind="F32", tied=False, seed=1, layers=2, width=64, heads=4, kv_heads=2, head_width=None, hidden=96, vocabulary=300,
                 context=4096, factors=False, strength=1.5):
        r = np.random.default_rng(seed)
        self.family, self.layers, self.heads, self.kv_heads, self.width, self.vocabulary = family, layers, heads, kv_heads, width, vocabulary
        self.head_width = head_width or width // heads
        self.epsilon, self.base = 1e-5, 10000.0 if family == "llama" else 1000000.0
        self.w, tensors = {}, []

        def add(name, shape, type_, scale, mean=0.0):
            data, x = encode(r, shape, type_, scale)
            if mean:
                x = (x + mean).astype("<f4")
                data = x.tobytes()
            tensors.append((name, shape, type_, data))
            self.w[name] = x.astype(float)

        q, k = heads * self.head_width, kv_heads * self.head_width
        add("token_embd.weight", (vocabulary, width), kind, 1.0)
        for i in range(layers):
            b = f"blk.{i}."
            add(b + "attn_norm.weight", (width,), "F32", .1, 1.0)
            for name, shape in (("attn_q", (q, width)), ("attn_k", (k, width)), ("attn_v", (k, width)), ("attn_output", (width, q)),
                                ("ffn_gate", (hidden, width)), ("ffn_up", (hidden, width)), ("ffn_down", (width, hidden))):
                add(b + name + ".weight", shape, kind, strength / shape[1] ** .5)
                if family == "qwen2" and name in ("attn_q", "attn_k", "attn_v"):
                    add(b + name + ".bias", shape[:1], "F32", .5)
            if family == "qwen3":
                add(b + "attn_q_norm.weight", (self.head_width,), "F32", .1, 1.0)
                add(b + "attn_k_norm.weight", (self.head_width,), "F32", .1, 1.0)
            add(b + "ffn_norm.weight", (width,), "F32", .1, 1.0)
        add("output_norm.weight", (width,), "F32", .1, 1.0)
        if not tied:
            add("output.weight", (vocabulary, width), kind, 3.0 / width ** .5)
        if factors:
            x = np.linspace(1, 8, self.head_width // 2).astype("<f4")
            tensors.append(("rope_freqs.weight", x.shape, "F32", x.tobytes()))
            self.w["rope_freqs.weight"] = x.astype(float)
        a = family + "."
        bytes_ = 256 if vocabulary > 256 else 0
        names = [f"<{i}>" for i in range(vocabulary - bytes_)] + [f"<0x{i:02X}>" for i in range(bytes_)]
        self.fields = [
            field("general.architecture", STRING, family), field("general.name", STRING, "tiny"), field(a + "context_length", U32, context),
            field(a + "embedding_length", U32, width), field(a + "block_count", U32, layers), field(a + "feed_forward_length", U32, hidden),
            field(a + "attention.head_count", U32, heads), field(a + "attention.head_count_kv", U32, kv_heads),
            field(a + "attention.key_length", U32, self.head_width), field(a + "attention.value_length", U32, self.head_width),
            field(a + "rope.dimension_count", U32, self.head_width), field(a + "rope.freq_base", F32, self.base),
            field(a + "attention.layer_norm_rms_epsilon", F32, self.epsilon), field("tokenizer.ggml.model", STRING, "llama"),
            listed("tokenizer.ggml.tokens", STRING, names), listed("tokenizer.ggml.scores", F32, [-float(i) for i in range(vocabulary)]),
            listed("tokenizer.ggml.token_type", I32, [3] * (vocabulary - bytes_) + [6] * bytes_),
            field("tokenizer.ggml.bos_token_id", U32, 1), field("tokenizer.ggml.eos_token_id", U32, 2)]
        self.epsilon = float(np.float32(self.epsilon))
        self.tensors = tensors
        write_gguf(path, self.fields, tensors)

    def plain(self, path):
        """The same values in F32."""
        write_gguf(path, self.fields, [(name, shape, "F32", self.w[name].astype("<f4").tobytes()) for name, shape, *_ in self.tensors])

    def adapter(self, path, rank=4, alpha=8.0, targets=("attn_q", "attn_v", "ffn_down"), seed=5):
        """A LoRA adapter, which is in effect from here on."""
        r, tensors, self.lora = np.random.default_rng(seed), [], {}
        for i in range(self.layers):
            for t in targets:
                out, inner = self.w[f"blk.{i}.{t}.weight"].shape
                a, b = r.normal(scale=inner ** -.5, size=(rank, inner)).astype("<f4"), r.normal(scale=.2, size=(out, rank)).astype("<f4")
                name = f"blk.{i}.{t}.weight"
                tensors += [(name + ".lora_a", a.shape, "F32", a.tobytes()), (name + ".lora_b", b.shape, "F32", b.tobytes())]
                self.lora[name] = alpha / rank * b.astype(float) @ a.astype(float)
        write_gguf(path, [field("general.architecture", STRING, self.family), field("general.type", STRING, "adapter"),
                          field("adapter.type", STRING, "lora"), field("adapter.lora.alpha", F32, alpha)], tensors)

    def norm(self, x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * self.w[name]

    def linear(self, x, name):
        w = self.w[name + ".weight"] + self.__dict__.get("lora", {}).get(name + ".weight", 0)
        return x @ w.T + self.w.get(name + ".bias", 0)

    def rotate(self, x):
        t, h, d = x.shape
        angle = np.arange(t)[:, None] * self.base ** (-2 * np.arange(d // 2) / d) / self.w.get("rope_freqs.weight", 1.0)
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        if self.family == "llama":
            a, b = x[..., 0::2], x[..., 1::2]
            out = np.empty_like(x)
            out[..., 0::2], out[..., 1::2] = a * c - b * s, a * s + b * c
            return out
        a, b = x[..., :d // 2], x[..., d // 2:]
        return np.concatenate([a * c - b * s, a * s + b * c], -1)

    def logits(self, tokens):
        x = self.w["token_embd.weight"][tokens]
        n, group = len(tokens), self.heads // self.kv_heads
        mask = np.triu(np.full((n, n), -np.inf), 1)
        for i in range(self.layers):
            b = f"blk.{i}."
            h = self.norm(x, b + "attn_norm.weight")
            q, k, v = (self.linear(h, b + name).reshape(n, -1, self.head_width) for name in ("attn_q", "attn_k", "attn_v"))
            if self.family == "qwen3":
                q, k = self.norm(q, b + "attn_q_norm.weight"), self.norm(k, b + "attn_k_norm.weight")
            q, k = self.rotate(q), self.rotate(k)
            out = np.empty_like(q)
            for head in range(self.heads):
                s = q[:, head] @ k[:, head // group].T / self.head_width ** .5 + mask
                p = np.exp(s - s.max(-1, keepdims=True))
                out[:, head] = p / p.sum(-1, keepdims=True) @ v[:, head // group]
            x = x + self.linear(out.reshape(n, -1), b + "attn_output")
            h = self.norm(x, b + "ffn_norm.weight")
            gate = self.linear(h, b + "ffn_gate")
            x = x + self.linear(gate / (1 + np.exp(-gate)) * self.linear(h, b + "ffn_up"), b + "ffn_down")
        return self.norm(x, "output_norm.weight") @ self.w["output.weight" if "output.weight" in self.w else "token_embd.weight"].T

    def greedy(self, tokens, count):
        """The likeliest tokens one after the other, and the least gap between the first two (that says how near a tie was)."""
        tokens, gap = list(tokens), np.inf
        for _ in range(count):
            last = self.logits(tokens)[-1]
            gap = min(gap, np.diff(np.sort(last)[-2:])[0])
            tokens.append(int(last.argmax()))
        return tokens[-count:], gap
