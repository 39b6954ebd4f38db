"""`affect train` of a small language model on made texts: its vocabulary is that of byte pair encoding in Python, its tokens too, whatever the text; its
held-out perplexity is numpy's on the file that it writes; a run that was stopped ends with the same bytes; `affect tune` reads texts by it without
llama.cpp; a damaged vocabulary is refused. usage: language.py AFFECT TUNE_TOOL"""
import collections
import csv
import json
import os
import random
import subprocess
import sys
import tempfile

import bpe
import tiny

import numpy as np

affect, tool = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
RECIPE = """[data]
kind = language
train = train.tsv
valid = dev.tsv
vocabulary = {vocabulary}
[model]
layers = 2
width = 32
hidden = 48
heads = 4
kv_heads = 2
context = 64
[train]
epochs = 3
batch = 8
shard = 2
window = 16
rate = .01
warm_up_steps = 5
[card]
name = made
licence = CC0
training_data = made here
"""
HARD = ["It's 12,345 o'clock: WE'LL see...", "tabs\tand  two blanks \n\n  then lines\r\n", "ünïcödé, 漢字 ١٢٣ ½, é — “quotes”", "🙂🙂 a🙂b", " ", "\n", "a", "   end  ",
        "x\u00a0y\u3000z", "<|im_start|>user\nhi<|im_end|>\n<|endoftext|>", "<|im_start|", "don'T 'S 'x '", "#tag @you http://a.b/c?d=1", "\u0085\u2028", "e\u0301 \ud55c\uae00 \U0001F1E9\U0001F1EA"]


def run(*arguments, code=0, env=None):
    done = subprocess.run([affect, *arguments], capture_output=True, text=True, timeout=300, env={**os.environ, **(env or {})})
    assert done.returncode == code, (arguments, done.returncode, done.stderr[-1500:])
    return done.stderr


def made_texts(draw, n):
    who, how, what = ["I", "you", "my sister", "the old man"], ["am glad", "was angry", "felt sad", "isn't afraid"], ["today", "about it!", "of 3 dogs", "— again"]
    return [f"{draw.choice(who)} {draw.choice(how)} {draw.choice(what)} {draw.choice(what)}" for _ in range(n)]


def write(path, texts):
    open(path, "w").write("".join(f"{t}\t27\te{i:06d}\n" for i, t in enumerate(texts)))  # as GoEmotions has it


def merges_of(texts, count):
    """The reference: the most frequent pair; of equals that of the oldest tokens."""
    times = collections.Counter(w for t in texts for w in bpe.words(t))
    spelled = {w: [int(b) for b in w.encode()] for w in times}
    out = []
    for new in range(256, 256 + count):
        pairs = collections.Counter()
        for w, s in spelled.items():
            for p in zip(s, s[1:]):
                pairs[p] += times[w]
        best = min(pairs, key=lambda p: (-pairs[p], p))
        if pairs[best] < 2:
            break
        out.append(best)
        for w, s in spelled.items():
            i = 0
            while i + 1 < len(s):
                if (s[i], s[i + 1]) == best:
                    s[i:i + 2] = [new]
                i += 1
    return out


