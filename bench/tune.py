"""Does tuning teach a language model to see and hear emotion? RAVDESS: of each clip a row of action units (ravdess_au) and the eGeMAPS functionals of its voice; the
answer is the emotion and the cue of each stream, written by rule from the streams. Prints accuracy and UA on held-out actors beside chance and a linear probe on the same
streams: the text prompt alone, projectors alone, projectors and LoRA; each stream taken away; the streams of another person. Intervals: 95 %, over actors and their clips.

    /usr/bin/python3 bench/tune.py BUILD BASE.gguf [--seeds 3] [--folds 4] [--fold 0] [--repetitions 1] [--epochs 12] [--rate .003] [--work FOLDER]

Test actors are those whose number is `fold` modulo `folds`, of the others the last three validate. --repetitions 1: the first take of each line alone."""
import argparse
import collections
import csv
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np
from sklearn.linear_model import LogisticRegression

EMOTIONS = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
FACE = {"AU01_r": "inner brows raised", "AU02_r": "outer brows raised", "AU04_r": "brows lowered", "AU05_r": "eyes wide", "AU06_r": "cheeks raised", "AU07_r": "lids tight",
        "AU09_r": "nose wrinkled", "AU10_r": "upper lip raised", "AU12_r": "smile", "AU14_r": "dimples", "AU15_r": "mouth corners down", "AU17_r": "chin raised",
        "AU20_r": "lips stretched", "AU23_r": "lips tight", "AU25_r": "lips apart", "AU26_r": "jaw dropped"}
VOICE = {"F0semitoneFrom27.5Hz_sma3nz_amean": ("high pitch", "low pitch"), "loudness_sma3_amean": ("loud", "quiet"), "loudnessPeaksPerSec": ("fast", "slow")}
CUE, HOLDS = 1.0, .5  # deviations from the training's mean: where a cue is told, and down to which a told one is true
PROMPT = " Face: <face> Voice: <voice> The emotion is"
RECIPE = """[streams]
names = face voice
[projector]
kind = {kind}
tokens = {tokens}
hidden = 64
[lora]
rank = {rank}
targets = attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down
[train]
epochs = {epochs}
batch = 16
rate = {rate}
warm_up_steps = 20
patience = 4
drop = 0
seed = {seed}
[card]
name = bench-tune
training_data = RAVDESS (CC BY-NC-SA 4.0)
"""

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("build")
p.add_argument("base")
p.add_argument("--data", default="../shared/data")
for name, usual in (("seeds", 3), ("folds", 4), ("fold", 0), ("repetitions", 2), ("epochs", 12), ("tokens", 4), ("threads", 1)):
    p.add_argument("--" + name, type=int, default=usual)
p.add_argument("--rate", type=float, default=.003)
p.add_argument("--kind", default="mlp")
p.add_argument("--work", help="a folder to keep the features and runs in")
a = p.parse_args()
temporary = None if a.work else tempfile.TemporaryDirectory()
work = a.work or temporary.name
os.makedirs(work, exist_ok=True)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr[-500:]}")
    return done.stdout


def load():
    """Clips: actor, emotion, face row [35], voice row [88]."""
    table = f"{work}/voice.csv"
    if not os.path.exists(table):
        run(f"{a.build}/src/cli/affect", "features", *sorted(glob.glob(f"{a.data}/ravdess/03-01-*.ogg")), "-o", table, "--threads", str(a.threads))
    lines = csv.reader(open(table), delimiter=";" if ";" in open(table).readline() else ",")
    head = next(lines)
    voice = {r[0].strip("'"): r for r in lines}
    names = [h for h in head if h not in ("name", "start", "end", "frameTime")]
    columns = [head.index(h) for h in names]
    clips = []
    for r in au_rows():
        if r["wav_clip"] not in voice or int(r["repetition"]) > a.repetitions:
            continue
        face_names = [k for k in r if k.startswith("AU")]
        clips.append({"id": r["wav_clip"], "actor": int(r["actor"]), "emotion": int(r["wav_clip"].split("-")[2]) - 1, "face": [float(r[k]) for k in face_names],
                      "voice": [float(voice[r["wav_clip"]][c]) for c in columns]})
    return sorted(clips, key=lambda c: c["id"]), face_names, names


