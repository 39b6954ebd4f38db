"""Can voices be told apart by the x-vectors of the recogniser's speaker model, and from which line on? Fits NOISE_S and
SAME_SPEAKER of src/voice/turns.c.
usage: voices.py DATA [MODEL]   (MODEL: the folder of voice.speaker, build/models/voice.speaker)

The model (Kaldi's x-vector network of callhome_diarization/v2) is read and run here in numpy, which is also an independent
account of what Vosk computes. Sixteen acted clips of each speaker of RAVDESS, EmoDB, NEMO and Java-SED, of about 1.9 s
of speech each and in all moods; speakers with odd numbers (NEMO: of even initials; Java-SED: 01, 02, 03) are fitted on, the others
are printed for the figures that are believed."""
import collections
import glob
import itertools
import os
import random
import struct
import subprocess
import sys

import numpy as np
from scipy.optimize import linear_sum_assignment

data = sys.argv[1]
model = sys.argv[2] if len(sys.argv) > 2 else "build/models/voice.speaker"


# ---- the network ----

def matrix(b, at):
    kind, rows = b[at:at + 3], struct.unpack_from("<i", b, at + 4)[0]
    if kind == b"FV ":
        return np.frombuffer(b, "<f4", rows, at + 8)
    columns = struct.unpack_from("<i", b, at + 9)[0]
    return np.frombuffer(b, "<f4", rows * columns, at + 13).reshape(rows, columns)


def components(path):
    with open(path, "rb") as f:
        b = f.read()
    out, mark = {}, b"<ComponentName> "
    places, at = [], b.find(mark)
    while at >= 0:
        places.append(at)
        at = b.find(mark, at + 1)
    for at, end in zip(places, places[1:] + [len(b)]):
        name = b[at + len(mark):b.index(b" ", at + len(mark))].decode()
        out[name] = {}
        for token in (b"<LinearParams> ", b"<BiasParams> ", b"<StatsMean> ", b"<StatsVar> "):
            found = b.find(token, at, end)
            if found >= 0:
                out[name][token.decode().strip("<> ")] = matrix(b, found + len(token))
        for token in (b"<Epsilon> ", b"<TargetRms> "):
            found = b.find(token, at, end)
            if found >= 0:
                out[name][token.decode().strip("<> ")] = struct.unpack_from("<f", b, found + len(token) + 1)[0]
    return out


NET = components(f"{model}/final.ext.raw")
with open(f"{model}/mean.vec") as f:
    MEAN = np.array([float(x) for x in f.read().split() if x not in "[]"])
with open(f"{model}/transform.mat", "rb") as f:
    raw = f.read()
TRANSFORM = matrix(raw, raw.index(b"FM "))


def mel(hz):
    return 1127 * np.log(1 + hz / 700)


def filters(bands=23, low=20, high=3700, points=128, rate=8000):
    step = (mel(high) - mel(low)) / (bands + 1)
    m = mel(np.arange(points) * rate / (2 * points))
    left = mel(low) + step * np.arange(bands)[:, None]
    return np.clip(np.minimum((m - left) / step, (left + 2 * step - m) / step), 0, None)


MEL, WINDOW = filters(), (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(200) / 199)) ** 0.85
DCT = np.sqrt(2 / 23) * np.cos(np.pi / 23 * np.outer(np.arange(23), np.arange(23) + 0.5))
DCT[0] = np.sqrt(1 / 23)
LIFTER = 1 + 11 * np.sin(np.pi * np.arange(23) / 22)


def cepstra(x):
    """Kaldi's: 25 ms every 10 ms, pre-emphasis, 23 bands, energy in place of the first."""
    frames = np.lib.stride_tricks.sliding_window_view(x, 200)[::80].astype(float)
    frames = frames - frames.mean(1, keepdims=True)
    energy = np.log(np.maximum((frames ** 2).sum(1), 1.19e-7))
    sharp = np.hstack([frames[:, :1] * 0.03, frames[:, 1:] - 0.97 * frames[:, :-1]])
    power = np.abs(np.fft.rfft(sharp * WINDOW, 256))[:, :128] ** 2
    out = np.log(np.maximum(power @ MEL.T, 1.19e-7)) @ DCT.T * LIFTER
    out[:, 0] = energy
    return out


