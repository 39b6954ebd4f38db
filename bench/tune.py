"""Does tuning teach a language model to see and hear emotion? RAVDESS: of each clip a row of action units (ravdess_au) and the eGeMAPS functionals of its voice; the
answer is the emotion and the cues of each stream, written by rule from the streams. Prints accuracy and UA on held-out actors beside chance and a linear probe on the same
streams: the text prompt alone, projectors alone, projectors and LoRA; each stream taken away; the streams of another person. Intervals: 95 %, over actors and their clips.

    /usr/bin/python3 bench/tune.py BUILD BASE.gguf [--seeds 3] [--folds 4] [--fold 0] [--development] [--repetitions 2] [--epochs 12] [--rate .003] [--work FOLDER]

--development: the actors of the table are left out, and the next ones in turn are asked: what settings are chosen on.
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
# A cue of the face: the mean of these action units; of the voice: a functional, above and below. Behind them: the event's kind and the sentence that claims it.
FACE = {"smile": (["AU12_r"], "smile", "There is a smile on the face."), "frown": (["AU04_r"], "brow_furrow", "There is a frown on the face."),
        "brows": (["AU01_r", "AU02_r"], "brow_raise", "There is a raise of the eyebrows on the face."), "nose": (["AU09_r"], "nose_wrinkle", "The nose is wrinkled."),
        "mouth": (["AU25_r", "AU26_r"], "mouth_open", "The mouth is open.")}
VOICE = {"F0semitoneFrom27.5Hz_sma3nz_amean": (("high", "high_pitch", "The voice is high."), ("low", "low_pitch", "The voice is low.")),
         "loudness_sma3_amean": (("loud", "loud", "The voice is loud."), ("quiet", "quiet", "The voice is quiet.")),
         "loudnessPeaksPerSec": (("fast", "fast", "The voice is fast."), ("slow", "slow", "The voice is slow."))}
EVENTS = {**{w: (kind, text) for w, (_, kind, text) in FACE.items()}, **{w: (kind, text) for sides in VOICE.values() for w, kind, text in sides}}
CUE, HOLDS = 1.0, .5  # deviations from the training's mean: where a cue is told, and from where on it is an event of the timeline that claims are checked against
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
decay = .3
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
for name, usual in (("seeds", 3), ("folds", 4), ("fold", 0), ("repetitions", 2), ("epochs", 12), ("tokens", 1), ("threads", 1)):
    p.add_argument("--" + name, type=int, default=usual)
p.add_argument("--rate", type=float, default=.003)
p.add_argument("--kind", default="ridge")
p.add_argument("--development", action="store_true")
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
if a.development:
    clips = [c for c in clips if c["actor"] % a.folds != a.fold]
    a.fold = (a.fold + 1) % a.folds
actors = sorted({c["actor"] for c in clips})
test = [x for x in actors if x % a.folds == a.fold]
valid = [x for x in actors if x not in test][-3:]
for c in clips:
    c["split"] = "test" if c["actor"] in test else "valid" if c["actor"] in valid else "train"
parts = {s: [c for c in clips if c["split"] == s] for s in ("train", "valid", "test")}
moments = {s: (np.mean([c[s] for c in parts["train"]], 0), np.std([c[s] for c in parts["train"]], 0) + 1e-9) for s in ("face", "voice")}
z = lambda c, s: (np.array(c[s]) - moments[s][0]) / moments[s][1]


def cues(c, least):
    """Of each stream the cues that are at least that strong."""
    face = [w for w, (units, *_) in FACE.items() if np.mean([z(c, "face")[face_names.index(u)] for u in units]) >= least]
    voice = [sides[int(v < 0)][0] for k, sides in VOICE.items() for v in [z(c, "voice")[voice_names.index(k)]] if abs(v) >= least]
    return {"face": face, "voice": voice}


def answer(c, streams):
    told = cues(c, CUE)
    return " " + EMOTIONS[c["emotion"]] + "".join(f"; {s}: {', '.join(told[s])}" for s in streams if told[s])


def line(c, split, face=True, voice=True, other=None):
    given = [s for s, there in (("face", face), ("voice", voice)) if there]
    source = other or c
    return json.dumps({"split": split, "participant": str(c["actor"]), "prompt": PROMPT, "answer": answer(c, given),
                       "streams": {s: {"times": [0], "rows": [source[s]]} if s in given else None for s in ("face", "voice")}})


def write(path, streams, seed):
    """Training and validation clips, whole and with a stream hidden; then every kind of test."""
    draw, out = np.random.default_rng(seed), []
    for split in ("train", "valid"):
        for c in parts[split]:
            out.append(line(c, split, streams, streams))
            if streams:
                face = draw.random() < .5
                out.append(line(c, split, face, not face))
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
    claims = [(m[1], w.strip()) for r in rest for m in [re.match(r"\s*(face|voice): (.+?)\s*$", r)] if m for w in m[2].split(",")]
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


def check(answers, hidden, sources):
    """Verdicts of `affect check` on all claims: a timeline of ten seconds a clip whose events are the cues that hold, and of each claim the sentence, citing the event of
    its kind in that clip, if there is one."""
    events, claims = [], []
    for i, (_, told) in enumerate(answers):
        there = {}
        for s, words in cues(sources[i], HOLDS).items():
            for w in words if s != hidden else []:
                there[s, w] = f"{s[0]}{len(events) + 1}"
                events.append({"id": there[s, w], "onset": 10 * i + 1, "apex": 10 * i + 2, "offset": 10 * i + 9, "kind": EVENTS[w][0], "modality": s, "person": 1, "model": "",
                               "strength": 1, "confidence": 1})
        for s, w in told:
            claims.append({"text": EVENTS[w][1] if w in EVENTS else w, "kind": "event", "person": 1, "modality": s, "direction": None, "t0": 10 * i + 1, "t1": 10 * i + 9,
                           "evidence": [there[s, w]] if (s, w) in there else []})
    json.dump({"schema": "affect-timeline/2", "duration": 10 * len(answers), "properties": {}, "persons": [], "warnings": [], "tracks": [], "tiers": [], "events": events, "links": []},
              open(f"{work}/timeline.json", "w"))
    verdicts = []
    for at in range(0, len(claims), 500):
        json.dump({"schema": "affect-explanation/1", "claims": claims[at:at + 500]}, open(f"{work}/explanation.json", "w"))
        verdicts += [c["verdict"] for c in json.loads(run(f"{a.build}/src/cli/affect", "check", f"{work}/timeline.json", f"{work}/explanation.json", "--json"))["claims"]]
    assert len(verdicts) == len(claims), (len(verdicts), len(claims))
    return verdicts


def claims_of(answers, hidden=None, sources=None):
    """Claims an answer, the share that `affect check` supports, the share of answers without a claim about the hidden stream."""
    verdicts = check(answers, hidden, sources or parts["test"])
    clean = np.mean([all(s != hidden for s, _ in claims) for _, claims in answers])
    share = f"{np.mean([v == 'supported' for v in verdicts]):.3f}" if verdicts else "–"
    return f"{len(verdicts) / len(answers):.2f} | {share} | " + (f"{clean:.3f} |" if hidden else "– |")


counts = {s: len(parts[s]) for s in parts}
print(f"RAVDESS, {counts}, test actors {test}, valid {valid}; {a.seeds} seeds, {a.epochs} epochs, rate {a.rate}, {a.kind}, {a.tokens} tokens a stream; base {os.path.basename(a.base)}\n")
print("| | accuracy % (95 %) | UA % | claims an answer | of them supported | none about the hidden stream |\n|---|---|---|---|---|---|")
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
