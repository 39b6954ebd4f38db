#!/usr/bin/env python3
"""How much to believe the face and how much the voice, emotion by emotion: fits the weights of fuse.default, and judges them.

usage: bench/face_voice.py VOTES.csv [--terms NAME=TERMS.csv]... [--units AU.csv TERMS.csv] [--calm RAVDESS.csv NEMO.csv [MORE.csv]...]

VOTES.csv is ../shared/data/crema_d_votes/tabulatedVotes.csv: votes for six emotions on the same 7,442 clips from the
voice alone, the face alone and both. What is printed first: the votes of "both" from the other two. Six parts of the
actors (by their numbers); each is predicted by what was fitted on the other five. Per clip: cross-entropy of the votes
of "both" (NLL, nats), its Kullback-Leibler divergence from them, and whether the largest is the same.

  mean, product   of the two distributions, nothing fitted
  face, voice     one alone, sharpened or flattened by one exponent, with constants
  two weights     log p = wf log 6 p_face + wv log 6 p_voice + a constant an emotion
  fusion          the same with a weight an emotion and modality: the form of fuse.default
  stacking        multinomial logistic regression on all twelve logarithms

TERMS.csv is what build/bench/bench-java-sed prints of acted clips: each group of its column "by" (an actor, or a fold
of them) is judged by what was fitted on the others, for the face alone, the voice alone and both:

  mean, product   of the two posteriors, nothing fitted
  two weights     of face, voice and place, and constants that count as far as there is a face; one set for the three ways
  people          the same, with the weights of face and voice in the proportions that CREMA-D's votes have, emotion by
                  emotion: fuse.default
  own             a weight an emotion and modality of its own, held near two weights by a normal prior
  stacking        multinomial logistic regression on all terms of "both"

--units: the same of RAVDESS at the level of features: AU.csv (../shared/data/ravdess_au/ravdess_au_mean.csv) has the mean action units of
each clip's film, of which a logistic regression on the other actors (six parts) makes the face's posterior; TERMS.csv what
`bench-java-sed --sound --by clip` prints of the same takes' sound.

--calm: neutral's share (n_c of docs/latent.md) of fuse.default. RAVDESS's actors of odd numbers and nEMO, neutral (with calm) against the
rest: the n_c with the least mean of both rates, calm called an emotion and emotion called calm; both rates at that and at the n_c that
ships, there, on the actors of even numbers, and on tables of people who act nothing (MORE.csv).

Of the form `two weights` also sets of labels that hold the right one in nine of ten clips (split conformal: all labels whose share
reaches what the right ones of the others reached in nine of ten), by other actors and by the other set, and the ECE.

Differences are from the form marked *, with 95 % intervals (groups drawn anew, then clips within them, 2,000 times).
"""
import argparse
import csv
import json
import os

import numpy as np
from scipy.optimize import minimize

EMOTIONS = "ADFHNS"
CATEGORIES = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
PLACE = {"A": 4, "D": 5, "F": 6, "H": 1, "N": 0, "S": 3}  # of CREMA-D's emotions among the categories
WAYS = ["face", "voice", "both"]
ROUNDS = 2000


def log_softmax(z):
    z = z - z.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def fit(parts, gold, start, strength, weight=None):
    """Least cross-entropy of log_softmax(sum t_j parts[j]) with a normal prior around `start`, of precision `strength`
    (both over the sum of the weights). parts [J, clips, classes]."""
    w = np.ones(len(gold)) if weight is None else weight
    total = w.sum()
    start, strength = np.asarray(start, float), np.broadcast_to(strength, (len(parts),))

    def loss(t):
        log_p = log_softmax(np.tensordot(t, parts, 1))
        error = (np.exp(log_p) * gold.sum(1, keepdims=True) - gold) * w[:, None] / total
        away = t - start
        return -((gold * log_p).sum(1) * w).sum() / total + (strength * away**2).sum() / 2, np.tensordot(parts, error, 2) + strength * away

    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x


def one_each(x):
    """[clips, classes] -> [classes, clips, classes]: a weight of its own for each."""
    return x.T[:, :, None] * np.eye(x.shape[1])[:, None, :]


def constants(x):
    return one_each(np.ones_like(x))


def crossed(x, classes):
    """[clips, K] -> [K classes, clips, classes]: every number speaks for every class."""
    return np.stack([np.outer(x[:, k], np.eye(classes)[c]) for k in range(x.shape[1]) for c in range(classes)])