class Written(tiny.Tiny):
    def __init__(self, named, weights):
        self.w, self.family = weights, "qwen2"
        self.layers, self.heads, self.kv_heads = (named["qwen2." + k] for k in ("block_count", "attention.head_count", "attention.head_count_kv"))
        self.head_width = named["qwen2.embedding_length"] // self.heads
        self.epsilon, self.base = named["qwen2.attention.layer_norm_rms_epsilon"], named["qwen2.rope.freq_base"]


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    draw = random.Random(4)
    train, valid = made_texts(draw, 400), made_texts(draw, 40)
    train, valid = train + HARD[:3], [t for t in valid if t not in train[100:]] + ["you am glad of nothing"]
    write("train.tsv", [t.replace("\n", " ").replace("\r", " ").replace("\t", " ") for t in train])
    write("dev.tsv", valid)
    open("r.ini", "w").write(RECIPE.format(vocabulary=320))
    log = run("train", "r.ini", "-o", "whole", "--threads", "1")
    named, weights = bpe.read_gguf("whole/model.gguf")
    kept = [t.replace("\n", " ").replace("\r", " ").replace("\t", " ") for t in train if t not in valid]
    assert f"{len(kept)} texts" in log, log  # what is held out is not learned from
    expected = merges_of(kept, 320 - 256 - 3)
    found = named["tokenizer.ggml.tokens"]
    assert len(found) == 320 and found[-3:] == list(bpe.MARKS) and named["tokenizer.ggml.token_type"] == [1] * 317 + [3] * 3
    spelled = [bpe.SPELLED[b] for b in range(256)]
    for left, right in expected:
        spelled.append(spelled[left] + spelled[right])
    assert found[:317] == spelled, "the vocabulary is that of the reference"
    assert named["tokenizer.ggml.merges"] == [f"{spelled[a]} {spelled[b]}" for a, b in expected]

    # The tokens of any text, and what is not UTF-8 as it stands.
    reference = bpe.Bpe(named)

    def tokens(text, model="whole/model.gguf"):
        data = text.encode() if isinstance(text, str) else text
        return [int(t) for t in subprocess.run([tool, "tokens", model], input=data, capture_output=True, timeout=60, check=True).stdout.split()]
    made = ["".join(chr(draw.choice([32, 32, 10, 39, 46, 65, 115, 116, 48, 0xe4, 0x4e2d, 0x1f642, 0x301, 0xa0, draw.randrange(33, 0xd000)])) for _ in range(300))
            for _ in range(12)]
    for text in HARD + train[:20] + made:
        assert tokens(text) == reference.tokens(text), repr(text)
    said = tokens(b"a\xff\xc3 b")
    assert b"".join(bytes(k for c in found[t] for k, v in bpe.SPELLED.items() if v == c) for t in said) == b"a\xff\xc3 b"

    # Its perplexity is what the file gives.
    ids = [t for text in valid for t in reference.tokens(text) + [reference.id["<|endoftext|>"]]]
    model, loss, n = Written(named, weights), 0.0, 0
    for at in range(0, len(ids) - 1, 16):
        inputs, targets = ids[at:at + 16], ids[at + 1:at + 17]
        logits = model.logits(inputs[:len(targets)])
        peak = logits.max(-1, keepdims=True)
        loss -= (logits - peak - np.log(np.exp(logits - peak).sum(-1, keepdims=True)))[range(len(targets)), targets].sum()
        n += len(targets)
    card = json.load(open("whole/card.json"))
    rows = list(csv.DictReader(open("whole/log.csv")))
    assert abs(card["validation"]["perplexity"] / np.exp(loss / n) - 1) < 1e-3, (card, np.exp(loss / n))
    assert abs(card["validation"]["bits_per_byte"] - loss / np.log(2) / sum(len(t.encode()) + 1 for t in valid)) < 1e-3
    assert float(rows[-1]["perplexity"]) < float(rows[0]["perplexity"]) < 320 and card["validation"]["perplexity"] < 20, rows
    assert card["licence"] == "CC0" and card["parameters"] == sum(-(-w.size // 16) * 16 for w in weights.values())

    # Stopped, and on two threads.
    run("train", "r.ini", "-o", "stopped", "--stop-after", "1", "-q")
    run("train", "r.ini", "-o", "stopped", "--threads", "2", "-q")
    assert open("stopped/model.gguf", "rb").read() == open("whole/model.gguf", "rb").read()

    # Tuned on texts, without llama.cpp.
    clips = [{"split": "valid" if i >= 12 else "train", "prompt": "<|im_start|>user\nHow? <face><|im_end|>\n", "answer": " glad" if i % 2 else " angry",
              "streams": {"face": {"times": [0], "rows": [[i % 2]]}}} for i in range(16)]
    open("clips.jsonl", "w").write("\n".join(map(json.dumps, clips)))
    open("t.ini", "w").write("[streams]\nnames = face\n[projector]\ntokens = 1\nhidden = 8\n[lora]\ntargets = attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down\n[train]\nepochs = 40\nbatch = 4\nrate = .01\npatience = 0\ndrop = 0\n")
    run("tune", "t.ini", "--base", "whole/model.gguf", "--data", "clips.jsonl", "-o", "tuned", "-q", env={"AFFECT_LLAMA": "none"})
    assert json.load(open("tuned/card.json"))["validation"]["exact"] == 1, open("tuned/log.csv").read()

    # Refusals: recipes, and a vocabulary in which something is missing.
    for text, what in (("heads = 5", "heads"), ("kv_heads = 3", "kv_heads"), ("shard = 3", "shard"), ("speed = 1", "speed"), ("batch = 1000", "too few")):
        key = text.split()[0]
        lines = [text if line.startswith(key + " =") else line for line in RECIPE.format(vocabulary=320).split("\n")]
        if what == "speed":
            lines.insert(-2, text)
        open("bad.ini", "w").write("\n".join(lines))
        line = run("train", "bad.ini", "-o", "bad", code=4)
        assert line.count("\n") == 1 and what in line, line
    whole = open("whole/model.gguf", "rb").read()
    for old, new, why in ((spelled[300].encode(), None, "damaged"), (b"Z", b"Y", "no token for byte 90")):
        at = whole.index(tiny.string(old))
        changed = tiny.string(new or b"\xc4\xa0" * (len(old) // 2) + b"a" * (len(old) % 2))
        assert len(changed) == len(tiny.string(old))
        open("bad.gguf", "wb").write(whole[:at] + changed + whole[at + len(changed):])
        done = subprocess.run([tool, "tokens", "bad.gguf"], input=b"Z", capture_output=True, text=False, timeout=60)
        assert done.returncode == 1 and why in done.stderr.decode(), (why, done)
        line = run("tune", "t.ini", "--base", "bad.gguf", "--data", "clips.jsonl", "-o", "bad", code=8)
        assert line.count("\n") == 1 and "bad.gguf" in line and why in line, line
print("ok")
