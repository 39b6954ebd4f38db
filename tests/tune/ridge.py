"""Projectors of the kind ridge against numpy: penalty, maps and size by the description in src/tune/ridge.c; that training clips are shown a map that was
fitted without their participant; and that a run with them is stopped and goes on to the same bytes. usage: ridge.py AFFECT"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

import tiny

import numpy as np

affect = os.path.abspath(sys.argv[1])
RECIPE = """[streams]
names = face voice
[projector]
kind = ridge
tokens = {tokens}
[lora]
rank = {rank}
[train]
epochs = 2
batch = 4
drop = 0
noise = {noise}
"""
END, FOLDS, PENALTIES = 2, 10, (.003, .01, .03, .1, .3, 1, 3, 10)


def tune(folder, *more, data="c.jsonl", code=0, tokens=1, rank=0, noise=0):
    open("r.ini", "w").write(RECIPE.format(tokens=tokens, rank=rank, noise=noise))
    done = subprocess.run([affect, "tune", "r.ini", "--base", "m.gguf", "--data", data, "-o", folder, *more], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stderr


def kept(folder):
    raw = open(folder + "/projector.safetensors", "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8:8 + n])
    return {k: np.frombuffer(raw[8 + n:][slice(*v["data_offsets"])], "<f4").reshape(v["shape"]).astype(float) for k, v in head.items() if k != "__metadata__"}


def clips(path, people, voices=True, seed=3):
    """Answers of two to four tokens which the streams tell in part; every fifth voice is absent."""
    r, made = np.random.default_rng(seed), []
    turn = r.normal(size=(4, 3))
    for i in range(90):
        face, voice = r.normal(size=(1 + i % 4, 4)) * [1, 5, .2, 1] + [0, 3, 1, -2], r.normal(size=(2, 3))
        kind = int(np.argmax((face.mean(0) - [0, 3, 1, -2]) @ turn + .7 * voice.mean(0) + r.normal(size=3) * .4))
        streams = {"face": {"times": list(range(len(face))), "rows": face.round(5).tolist()},
                   "voice": {"times": [0, 1], "rows": voice.round(5).tolist()} if voices and i % 5 else None}
        clip = {"split": "valid" if i % 9 == 8 else "train", "prompt": [1, "<face>", "<voice>", 9], "answer": [20 + kind, 30, *([31 + kind, 31 + kind] if i % 3 else [])], "streams": streams}
        if people:
            clip["participant"] = f"p{i // 3 % people}"
        made.append(clip)
    open(path, "w").write("\n".join(map(json.dumps, made)) + "\n")
    return made


def reference(made, table):
    """The two maps."""
    train = [c for c in made if c["split"] == "train"]
    mean, deviation = {}, {}
    for s in ("face", "voice"):
        rows = np.concatenate([c["streams"][s]["rows"] for c in train if c["streams"][s]])
        mean[s], deviation[s] = rows.mean(0), rows.std(0)
    x, sizes = [], []
    for s, width in (("face", 4), ("voice", 3)):
        part = np.array([np.mean((np.array(c["streams"][s]["rows"]) - mean[s]) / deviation[s], 0) if c["streams"][s] else [np.nan] * width for c in train])
        x.append(np.nan_to_num(part - np.nanmean(part, 0)))
    x = np.hstack(x)
    answers = [c["answer"] + [END] for c in train]
    weight = {t: np.log(len(train) / sum(t in a for a in answers)) for a in answers for t in a}
    y = np.array([sum(weight[t] * table[t] for t in set(a)) for a in answers])
    everything = [c["answer"] + [END] for c in made]
    y = y - y.mean(0)
    names = list(dict.fromkeys(c.get("participant") for c in train))
    fold = np.array([names.index(c["participant"]) % FOLDS for c in train]) if len(names) > 1 else None
    if fold is None:  # one participant, or none: clips in turn, by their numbers in the file or among those that train
        fold = np.array([made.index(c) if "participant" in c else k for k, c in enumerate(train)]) % FOLDS

    def solve(use, penalty):
        return np.linalg.solve(x[use].T @ x[use] + penalty * len(train) * np.eye(7), x[use].T @ y[use])
    error = {p: sum(((x[fold == g] @ solve(fold != g, p) - y[fold == g]) ** 2).sum() for g in set(fold)) for p in PENALTIES}
    best = solve(fold >= 0, min(error, key=error.get))
    return best * np.sqrt(np.mean([table[t] ** 2 for a in everything for t in a]) / np.mean((x @ best) ** 2)), min(error, key=error.get)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    model = tiny.Tiny("m.gguf", "qwen2", "F32", tied=True, width=32, heads=4, kv_heads=2, hidden=48, vocabulary=64, context=64, strength=.7)
    table, chosen = model.w["token_embd.weight"], set()
    for people in (7, 1, 0):
        made = clips("c.jsonl", people)
        tune(f"r{people}")
        got, (want, penalty) = kept(f"r{people}"), reference(made, table)
        chosen.add(penalty)
        map_ = np.vstack([got["face.out.weight"], got["voice.out.weight"]])
        assert np.abs(map_ - want).max() < 1e-4 * np.abs(want).max(), (people, penalty, np.abs(map_ - want).max(), np.abs(want).max())
    assert not chosen & {PENALTIES[0], PENALTIES[-1]}, f"no choice among penalties: {chosen}"

    # Noise and the number of tokens change what is learned, not the maps.
    log = lambda name: [x.split(",") for x in open(name + "/log.csv").read().split()[1:]]
    tune("one", rank=2)
    tune("noise", rank=2, noise=.5)
    assert log("one")[0][3] != log("noise")[0][3] and (kept("one")["face.out.weight"] == kept("noise")["face.out.weight"]).all()
    tune("stopped", "--stop-after", "1", rank=2, noise=.5)
    tune("stopped", rank=2, noise=.5)
    for name in ("adapter.gguf", "projector.safetensors"):
        assert open(f"stopped/{name}", "rb").read() == open(f"noise/{name}", "rb").read(), name
    tune("parts", tokens=3)
    assert (kept("parts")["face.out.weight"] == kept("r0")["face.out.weight"]).all()

    # Answers that the participant alone tells: a map that knows the participants has them, one that does not says nothing of them.
    r, people = np.random.default_rng(5), 12
    made = []
    for i in range(240):
        person = i // 4 % people
        row = np.zeros(people + 1)
        row[person], row[people] = 1, r.normal()
        made.append({"split": "valid" if i % 4 == 3 else "train", "participant": str(person), "prompt": [1, "<face>", 9], "answer": [20 + person % 3],
                     "streams": {"face": {"times": [0], "rows": [row.tolist()]}}})
    open("known.jsonl", "w").write("\n".join(map(json.dumps, made)))
    open("unknown.jsonl", "w").write("\n".join(json.dumps({k: v for k, v in c.items() if k != "participant"}) for c in made))
    said = {}
    for name in ("known", "unknown"):
        open("r.ini", "w").write("[streams]\nnames = face\n[projector]\nkind = ridge\ntokens = 1\n[lora]\nrank = 8\n[train]\nepochs = 12\nbatch = 4\nrate = .01\ndrop = 0\npatience = 0\n")
        done = subprocess.run([affect, "tune", "r.ini", "--base", "m.gguf", "--data", name + ".jsonl", "-o", name, "--fresh"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        said[name] = float(log(name)[-1][3])
    assert said["unknown"] < .5 * said["known"], said

    open("big.jsonl", "w").write("\n".join(json.dumps({"split": s, "prompt": [1, "<face>"], "answer": [20], "streams": {"face": {"times": [0], "rows": [[1.] * 1025]}}}) for s in ("train", "valid")))
    open("r.ini", "w").write("[streams]\nnames = face\n[projector]\nkind = ridge\n")
    done = subprocess.run([affect, "tune", "r.ini", "--base", "m.gguf", "--data", "big.jsonl", "-o", "big"], capture_output=True, text=True)
    assert done.returncode == 13 and re.search("1025 numbers are too many", done.stderr) and done.stderr.count("\n") == 1, done
print(f"ok; participants' answers: training loss {said}")