def draws_of(group, rng):
    """Groups drawn anew, then clips within them."""
    where = [np.flatnonzero(group == g) for g in np.unique(group)]
    return [np.concatenate([rng.choice(where[i], len(where[i])) for i in rng.integers(0, len(where), len(where))]) for _ in range(ROUNDS)]


def interval(gap, draws):
    low, high = np.quantile([gap[d].mean() for d in draws], [0.025, 0.975])
    return f"{gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


# ---- people ----


def read_votes(path):
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


def people(path):
    """Prints the table of votes; returns the weights of face and voice, a row of six each, of all actors."""
    clips, voice, face, both = read_votes(path)
    gold = both / both.sum(1, keepdims=True)
    p_voice, p_face = ((v + 0.5) / (v + 0.5).sum(1, keepdims=True) for v in (voice, face))
    f, v = np.log(6 * p_face), np.log(6 * p_voice)
    actor = np.array([int(c[:4]) for c in clips])
    k = constants(f)
    forms = {
        "fusion": (np.concatenate([one_each(f), one_each(v), k]), np.r_[np.ones(12), np.zeros(6)]),
        "two weights": (np.concatenate([f[None], v[None], k]), np.r_[1, 1, np.zeros(6)]),
        "face": (np.concatenate([f[None], k]), np.r_[1, np.zeros(6)]),
        "voice": (np.concatenate([v[None], k]), np.r_[1, np.zeros(6)]),
        "stacking": (np.concatenate([crossed(np.hstack([f, v]), 6), k]), np.zeros(78)),
    }
    log_p = {"mean": np.log((p_face + p_voice) / 2), "product": log_softmax(f + v)}
    for name, (parts, start) in forms.items():
        log_p[name] = np.zeros_like(gold)
        for part in range(6):
            held = actor % 6 == part
            t = fit(parts[:, ~held], gold[~held], start, 1e-3)
            log_p[name][held] = log_softmax(np.tensordot(t, parts[:, held], 1))
    entropy = -(gold * np.log(np.maximum(gold, 1e-12))).sum(1)
    nll = {name: -(gold * p).sum(1) for name, p in log_p.items()}
    draws = draws_of(actor, np.random.default_rng(1))
    print(f"CREMA-D: {len(clips)} clips, {len(np.unique(actor))} actors, each predicted from the others'")
    print(f"{'':12} {'NLL':>7} {'KL':>7} {'same':>7}   NLL more than fusion *, 95 %")
    for name in ("fusion", "two weights", "stacking", "product", "mean", "face", "voice"):
        same = (log_p[name].argmax(1) == gold.argmax(1)).mean()
        print(f"{name:12} {nll[name].mean():7.4f} {(nll[name] - entropy).mean():7.4f} {same:7.3f}" + ("" if name == "fusion" else "   " + interval(nll[name] - nll["fusion"], draws)))
    t = fit(forms["fusion"][0], gold, forms["fusion"][1], 1e-3)
    print("weights of all actors, face:  " + ", ".join(f"{e} {w:.2f}" for e, w in zip(EMOTIONS, t[:6])))
    print("                       voice: " + ", ".join(f"{e} {w:.2f}" for e, w in zip(EMOTIONS, t[6:12])))
    return t[:6], t[6:12]


def proportions(weights):
    """Six weights as eight that are 1 on the mean; surprise and contempt, which CREMA-D has not, get 1."""
    out = np.ones(8)
    for e, w in zip(EMOTIONS, weights):
        out[PLACE[e]] = w / weights.mean()
    return out


# ---- networks ----


class clips_of:
    """Terms of one set: face, voice, place [rows, 8], trust of the face, way, label, group."""

    def __init__(self, path, only=None):
        with open(path, newline="") as file:
            rows = [r for r in csv.DictReader(file) if only is None or only(r)]
        number = lambda name: np.array([float(r[name]) for r in rows])
        table = lambda expert: np.stack([number(f"{expert}_{c}") for c in CATEGORIES], 1)
        self.face, self.voice, self.place = table("face"), table("voice"), table("place")
        self.trust_face, self.trust_voice = number("face"), number("voice")
        self.way = np.array([WAYS.index(r["way"]) for r in rows])
        self.says = number("says") > 0
        self.label = np.array([CATEGORIES.index(r["label"]) for r in rows], int)
        self.group = np.array([r["by"] for r in rows])
        self.used = np.array([c in set(self.label) for c in range(8)])
        self.gold = np.eye(8)[self.label][:, self.used]

    def constants(self):
        return one_each(self.trust_face[:, None] * np.ones(self.used.sum()))


