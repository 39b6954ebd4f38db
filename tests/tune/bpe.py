"""Byte pair encoding as Qwen2 has it, in Python: an independent reference of src/nn/vocabulary.h. And what stands in a GGUF file."""
import re
import struct
import unicodedata

import numpy as np

MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SPACE = set(map(chr, [*range(9, 14), 0x20, 0x85, 0xa0, 0x1680, *range(0x2000, 0x200b), 0x2028, 0x2029, 0x202f, 0x205f, 0x3000]))
SHORT = re.compile("'(?:s|t|re|ve|m|ll|d)", re.I | re.A)
# The published pattern over classes: L letter, N number, R line end, B blank, W other white space, O the rest.
REST = re.compile("[BWO]?L+|N|B?O+R*|[BWR]*R+|[BWR]+(?![LNO])|[BWR]+")


def class_of(c):
    if c in "\r\n":
        return "R"
    if c in SPACE:
        return "B" if c == " " else "W"
    kind = unicodedata.category(c)[0]
    return kind if kind in "LN" else "O"


def words(text):
    classes, at = "".join(map(class_of, text)), 0
    while at < len(text):
        m = SHORT.match(text, at) or REST.match(classes, at)
        yield text[at:m.end()]
        at = m.end()


seen = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
SPELLED = {b: chr(b) for b in seen} | {b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in seen)}


def spell(data):
    return "".join(SPELLED[b] for b in data)


def read_gguf(path):
    """Its values by name and its float32 tensors."""
    data = open(path, "rb").read()
    at = 24
    tensors, values = struct.unpack_from("<QQ", data, 8)

    def take(form):
        nonlocal at
        x, = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return x

    def text():
        nonlocal at
        n = take("Q")
        at += n
        return data[at - n:at].decode()

    def value(kind):
        if kind == 8:
            return text()
        if kind == 9:
            inner = take("I")
            return [value(inner) for _ in range(take("Q"))]
        return take({4: "I", 5: "i", 6: "f", 7: "?"}[kind])
    named = {}
    for _ in range(values):
        name = text()
        named[name] = value(take("I"))
    heads = []
    for _ in range(tensors):
        name = text()
        shape = [take("Q") for _ in range(take("I"))][::-1]
        assert take("I") == 0
        heads.append((name, shape, take("Q")))
    base = (at + 31) // 32 * 32
    return named, {n: np.frombuffer(data, "<f4", int(np.prod(s)), base + o).reshape(s).astype(float) for n, s, o in heads}


class Bpe:
    def __init__(self, named):
        self.id = {t: i for i, t in enumerate(named["tokenizer.ggml.tokens"])}
        self.rank = {tuple(m.split(" ")): i for i, m in enumerate(named["tokenizer.ggml.merges"])}

    def word(self, text):
        parts = list(spell(text.encode()))
        while len(parts) > 1:
            rank, i = min((self.rank.get(p, 1 << 30), i) for i, p in enumerate(zip(parts, parts[1:])))
            if rank == 1 << 30:
                break
            parts[i:i + 2] = ["".join(parts[i:i + 2])]
        return [self.id[p] for p in parts]

    def tokens(self, text):
        out = []
        for piece in re.split("(" + "|".join(map(re.escape, MARKS)) + ")", text):
            out += [self.id[piece]] if piece in MARKS else [t for w in words(piece) for t in self.word(w)]
        return out