def au_rows():
    path, = glob.glob(f"{a.data}/ravdess_au/*.csv")
    return list(csv.DictReader(open(path)))


clips, face_names, voice_names = load()
actors = sorted({c["actor"] for c in clips})
test = [x for x in actors if x % a.folds == a.fold]
valid = [x for x in actors if x not in test][-3:]
for c in clips:
    c["split"] = "test" if c["actor"] in test else "valid" if c["actor"] in valid else "train"
parts = {s: [c for c in clips if c["split"] == s] for s in ("train", "valid", "test")}
moments = {s: (np.mean([c[s] for c in parts["train"]], 0), np.std([c[s] for c in parts["train"]], 0) + 1e-9) for s in ("face", "voice")}
z = lambda c, s: (np.array(c[s]) - moments[s][0]) / moments[s][1]


def cues(c, least):
    """Of each stream the cues that hold, the strongest first."""
    face = sorted(((z(c, "face")[face_names.index(k)], word) for k, word in FACE.items()), reverse=True)
    voice = [(abs(v), words[int(v < 0)]) for k, words in VOICE.items() for v in [z(c, "voice")[voice_names.index(k)]]]
    return {"face": [w for v, w in face if v >= least], "voice": [w for v, w in sorted(voice, reverse=True) if v >= least]}


def answer(c, streams):
    told = {s: cues(c, CUE)[s][:1] for s in streams}
    return " " + EMOTIONS[c["emotion"]] + "".join(f"; {s}: {w[0]}" for s, w in told.items() if w)


def line(c, split, face=True, voice=True, other=None):
    given = [s for s, there in (("face", face), ("voice", voice)) if there]
    source = other or c
    return json.dumps({"split": split, "participant": str(c["actor"]), "prompt": PROMPT, "answer": answer(c, given),
                       "streams": {s: {"times": [0], "rows": [source[s]]} if s in given else None for s in ("face", "voice")}})


def write(path, streams, seed):
    """Training and validation clips, a half of them once more with one stream hidden; then every kind of test."""
    draw, out = np.random.default_rng(seed), []
    for split in ("train", "valid"):
        for c in parts[split]:
            out.append(line(c, split, streams, streams))
            hidden = draw.random()
            if streams and hidden < .5:
                out.append(line(c, split, hidden >= .25, hidden < .25))
    strange = {}
    for c in parts["test"]:
        others = [o for o in parts["test"] if o["actor"] != c["actor"]]
        strange[c["id"]] = others[draw.integers(len(others))]
    variants = {"whole": {}, "without face": {"face": False}, "without voice": {"voice": False}, "wrong person": {"other": True}} if streams else {"whole": {"face": False, "voice": False}}
    for v in variants.values():
        out += [line(c, "test", **{**v, **({"other": strange[c["id"]]} if v.get("other") else {})}) for c in parts["test"]]
    open(path, "w").write("\n".join(out) + "\n")
    return list(variants)


def parse(text):
    """Emotion, or -1, and the claims by stream."""
    first, *rest = text.split(";")
    claims = [m.groups() for r in rest for m in [re.match(r"\s*(face|voice): (.+?)\s*$", r)] if m]
    word = first.strip()
    return EMOTIONS.index(word) if word in EMOTIONS else -1, claims


def tune(name, streams, rank, seed):
    folder, data = f"{work}/{name}-{seed}", f"{work}/{name}-{seed}.jsonl"
    variants = write(data, streams, seed)
    recipe = f"{work}/{name}-{seed}.ini"
    text = RECIPE.format(kind=a.kind, tokens=a.tokens, rank=rank, epochs=a.epochs, rate=a.rate, seed=seed)
    if not streams:  # the prompt has its marks taken out
        text = text.replace("names = face voice", "")
        lines = open(data).read().replace(json.dumps(PROMPT), json.dumps(" The emotion is")).replace('"face": null, "voice": null', "")
        open(data, "w").write(lines)
    open(recipe, "w").write(text)
    run(f"{a.build}/src/cli/affect", "tune", recipe, "--base", a.base, "--data", data, "-o", folder, "-q", "--threads", str(a.threads))
    said = [json.loads(s) for s in run(f"{a.build}/bench/bench-tune", folder, a.base, data, "24").splitlines()]
    n = len(parts["test"])
    assert len(said) == n * len(variants), (len(said), n)
    return {v: [parse(s) for s in said[i * n:(i + 1) * n]] for i, v in enumerate(variants)}