def centred(x, window=300):
    sums = np.vstack([np.zeros(x.shape[1]), np.cumsum(x, 0)])
    first = np.clip(np.arange(len(x)) - window // 2, 0, max(len(x) - window, 0))
    last = np.minimum(first + window, len(x))
    return x - (sums[last] - sums[first]) / (last - first)[:, None]


def network(x):
    for i, offsets in ((1, (-2, -1, 0, 1, 2)), (2, (-2, 0, 2)), (3, (-3, 0, 3)), (4, (0,)), (5, (0,))):
        reach = max(offsets)
        x = np.hstack([x[reach + o:len(x) - reach + o] for o in offsets])
        affine, norm = NET[f"tdnn{i}.affine"], NET[f"tdnn{i}.batchnorm"]
        x = np.maximum(x @ affine["LinearParams"].T + affine["BiasParams"], 0)
        x = (x - norm["StatsMean"]) * (norm["TargetRms"] / np.sqrt(norm["StatsVar"] + norm["Epsilon"]))
    return x


def statistics(path):
    """Sum, sum of squares and number of the rows below the pooling, in frames of speech."""
    pcm = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", "8000", "-f", "s16le", "-"], check=True, capture_output=True).stdout
    x = np.frombuffer(pcm, "<i2").astype(float)
    if len(x) < 8000:
        return None
    c = cepstra(x)
    c, loud = centred(c), c[:, 0] > c[:, 0].max() - 8
    h = network(np.pad(c[loud], ((7, 7), (0, 0)), "edge"))
    return h.sum(0), (h ** 2).sum(0), len(h)


def vector(parts):
    total, squares, n = (sum(p[i] for p in parts) for i in range(3))
    mean, affine = total / n, NET["tdnn6.affine"]
    pooled = np.concatenate([mean, np.sqrt(np.maximum(squares / n - mean ** 2, 1e-10))])
    v = TRANSFORM @ (pooled @ affine["LinearParams"].T + affine["BiasParams"] - MEAN)
    return v / np.linalg.norm(v), n / 100


# ---- the speakers ----

def is_fitted(corpus, who):
    if corpus in ("RAVDESS", "EmoDB"):
        return int(who) % 2 == 1
    return ord(who[0]) % 2 == 0 if corpus == "NEMO" else who in ("01", "02", "03")


files = collections.defaultdict(list)
for corpus, pattern, name in (("RAVDESS", "ravdess/*.ogg", slice(-6, -4)), ("EmoDB", "emodb/audio/*", slice(0, 2)), ("NEMO", "nemo/*.ogg", slice(0, 2)),
                              ("Java-SED", "java_sed/audio/*.ogg", slice(0, 2))):
    for path in sorted(glob.glob(f"{data}/{pattern}")):
        files[corpus, os.path.basename(path)[name]].append(path)
if not files:
    sys.exit(f"voices.py: no speakers in {data}")
random.seed(3)
CLIPS = {}
for key in sorted(files):
    found = [statistics(p) for p in random.sample(files[key], min(16, len(files[key])))]
    CLIPS[key] = [f for f in found if f]


def equal_error(same, other):
    levels = np.sort(np.concatenate([same, other]))
    missed = np.searchsorted(np.sort(same), levels) / len(same)
    false = 1 - np.searchsorted(np.sort(other), levels) / len(other)
    i = np.argmin(abs(missed - false))
    return (missed[i] + false[i]) / 2, same.mean(), other.mean()


rng = np.random.default_rng(0)
for fitted in (True, False):
    print("fitted on" if fitted else "others", "(equal error rate, mean cosine of one speaker, of two)")
    for clips in (1, 2, 4):
        line = []
        for corpus in dict.fromkeys(k[0] for k in CLIPS):
            groups = {}
            for key in (k for k in CLIPS if k[0] == corpus and is_fitted(*k) == fitted):
                order = rng.permutation(len(CLIPS[key]))
                groups[key] = np.array([vector([CLIPS[key][i] for i in order[at:at + clips]])[0] for at in range(0, len(order) - clips + 1, clips)])
            same = np.concatenate([(g @ g.T)[np.triu_indices(len(g), 1)] for g in groups.values()])
            other = np.concatenate([(a @ b.T).ravel() for a, b in itertools.combinations(groups.values(), 2)] or [same])
            line.append("{}: {:.3f} {:.2f} {:.2f}".format(corpus, *equal_error(same, other)))
        print(f"  about {1.9 * clips:.1f} s: " + "; ".join(line))

# ---- how many voices? As src/voice/turns.c groups them at the end. ----


def voices(units, noise, line, least):
    groups = [[v * n, n, [i]] for i, (v, n) in enumerate(units)]

    def like(a, b):
        return a[0] @ b[0] / np.linalg.norm(a[0]) / np.linalg.norm(b[0]) * np.sqrt((1 + noise / a[1]) * (1 + noise / b[1]))

    def join(a, b):
        groups[a] = [groups[a][k] + groups[b][k] for k in range(3)]
        groups.pop(b)

    for small in (False, True):
        while len(groups) > 1:
            pairs = [(like(groups[a], groups[b]), a, b) for a, b in itertools.combinations(range(len(groups)), 2)
                     if not small or min(groups[a][1], groups[b][1]) < least]
            best = max(pairs, default=(-9, 0, 0))
            if not pairs or (not small and best[0] < line):
                break
            join(*best[1:])
    out = np.zeros(len(units), int)
    for number, group in enumerate(groups):
        out[group[2]] = number
    return out, len(groups)


def tried(fitted, noise, line, least, speakers, clips, trials=40):
    draw, right, time = np.random.default_rng(5), 0, 0
    keys = [k for k in CLIPS if is_fitted(*k) == fitted]
    corpora = [c for c in dict.fromkeys(k[0] for k in keys) if sum(k[0] == c for k in keys) >= speakers]
    for _ in range(trials):
        corpus = draw.choice(corpora)
        chosen = [k for k in keys if k[0] == corpus]
        chosen = [chosen[i] for i in draw.choice(len(chosen), speakers, replace=False)]
        units = [(vector([CLIPS[k][i]]), g) for g, k in enumerate(chosen) for i in draw.choice(len(CLIPS[k]), min(clips, len(CLIPS[k])), replace=False)]
        found, count = voices([u for u, _ in units], noise, line, least)
        spent = np.zeros((speakers, count))
        for (u, gold), f in zip(units, found):
            spent[gold, f] += u[1]
        rows, columns = linear_sum_assignment(-spent)
        right += count == speakers
        time += spent[rows, columns].sum() / spent.sum()
    return f"{right / trials:.2f} {time / trials:.2f}"


CASES = [(1, 3), (1, 6), (1, 12), (2, 3), (2, 6), (2, 12), (3, 6)]
print("share of recordings with the right number of voices, and of speech time that is right;", "speakers x clips:", " ".join(f"{s}x{c}" for s, c in CASES))
for line in (0.4, 0.5, 0.55, 0.6, 0.7):
    print(f"  fitted, line {line}:", "; ".join(tried(True, 2.1, line, 4, s, c) for s, c in CASES), flush=True)
print("  others, line 0.55:", "; ".join(tried(False, 2.1, 0.55, 4, s, c) for s, c in CASES))
