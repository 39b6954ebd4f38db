"""A tiny language model in the form GGUF (https://github.com/ggml-org/ggml, docs/gguf.md): architecture "llama", a vocabulary of single characters,
bytes and some syllables; its weights are random, or such that it says one thing whatever it is told."""
import struct

import numpy as np

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
WIDTH, HEADS, LAYERS, HIDDEN, CONTEXT = 64, 4, 2, 64, 8192
UNKNOWN, CONTROL, NORMAL, BYTE = 2, 3, 1, 6


def string(text):
    text = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(text)) + text


def value(kind, v):
    if kind == STRING:
        return string(v)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def field(name, kind, v):
    return string(name) + struct.pack("<I", kind) + value(kind, v)


def listed(name, kind, values):
    return string(name) + struct.pack("<IIQ", ARRAY, kind, len(values)) + b"".join(value(kind, v) for v in values)


def vocabulary(words):
    tokens = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    tokens += [(f"<0x{i:02X}>", 0.0, BYTE) for i in range(256)]
    single = [chr(i) for i in range(33, 127)] + ["\u2581"]
    return tokens + [(c, -1000.0 - i, NORMAL) for i, c in enumerate(single)] + [(w, -float(i), NORMAL) for i, w in enumerate(words) if len(w) > 1]


def words():
    parts = ["person", "\u2581person", "\u2581from", "\u2581to", "\u2581at", "episode", "event", "\u2581s", "\u2581the", "\u2581a"]
    return sorted({p[:n] for p in parts for n in range(2, len(p) + 1)}, key=lambda w: (-len(w), w))  # the same in every process


def pieces(says, known):
    """The text cut into pieces that are all different, and none of them known: each then follows one other alone."""
    out, at = [], 0
    while at < len(says):
        n = 1
        while says[at:at + n].replace(" ", "\u2581") in known and at + n < len(says):
            n += 1
        piece = says[at:at + n].replace(" ", "\u2581")
        if piece in known:  # the end is too short for one of its own
            piece = out.pop() + piece
        out.append(piece)
        known.add(piece)
        at += n
    return out


def tensors(count, seed, chain, closing):
    """`chain`: tokens that follow each other; the model then has no layers worth the name."""
    r = np.random.default_rng(seed)

    def small(*shape):
        return r.normal(scale=0.0 if chain else 0.3, size=shape).astype("<f4")

    embedding = r.normal(size=(count, WIDTH))
    embedding[:, -1] = 0.3 * WIDTH ** 0.5  # the same of all: by it a model with something to say ends soon where it may not say it
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    output = r.normal(scale=0.3, size=(count, WIDTH))
    if chain:
        output[closing, -1] = 4
    for before, after in zip(chain, chain[1:]):
        output[after] = 5 * embedding[before]
    yield "token_embd.weight", embedding.astype("<f4")
    for i in range(LAYERS):
        yield f"blk.{i}.attn_norm.weight", np.ones(WIDTH, "<f4")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{i}.{name}.weight", small(WIDTH, WIDTH)
        yield f"blk.{i}.ffn_norm.weight", np.ones(WIDTH, "<f4")
        yield f"blk.{i}.ffn_gate.weight", small(HIDDEN, WIDTH)
        yield f"blk.{i}.ffn_up.weight", small(HIDDEN, WIDTH)
        yield f"blk.{i}.ffn_down.weight", small(WIDTH, HIDDEN)
    yield "output_norm.weight", np.ones(WIDTH, "<f4")
    yield "output.weight", output.astype("<f4")


def store(path, fields, named):
    """`named`: (name, array of float32)."""
    named = list(named)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(named), len(fields)) + b"".join(fields)
    offset = 0
    for name, t in named:
        head += string(name) + struct.pack("<I", t.ndim) + struct.pack(f"<{t.ndim}Q", *t.shape[::-1]) + struct.pack("<IQ", 0, offset)
        offset += (t.nbytes + 31) // 32 * 32
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % 32))
        for _, t in named:
            f.write(t.tobytes() + b"\0" * (-t.nbytes % 32))