gold = np.array([c["emotion"] for c in parts["test"]])
who = np.array([c["actor"] for c in parts["test"]])


def ua(right):
    return np.mean([right[gold == k].mean() for k in np.unique(gold)])


def interval(right, rounds=1000):
    """Actors drawn with return, and of each its clips."""
    draw, by, found = np.random.default_rng(1), {x: np.flatnonzero(who == x) for x in np.unique(who)}, []
    for _ in range(rounds):
        index = np.concatenate([draw.choice(by[x], len(by[x])) for x in draw.choice(list(by), len(by))])
        found.append(right[index].mean())
    return np.percentile(found, [2.5, 97.5])


def row(name, right, more=""):
    low, high = interval(right)
    print(f"| {name} | {100 * right.mean():.1f} ({100 * low:.1f}–{100 * high:.1f}) | {100 * ua(right):.1f} | {more}", flush=True)


def probe(streams):
    x = {s: np.array([np.concatenate([z(c, k) for k in streams]) for c in parts[s]]) for s in parts}
    y = {s: np.array([c["emotion"] for c in parts[s]]) for s in parts}
    best = max((LogisticRegression(C=c, max_iter=2000).fit(x["train"], y["train"]) for c in (.001, .003, .01, .03, .1, .3, 1)), key=lambda m: m.score(x["valid"], y["valid"]))
    return (best.predict(x["test"]) == gold).astype(float)


def claims_of(answers, hidden=None, sources=None):
    """Claims an answer, the share of true ones, the share of answers without a claim about the hidden stream."""
    count, true, clean = 0, 0, 0
    for i, (_, claims) in enumerate(answers):
        holds = cues((sources or parts["test"])[i], HOLDS)
        count += len(claims)
        true += sum(w in holds[s] and s != hidden for s, w in claims)
        clean += all(s != hidden for s, _ in claims)
    n = len(answers)
    return f"{count / n:.2f} | {true / count if count else float('nan'):.3f} | " + (f"{clean / n:.3f} |" if hidden else "– |")


counts = {s: len(parts[s]) for s in parts}
print(f"RAVDESS, {counts}, test actors {test}, valid {valid}; {a.seeds} seeds, {a.epochs} epochs, rate {a.rate}, {a.kind}, {a.tokens} tokens a stream; base {os.path.basename(a.base)}\n")
print("| | accuracy % (95 %) | UA % | claims an answer | of them true | none about the hidden stream |\n|---|---|---|---|---|---|")
most = collections.Counter(c["emotion"] for c in parts["train"]).most_common(1)[0][0]
row("chance: the most frequent", (gold == most).astype(float), "– | – | – |")
for streams in (["face"], ["voice"], ["face", "voice"]):
    row("linear probe, " + " and ".join(streams), probe(streams), "– | – | – |")
for name, streams, rank in (("projectors and LoRA", True, 16), ("text prompt alone", False, 16), ("projectors alone", True, 0)):
    found = [tune(name.replace(" ", "-"), streams, rank, seed) for seed in range(1, a.seeds + 1)]
    for variant in found[0]:
        right = np.mean([[e == g for (e, _), g in zip(f[variant], gold)] for f in found], 0)
        hidden = variant.split()[1] if variant.startswith("without") else None
        told = "– | – | – |" if variant == "wrong person" else claims_of(sum((f[variant] for f in found), []), hidden, parts["test"] * len(found))
        row(name + ("" if variant == "whole" else ", " + variant), right, told)
        if variant == "whole":
            print("|   of each seed | " + ", ".join(f"{100 * np.mean([e == g for (e, _), g in zip(f[variant], gold)]):.1f}" for f in found) + " | | | | |", flush=True)
