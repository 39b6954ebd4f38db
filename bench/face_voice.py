#!/usr/bin/env python3
"""What people say who saw and heard a clip, from what others said who only saw it and others who only heard it.

usage: bench/face_voice.py ../shared/data/crema_d_votes/tabulatedVotes.csv

CREMA-D: votes of the same 7,442 clips for six emotions from the voice alone, the face alone and both. Six parts of
the actors (by their numbers); each is predicted by what was fitted on the other five. Per clip: cross-entropy of the
votes of "both" (NLL, nats), its Kullback-Leibler divergence from them, and whether the largest is the same.

  mean, product   of the two distributions, nothing fitted
  face, voice     one alone, sharpened or flattened by one exponent, with constants
  fusion          log p = wf log p_face + wv log p_voice + a constant an emotion: the form of fuse.default
  stacking        multinomial logistic regression on all twelve logarithms
Then the difference of each from the fusion with its 95 % interval (actors drawn anew, 2,000 times).
"""
import csv
import sys

import numpy as np
from scipy.optimize import minimize

EMOTIONS = "ADFHNS"


def read(path):
    kinds = {1: {}, 2: {}, 3: {}}
    with open(path, newline="") as file:
        rows = csv.reader(file)
        head = next(rows)
        at = [head.index(c) for c in EMOTIONS]
        name = head.index("fileName")
        for row in rows:
            kinds[int(row[0]) // 100000][row[name]] = [float(row[c]) for c in at]
    clips = sorted(set(kinds[1]) & set(kinds[2]) & set(kinds[3]))
    return clips, *(np.array([kinds[k][c] for c in clips]) for k in (1, 2, 3))


def log_softmax(z):
    z = z - z.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def fit(x, gold, build, start, ridge=1e-3):
    """Least cross-entropy of log_softmax(build(parameters, x)); the slope by build's own linearity."""

    def loss(t):
        z = build(t, x)
        log_p = log_softmax(z)
        error = (np.exp(log_p) - gold) / len(gold)
        slope = np.array([(error * part).sum() for part in build.parts(x)])
        return -(gold * log_p).sum() / len(gold) + ridge * (t @ t) / 2, slope + ridge * t

    return minimize(loss, start, jac=True, method="L-BFGS-B").x


class linear:
    """A sum of parameters times fixed parts [clips, emotions]."""

    def __init__(self, make):
        self.make = make

    def parts(self, x):
        return self.make(x)

    def __call__(self, t, x):
        return sum(w * part for w, part in zip(t, self.parts(x)))


def constants(x):
    return [np.tile(np.eye(6)[k], (len(x), 1)) for k in range(6)]


def main(path):
    clips, voice, face, both = read(path)
    gold = both / both.sum(1, keepdims=True)
    p_voice, p_face = ((v + 0.5) / (v + 0.5).sum(1, keepdims=True) for v in (voice, face))
    x = np.hstack([np.log(p_face), np.log(p_voice)])
    actor = np.array([int(c[:4]) for c in clips])
    fitted = {
        "fusion": linear(lambda x: [x[:, :6], x[:, 6:]] + constants(x)),
        "face": linear(lambda x: [x[:, :6]] + constants(x)),
        "voice": linear(lambda x: [x[:, 6:]] + constants(x)),
        "stacking": linear(lambda x: [np.outer(x[:, i], np.eye(6)[k]) for i in range(12) for k in range(6)] + constants(x)),
    }
    starts = {"fusion": np.r_[1, 1, np.zeros(6)], "face": np.r_[1, np.zeros(6)], "voice": np.r_[1, np.zeros(6)], "stacking": np.zeros(78)}
    log_p = {"mean": np.log((p_face + p_voice) / 2), "product": log_softmax(x[:, :6] + x[:, 6:])}
    weights = []
    for name, model in fitted.items():
        log_p[name] = np.zeros_like(gold)
        for part in range(6):
            held = actor % 6 == part
            t = fit(x[~held], gold[~held], model, starts[name])
            log_p[name][held] = log_softmax(model(t, x[held]))
            if name == "fusion":
                weights.append(t[:2])
    entropy = -(gold * np.log(np.maximum(gold, 1e-12))).sum(1)
    nll = {name: -(gold * p).sum(1) for name, p in log_p.items()}
    rng = np.random.default_rng(1)
    names = np.unique(actor)
    where = [np.flatnonzero(actor == a) for a in names]
    draws = [np.concatenate([where[i] for i in rng.integers(0, len(names), len(names))]) for _ in range(2000)]
    print(f"{len(clips)} clips, {len(names)} actors, each predicted from the others'")
    print(f"{'':10} {'NLL':>7} {'KL':>7} {'same':>7}   NLL more than fusion, 95 %")
    for name in ("fusion", "stacking", "product", "mean", "face", "voice"):
        same = (log_p[name].argmax(1) == gold.argmax(1)).mean()
        gap = nll[name] - nll["fusion"]
        low, high = np.quantile([gap[d].mean() for d in draws], [0.025, 0.975])
        print(f"{name:10} {nll[name].mean():7.4f} {(nll[name] - entropy).mean():7.4f} {same:7.3f}" + ("" if name == "fusion" else f"   {gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]"))
    low, mean, high = np.min(weights, 0), np.mean(weights, 0), np.max(weights, 0)
    print(f"weights of face and voice: {mean[0]:.3f} ({low[0]:.3f} to {high[0]:.3f}), {mean[1]:.3f} ({low[1]:.3f} to {high[1]:.3f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
