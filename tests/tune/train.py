"""`affect tune` on a random tiny model whose every answer stands in two streams: it learns them, projectors alone too; a run that was killed ends with the same
bytes, whatever the threads; what is wrong with recipe, data or base is said in one line with its place. usage: train.py AFFECT TUNE_TOOL"""
import csv
import hashlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

import tiny

import numpy as np

affect, tool = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
RECIPE = """[streams]
names = face voice
[projector]
kind = {kind}
tokens = 2
hidden = 16
heads = 2
[lora]
rank = {rank}
[train]
epochs = {epochs}
batch = 4
rate = {rate}
warm_up_steps = 5
patience = {patience}
drop = {drop}
[card]
name = tiny-tune
licence = CC0
training_data = made here
"""


def tune(*arguments, code=0, data="clips.jsonl", base="m.gguf", recipe="r.ini"):
    done = subprocess.run([affect, "tune", recipe, "--base", base, "--data", data, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, (arguments, done.returncode, done.stderr[-1500:])
    return done.stderr


def recipe(kind="mlp", rank=4, epochs=30, rate=.01, patience=0, drop=0):
    open("r.ini", "w").write(RECIPE.format(kind=kind, rank=rank, epochs=epochs, rate=rate, patience=patience, drop=drop))


def clips(path, n=72, seed=1, absent=()):
    """The answer: a token that the face's first number says (4 kinds), one that the voice's last steps say (2 kinds)."""
    r, lines = np.random.default_rng(seed), []
    for i in range(n):
        a, b = i % 4, i // 4 % 2
        face = r.normal(size=(6, 3)) * .3 + [3 * a, 1, 0]
        voice = r.normal(size=(9, 2)) * .3
        voice[5:, 1] += 4 * b - 2
        streams = {"face": {"times": [.1 * k for k in range(6)], "rows": face.round(4).tolist()},
                   "voice": {"times": [.05 * k + 1 for k in range(9)], "rows": voice.round(4).tolist()}}
        for name in absent:
            streams[name] = None
        lines.append(json.dumps({"id": f"c{i}", "split": "valid" if i >= 2 * n // 3 else "train", "prompt": [1, 7, "<face>", 9, "<voice>", 11],
                                 "answer": [20 + a, 30 + b], "streams": streams}))
    open(path, "w").write("\n".join(lines) + "\n")
    return lines


def logged(folder):
    return list(csv.DictReader(open(folder + "/log.csv")))


def sums(folder):
    return {n: hashlib.sha256(open(f"{folder}/{n}", "rb").read()).hexdigest() for n in ("adapter.gguf", "projector.safetensors")}


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    small = dict(width=32, heads=4, kv_heads=2, hidden=48, vocabulary=64, context=64, strength=.7)
    tiny.Tiny("m.gguf", "qwen2", "Q8_0", tied=True, **{**small, "hidden": 64})
    lines = clips("clips.jsonl")

    # It learns what stands in the streams, by every kind of projector; the projectors alone move a model with random weights a little.
    for kind, rank in (("mlp", 4), ("linear", 4), ("queries", 4), ("mlp", 0)):
        recipe(kind, rank)
        said = tune("-o", kind + str(rank))
        rows = logged(kind + str(rank))
        best = min(rows, key=lambda r: float(r["valid_loss"]))
        gain = float(rows[0]["valid_loss"]) / float(best["valid_loss"])
        assert (gain > 3 and float(best["exact"]) >= .9) if rank else gain > 1.2, (kind, rank, gain, best)
        assert len(rows) == 30 and said.count("validation") == 30 and os.path.exists(kind + str(rank) + "/curves.svg")
        assert os.path.exists(kind + str(rank) + "/adapter.gguf") == (rank > 0)
    card = json.load(open("mlp4/card.json"))
    assert card["base"] == {"name": "tiny", "file": "m.gguf", "architecture": "qwen2", "sha256": hashlib.sha256(open("m.gguf", "rb").read()).hexdigest()}
    assert card["data"]["train"] == 48 and card["data"]["valid"] == 24 and card["licence"] == "CC0" and card["training_data"] == "made here"
    assert [s["name"] for s in card["streams"]] == ["face", "voice"] and card["streams"][0]["features"] == 3 and card["rank"] == 4
    rows = logged("mlp4")
    assert abs(card["validation"]["loss"] - min(float(r["valid_loss"]) for r in rows)) < 1e-6

    # Without the streams the answers cannot be known: neither part is told apart.
    clips("blind.jsonl", absent=("voice",))
    recipe()
    tune("-o", "blind", data="blind.jsonl", code=4)  # no clip has a voice: not a stream to name
    mixed = lines[:48] + [json.dumps({**json.loads(x), "streams": {}}) for x in lines[48:]]
    open("mixed.jsonl", "w").write("\n".join(mixed))
    tune("-o", "mixed", data="mixed.jsonl")
    assert max(float(r["exact"]) for r in logged("mixed")) <= .5, "chance is 1 in 8"

    # The adapter is one that the reader of adapters takes; projectors' numbers are all there.
    def logits(*arguments):
        return np.frombuffer(subprocess.run([tool, "logits", "m.gguf", *arguments, "64", "1", "7", "9", "11"], capture_output=True, check=True).stdout, "<f4")
    assert np.abs(logits("-") - logits("mlp4/adapter.gguf")).max() > .01
    raw = open("queries4/projector.safetensors", "rb").read()
    names = set(json.loads(raw[8:8 + struct.unpack("<Q", raw[:8])[0]]))
    assert {"face.mean", "voice.deviation", "face.query", "voice.slope", "face.absent"} <= names, names

    # Killed, stopped, other threads: the same bytes.
    recipe(epochs=6, drop=.2)
    tune("-o", "whole")
    tune("-o", "threads", "--threads", "1")
    tune("-o", "stopped", "--stop-after", "2")
    tune("-o", "stopped")
    killed = subprocess.Popen([affect, "tune", "r.ini", "--base", "m.gguf", "--data", "clips.jsonl", "-o", "killed"], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not os.path.exists("killed/checkpoint.safetensors") and time.monotonic() < end and killed.poll() is None:
        time.sleep(.002)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    tune("-o", "killed")
    for other in ("threads", "stopped", "killed"):
        assert sums(other) == sums("whole"), other
        assert [[r[k] for k in ("epoch", "train_loss", "valid_loss", "exact")] for r in logged(other)] == \
               [[r[k] for k in ("epoch", "train_loss", "valid_loss", "exact")] for r in logged("whole")], other

    # It stops where validation stops getting better.
    recipe(epochs=40, rate=.3, patience=2)
    tune("-o", "early")
    rows = [float(r["valid_loss"]) for r in logged("early")]
    assert len(rows) < 40 and rows.index(min(rows)) == len(rows) - 3, rows

    # Refusals.
    def refused(pattern, code, **more):
        line = tune("-o", "bad", code=code, **more)
        assert line.count("\n") == 1 and re.search(pattern, line), line
    recipe()
    line = json.loads(lines[0])

    def bad(**changed):
        open("bad.jsonl", "w").write(lines[0] + "\n\n" + json.dumps({**line, **changed}) + "\n")
        return {"data": "bad.jsonl"}
    refused("bad.jsonl:3: .*no token of the model", 4, **bad(prompt=[1, 64]))
    refused("bad.jsonl:3: .*no token", 4, **bad(answer=[1, "<face>"]))
    refused("bad.jsonl:3: .*at least a token each", 4, **bad(answer=[]))
    refused("bad.jsonl:3: .*neither text nor", 4, **bad(prompt=7))
    os.environ["AFFECT_LLAMA"] = "none"  # texts want it
    refused("make llama", 9, **bad(prompt="how does it look? <face>"))
    refused("bad.jsonl:3: .*the first has 3", 4, **bad(streams={"face": {"times": [0, 1], "rows": [[1, 2, 3], [1, 2]]}}))
    refused("bad.jsonl:3: .*those before have 3", 4, **bad(streams={"face": {"times": [0], "rows": [[1, 2]]}}))
    refused("bad.jsonl:3: .*does not rise", 4, **bad(streams={"face": {"times": [1, 0], "rows": [[1, 2, 3], [1, 2, 3]]}}))
    refused("bad.jsonl:3: .*same number", 4, **bad(streams={"face": {"times": [1, 0], "rows": [[1, 2, 3]]}}))
    refused("2 clips train and 0 validate", 4, **bad())
    open("bad.jsonl", "w").write("{}\nnonsense\n")
    refused("bad.jsonl:1", 4, data="bad.jsonl")
    open("bad.jsonl", "w").write("nonsense\n")
    refused("bad.jsonl:1: no JSON object", 4, data="bad.jsonl")
    refused("none.jsonl", 3, data="none.jsonl")
    refused("none.gguf", 3, base="none.gguf")
    refused("clips.jsonl: it is no model", 8, base="clips.jsonl")
    long = {"prompt": [1] * 60 + ["<face>", 3, "<voice>"], "split": "valid"}
    refused("over the 64", 13, **bad(**long))
    assert "another recipe" in tune("-o", "mlp4", "--fresh", "--stop-after", "1") + tune("-o", "whole", code=7)
    for text, what in (("[train]\nepochs = none\n", "epochs"), ("[lora]\ntargets = attn_x\n", "attn_x|attn_q"), ("[streams]\nnames = Face\n", "small letters"),
                       ("[train]\nspeed = 3\n", "speed"), ("[projector]\nkind = cnn\n", "kind")):
        open("bad.ini", "w").write(text)
        line = tune("-o", "bad", code=4, recipe="bad.ini")
        assert re.search(what, line) and line.count("\n") == 1, line
print("ok")