def save(path, tokens, named, width, heads, layers, hidden, context, more=()):
    """`tokens`: (text, score, kind); `named`: (name, matrix of float32) as the architecture "llama" wants them; `more`: fields beside those."""
    fields = [field("general.architecture", STRING, "llama"), field("general.name", STRING, "tiny"), field("general.alignment", U32, 32),
              field("llama.context_length", U32, context), field("llama.embedding_length", U32, width), field("llama.block_count", U32, layers),
              field("llama.feed_forward_length", U32, hidden), field("llama.attention.head_count", U32, heads),
              field("llama.attention.head_count_kv", U32, heads), field("llama.rope.dimension_count", U32, width // heads),
              field("llama.attention.layer_norm_rms_epsilon", F32, 1e-5), field("llama.vocab_size", U32, len(tokens)),
              field("tokenizer.ggml.model", STRING, "llama"), listed("tokenizer.ggml.tokens", STRING, [t for t, _, _ in tokens]),
              listed("tokenizer.ggml.scores", F32, [s for _, s, _ in tokens]), listed("tokenizer.ggml.token_type", I32, [k for _, _, k in tokens]),
              field("tokenizer.ggml.bos_token_id", U32, 1), field("tokenizer.ggml.eos_token_id", U32, 2), field("tokenizer.ggml.unknown_token_id", U32, 0),
              field("tokenizer.ggml.add_bos_token", BOOL, True), field("tokenizer.ggml.add_space_prefix", BOOL, False), *more]
    store(path, fields, named)


def write(path, seed=1, context=CONTEXT, says=None):
    """`says`: what it answers after a prompt that ends with a line feed."""
    tokens = vocabulary(words())
    chain, closing = [], [2, *(i for i, (t, _, _) in enumerate(tokens) if t in ('"', "]", "}"))]
    if says:
        said = pieces(says, {t for t, _, _ in tokens})
        chain = [tokens.index(("<0x0A>", 0.0, BYTE)), *range(len(tokens), len(tokens) + len(said)), 2]
        tokens += [(p, -2000.0, NORMAL) for p in said]
    save(path, tokens, tensors(len(tokens), seed, chain, closing), WIDTH, HEADS, LAYERS, HIDDEN, context)


def layers(r, prefix, width, hidden, count):
    """Of a transformer that sees or hears, as clip.cpp of llama.cpp names them."""
    def small(*shape):
        return r.normal(scale=0.3, size=shape).astype("<f4")

    for i in range(count):
        at = f"{prefix}.blk.{i}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            yield f"{at}.{name}.weight", small(width, width)
            if name != "attn_k":
                yield f"{at}.{name}.bias", small(width)
        for name in ("ln1", "ln2"):
            yield f"{at}.{name}.weight", np.ones(width, "<f4")
            yield f"{at}.{name}.bias", small(width)
        yield f"{at}.ffn_up.weight", small(hidden, width)
        yield f"{at}.ffn_up.bias", small(hidden)
        yield f"{at}.ffn_down.weight", small(width, hidden)
        yield f"{at}.ffn_down.bias", small(width)


def write_projector(path, seed=1, pictures=True, sound=True, width=WIDTH):
    """A projector ("mmproj") with random weights: pictures in four patches as LLaVA has them, sound as Qwen2-Audio has it."""
    r = np.random.default_rng(seed)
    inner, hidden, count, side, patch, bins, frames = 32, 48, 2, 28, 14, 128, 1500

    def small(*shape):
        return r.normal(scale=0.3, size=shape).astype("<f4")

    fields = [field("general.architecture", STRING, "clip"), field("general.name", STRING, "tiny"), field("general.alignment", U32, 32),
              field("clip.has_vision_encoder", BOOL, pictures), field("clip.has_audio_encoder", BOOL, sound), field("clip.use_gelu", BOOL, True)]
    named = []
    for kind, there, name in (("vision", pictures, "mlp"), ("audio", sound, "qwen2a")):
        if there:
            fields += [field(f"clip.{kind}.projector_type", STRING, name), field(f"clip.{kind}.embedding_length", U32, inner),
                       field(f"clip.{kind}.feed_forward_length", U32, hidden), field(f"clip.{kind}.block_count", U32, count),
                       field(f"clip.{kind}.projection_dim", U32, width), field(f"clip.{kind}.attention.head_count", U32, 2),
                       field(f"clip.{kind}.attention.layer_norm_epsilon", F32, 1e-5)]
    if pictures:
        fields += [field("clip.vision.image_size", U32, side), field("clip.vision.patch_size", U32, patch),
                   listed("clip.vision.image_mean", F32, [0.5, 0.4, 0.4]), listed("clip.vision.image_std", F32, [0.3, 0.3, 0.3])]
        named += [("v.patch_embd.weight", small(inner, 3, patch, patch)), ("v.position_embd.weight", small((side // patch) ** 2, inner)),
                  *layers(r, "v", inner, hidden, count), ("mm.0.weight", small(width, inner)), ("mm.0.bias", small(width)),
                  ("mm.2.weight", small(width, width)), ("mm.2.bias", small(width))]
    if sound:
        fields += [field("clip.audio.num_mel_bins", U32, bins)]
        named += [("a.conv1d.1.weight", small(inner, bins, 3)), ("a.conv1d.1.bias", small(inner, 1)), ("a.conv1d.2.weight", small(inner, inner, 3)),
                  ("a.conv1d.2.bias", small(inner, 1)), ("a.position_embd.weight", small(frames, inner)), *layers(r, "a", inner, hidden, count),
                  ("a.post_ln.weight", np.ones(inner, "<f4")), ("a.post_ln.bias", small(inner)), ("mm.a.fc.weight", small(width, inner)),
                  ("mm.a.fc.bias", small(width))]
    store(path, fields, named)