def with_units(units, terms):
    """RAVDESS at the level of features: the face from action units, the voice from terms; rows as of clips_of."""
    d = clips_of(terms)
    with open(units, newline="") as file:
        rows = {r["wav_clip"]: r for r in csv.DictReader(file)}
    clip = [g.split(".")[0] for g in d.group]
    kept = [i for i, c in enumerate(clip) if c in rows]
    names = [n for n in next(iter(rows.values())) if n.startswith("AU")]
    x = np.array([[float(rows[clip[i]][n]) for n in names] for i in kept])
    label, actor = d.label[kept], np.array([int(clip[i][-2:]) for i in kept])
    used = np.flatnonzero(d.used)
    gold = np.eye(8)[label][:, used]
    log_face = np.zeros((len(kept), 8))
    for part in range(6):
        held = actor % 6 == part
        mean, deviation = x[~held].mean(0), x[~held].std(0) + 1e-9
        u = np.hstack([(x - mean) / deviation, np.ones((len(x), 1))])
        parts = crossed(u, len(used))
        t = fit(parts[:, ~held], gold[~held], np.zeros(len(parts)), 0.02)
        log_face[np.ix_(held, used)] = np.maximum(log_softmax(np.tensordot(t, parts[:, held], 1)), np.log(0.01))
    for c in set(range(8)) - set(used):
        log_face[:, c] = log_face[:, used].mean(1)
    n = len(kept)
    tile = lambda v, there: np.concatenate([v * there[k] for k in range(3)])
    out = object.__new__(clips_of)
    out.face, out.voice, out.place = tile(log_face + np.log(8), [1, 0, 1]), tile(d.voice[kept], [0, 1, 1]), tile(d.place[kept], [0, 1, 1])
    out.trust_face, out.trust_voice = tile(np.ones(n), [1, 0, 1]), tile(d.trust_voice[kept], [0, 1, 1])
    out.way, out.label, out.used = np.repeat([0, 1, 2], n), np.tile(label, 3), d.used
    out.says = tile(np.ones(n), [1, 1, 1]) > 0
    out.says[n:] = np.tile(d.says[kept], 2)
    out.group = np.tile(np.array([f"{a % 6}" for a in actor]), 3)
    out.gold = np.eye(8)[out.label][:, out.used]
    return out


def form_two(d, face=None, voice=None):
    """Parts and start: weights of face, voice and place, then constants."""
    u = d.used
    f, v = d.face * (1 if face is None else face), d.voice * (1 if voice is None else voice)
    parts = np.concatenate([f[None, :, u], v[None, :, u], d.place[None, :, u], d.constants()])
    return parts, np.r_[0.96, 0.64, 0.5, np.zeros(u.sum())]


def judge(name, d, face, voice):
    u, n = d.used, d.used.sum()
    shipped = json.load(open("models/fuse.default/weights.json"))
    k = np.array([shipped["categories"][c]["face"] for c in CATEGORIES])
    n_c = np.array([shipped["categories"][c]["prior"] for c in CATEGORIES])
    w = {e: np.array(x) * np.ones(8) for e, x in shipped["weights"].items()}
    share = lambda x, trust: log_softmax(x[:, u] / np.maximum(trust, 1e-9)[:, None])
    p_f, p_v = np.exp(share(d.face, d.trust_face)), np.exp(share(d.voice, d.trust_voice))
    alone = [d.way == 0, d.way == 1]
    mean = np.where(alone[0][:, None], p_f, np.where(alone[1][:, None], p_v, (p_f + p_v) / 2))
    log_p = {
        "mean": np.log(mean),
        "product": log_softmax(np.log(p_f) + np.log(p_v)),
        "shipped": log_softmax((w["face"] * d.face + w["voice"] * d.voice + w["place"] * d.place + k * d.trust_face[:, None] + n_c)[:, u]),
    }
    two, people = form_two(d), form_two(d, face, voice)
    own = np.concatenate([one_each(d.face[:, u]), one_each(d.voice[:, u]), two[0]])
    both = d.way == 2
    stack = np.concatenate([crossed(np.hstack([d.face[:, u], d.voice[:, u], d.place[:, u]]), n), constants(d.gold)])
    forms = {
        "two weights": (*two, 1.0, d.says),
        "people": (*people, 1.0, d.says),
        "own": (own, np.r_[np.zeros(2 * n), two[1]], np.r_[np.full(2 * n, 10.0), np.ones(3 + n)], d.says),
        "stacking": (stack, np.zeros(len(stack)), 1.0, d.says & both),
    }
    fitted = {}
    for form, (parts, start, strength, rows) in forms.items():
        log_p[form] = np.zeros_like(d.gold)
        size = rows.sum() / (1 if form == "stacking" else 3)
        for g in [*np.unique(d.group), None]:
            held, taught = d.group == g, rows & (d.group != g)
            t = fit(parts[:, taught], d.gold[taught], start, strength / size)
            if g is None:
                fitted[form] = t
            else:
                log_p[form][held] = log_softmax(np.tensordot(t, parts[:, held], 1))
    kept = np.exp(log_p["two weights"][both & d.says]), d.gold[both & d.says], d.group[both & d.says]
    print(f"\n{name}: {both.sum()} clips, {len(np.unique(d.group))} groups, {n} emotions; agreement, mean recall, NLL")
    draws = draws_of(d.group[both], np.random.default_rng(2))
    nothing = np.log(np.full(n, 1 / n))
    for form, p in log_p.items():
        p[~d.says] = nothing
        cells = []
        for way in range(3):
            rows = d.way == way
            right = p[rows].argmax(1) == d.gold[rows].argmax(1)
            recall = np.mean([right[d.gold[rows][:, c] > 0].mean() for c in range(n)])
            cells.append(f"{WAYS[way]} {100 * right.mean():5.1f} {100 * recall:5.1f} {-(d.gold[rows] * p[rows]).sum(1).mean():6.3f}")
        if form == "stacking":
            cells = ["", "", cells[2]]
        loss = lambda x: -(d.gold[both] * x[both]).sum(1)
        hit = lambda x: (x[both].argmax(1) == d.gold[both].argmax(1)).astype(float)
        gaps = "" if form == "two weights" or form not in forms else "   NLL of both, more than two weights *: " + interval(loss(p) - loss(log_p["two weights"]), draws) + ", agreement " + interval(hit(p) - hit(log_p["two weights"]), draws)
        print(f"{form:12} " + "".join(f"{c:27}" for c in cells) + gaps)
    for form in ("two weights", "people"):
        t = fitted[form]
        print(f"{form}, of all: face {t[0]:.2f}, voice {t[1]:.2f}, place {t[2]:.2f}; constants " + ", ".join(f"{c} {x:+.2f}" for c, x in zip(np.array(CATEGORIES)[u], t[3:])))
    print("own, of all, beyond these: face " + ", ".join(f"{x:+.2f}" for x in fitted["own"][:n]) + "; voice " + ", ".join(f"{x:+.2f}" for x in fitted["own"][n : 2 * n]))
    return kept


def ece(p, gold):
    top, right = p.max(1), p.argmax(1) == gold.argmax(1)
    bins = np.minimum((15 * top).astype(int), 14)
    return sum(abs(right[bins == b].sum() - top[bins == b].sum()) for b in range(15)) / len(p)


def least_score(p, gold, share=0.9):
    """The largest score such that all labels that reach it hold the right one in at least that share (split conformal)."""
    own = np.sort((p * gold).sum(1))
    return own[max(int(np.floor((1 - share) * (len(own) + 1))) - 1, 0)]


def conformal(judged):
    """Sets of labels at 90 %, of the form `two weights`, each group or corpus by what was fitted on the others."""
    print("\nconformal sets at 90 %: coverage, mean size; ECE")
    for name, (p, gold, group) in judged.items():
        covered, size = np.zeros(len(p)), np.zeros(len(p))
        for g in np.unique(group):
            held = group == g
            inside = p[held] >= least_score(p[~held], gold[~held])
            covered[held], size[held] = (inside * gold[held]).sum(1), inside.sum(1)
        print(f"{name + ', other actors':44}{covered.mean():6.3f}{size.mean():6.2f}{ece(p, gold):7.3f}")
        for other, (q, their, _) in judged.items():
            if other != name:
                inside = p >= least_score(q, their)
                print(f"{name + ', by ' + other:44}{(inside * gold).sum(1).mean():6.3f}{inside.sum(1).mean():6.2f}")


def shipped_scores(d):
    """Logits of fuse.default for clips, without neutral's prior; and that prior."""
    shipped = json.load(open("models/fuse.default/weights.json"))
    w = {e: np.array(x) * np.ones(8) for e, x in shipped["weights"].items()}
    k = np.array([shipped["categories"][c]["face"] for c in CATEGORIES])
    z = w["face"] * d.face + w["voice"] * d.voice + w["place"] * d.place + k * d.trust_face[:, None]
    return z, shipped["categories"]["neutral"]["prior"]


def shipped_sets(items):
    """Sets of labels as `analyze` gives them: least scores by what there is (corpora counted alike), and what they cover."""
    print("\nfuse.default's sets at 90 %: coverage, mean size by the other people of the corpus; by the other corpora; by all (as shipped)")
    for way in WAYS:
        sets = {}
        for item in items:
            name, path = item.split("=", 1)
            d = clips_of(path, lambda r: r["way"] == way)
            if len(d.label):
                z, prior = shipped_scores(d)
                z[:, 0] += prior
                people = np.array([g.split(".")[0].split("-")[-1] for g in d.group])  # RAVDESS: the actor ends the clip's name
                sets[name] = np.exp(log_softmax(z)), np.eye(8)[d.label], people
        least = {name: least_score(p, gold) for name, (p, gold, _) in sets.items()}
        own = [np.sort((p * gold).sum(1)) for p, gold, _ in sets.values()]
        every = np.array([[x, 1 / len(s)] for s in own for x in s])
        every = every[every[:, 0].argsort()]
        shared = every[np.searchsorted(every[:, 1].cumsum(), 0.1 * len(own)), 0] if own else np.nan
        for name, (p, gold, people) in sets.items():
            inside = np.zeros_like(p)
            for g in np.unique(people):
                held = people == g
                inside[held] = p[held] >= least_score(p[~held], gold[~held])
            cells = [inside]
            if len(sets) > 1:
                cells.append(p >= np.mean([x for n, x in least.items() if n != name]))
            cells.append(p >= shared)
            print(f"{way:6}{name:12}{len(p):5} clips" + "".join(f"{(x * gold).sum(1).mean():8.3f}{x.sum(1).mean():6.2f}" for x in cells))
        print(f"{way:6}least score {shared:.4f}")


def calm(paths):
    sets = []
    for path in paths:
        d = clips_of(path, lambda r: r["way"] == "both")
        if not len(d.label):  # sound alone
            d = clips_of(path, lambda r: r["way"] == "voice")
        z, now = shipped_scores(d)
        lead = z[:, 0] - z[:, 1:].max(1)  # neutral is said where n_c is above -lead
        sets.append((os.path.basename(path), d, lead))
    name, d, lead = sets[0]
    odd = np.array([int(g.split(".")[0][-2:]) % 2 == 1 for g in d.group])
    sets[:1] = [(name + ", odd actors", (d.label == 0)[odd], lead[odd]), (name + ", even actors", (d.label == 0)[~odd], lead[~odd])]
    sets[2:] = [(name, d.label == 0, lead) for name, d, lead in sets[2:]]

    def rates(neutral, lead, n):
        said = lead + n > 0
        return (~said[neutral]).mean(), said[~neutral].mean() if (~neutral).any() else np.nan

    grid = np.arange(-1, 4.001, 0.05)
    cost = [np.mean([rates(*sets[i][1:], n) for i in (0, 2)]) for n in grid]
    best = grid[int(np.argmin(cost))]
    print(f"\nneutral's n_c: {best:.2f} fitted, {now:.2f} ships; calm called an emotion, emotion called calm")
    for name, neutral, lead in sets:
        print(f"{name:28} {neutral.sum():5d} calm {(~neutral).sum():5d} not" + "".join("   %.3f %.3f" % rates(neutral, lead, n) for n in (best, now)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("votes")
    parser.add_argument("--terms", action="append", default=[], metavar="NAME=TERMS.csv")
    parser.add_argument("--units", nargs=2, metavar=("AU.csv", "TERMS.csv"))
    parser.add_argument("--calm", nargs="+", metavar="TERMS.csv")
    parser.add_argument("--sets", nargs="+", metavar="NAME=TERMS.csv")
    a = parser.parse_args()
    face, voice = (proportions(w) for w in people(a.votes))
    print("in proportion, in the categories' order: face " + json.dumps([round(x, 2) for x in face]) + ", voice " + json.dumps([round(x, 2) for x in voice]))
    judged = {}
    for item in a.terms:
        name, path = item.split("=", 1)
        judged[name] = judge(name, clips_of(path), face, voice)
    if a.units:
        judged["RAVDESS, features"] = judge("RAVDESS, features", with_units(*a.units), face, voice)
    if judged:
        conformal(judged)
    if a.calm:
        calm(a.calm)
    if a.sets:
        shipped_sets(a.sets)


if __name__ == "__main__":
    main()
