#!/usr/bin/env python3
"""Are episodes where emotions are? Composed recordings whose emotion intervals are known.

usage: bench/localisation.py AFFECT COMPOSE DATA WORK ACTORS [--scenes N] [--fit]

Each scene is one actor of Java-SED (ACTORS: 06,07,08) with clips one after the other, one to three of an
emotion, then some of another. Gold: the stretches of one emotion; predicted: the episodes. Prints F1 at IoU
.3, .5, .7, with labels and without, and the same for the episodes shuffled (their lengths in another
order, their labels in another): the mean of 20. --fit: F1 at IoU .5 without labels by the cost of a change
in src/fuse/changes.c, from the same trajectories; the cost there was chosen by it on actors 01,02,03.
"""
import csv
import json
import os
import random
import subprocess
import sys


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")


def scenes(data, work, compose, actors, count):
    rows = [r for r in csv.DictReader(open(f"{data}/java_sed/video.csv"))]
    os.makedirs(work, exist_ok=True)
    for k in range(count):
        rng = random.Random(k)
        actor = actors[k % len(actors)]
        clips = {}
        for r in rows:
            if r["speaker"] == actor:
                clips.setdefault(r["label"], []).append(r)
        order = sorted(clips)
        rng.shuffle(order)
        lines, gold, at = ["size 360 270 30"], [], 0.0
        for label in order:
            start = at
            for r in rng.sample(clips[label], rng.randint(1, 3)):
                length = round(float(r["seconds"]) * 30) / 30
                lines += [f"shot {length:.6f}", f"see A java_sed/{r['path']} full", f"hear A java_sed/{r['path']} at {at:.6f} label {label}"]
                at += length
            gold.append((start, at, label))
        out = f"{work}/scene-{actor}-{k}"
        if not os.path.exists(out + ".mp4"):
            with open(out + ".txt", "w") as file:
                file.write("\n".join(lines) + "\n")
            run([compose, out + ".txt", data, out])
        yield out, gold


def iou(a, b):
    both = min(a[1], b[1]) - max(a[0], b[0])
    return both / (max(a[1], b[1]) - min(a[0], b[0])) if both > 0 else 0


def hits(gold, found, least, labels):
    pairs = sorted(((iou(g, f), i, j) for i, g in enumerate(gold) for j, f in enumerate(found) if not labels or g[2] == f[2]), reverse=True)
    used_g, used_f = set(), set()
    for x, i, j in pairs:
        if x >= least and i not in used_g and j not in used_f:
            used_g.add(i)
            used_f.add(j)
    return len(used_g)


def f1(all_, least, labels):
    n = sum(len(g) + len(f) for g, f in all_)
    return 2 * sum(hits(g, f, least, labels) for g, f in all_) / n if n else 0


def shuffled(found, rng):
    lengths = [f[1] - f[0] for f in found]
    labels = [f[2] for f in found]
    rng.shuffle(lengths)
    rng.shuffle(labels)
    out, at = [], found[0][0] if found else 0
    for length, label in zip(lengths, labels):
        out.append((at, at + length, label))
        at += length
    return out


def changes(rows, end, beta):
    """What src/fuse/changes.c does: penalised least squares over valence, arousal, dominance at 5 Hz."""
    import numpy as np

    tau, level_sd, least = 0.8, 0.10, 5
    kept, last = [], None
    for row in rows:
        if last is None or row[0] - last > 0.199:
            kept.append(row)
            last = row[0]
    t = np.array([r[0] for r in kept])
    z = np.array([r[2:5] for r in kept])
    dt = np.minimum(np.diff(t, prepend=t[0] - 0.2), 1)[:, None]
    w = dt / tau / (np.array([r[5:8] for r in kept]) ** 2 + level_sd**2)
    zero = np.zeros((1, 3))
    c = [np.vstack([zero, np.cumsum(x, 0)]) for x in (w, w * z, w * z * z)]
    n = len(t)
    best, before = np.full(n + 1, np.inf), np.zeros(n + 1, int)
    best[0] = -beta
    for i in range(1, n + 1):
        starts = np.array([0] + list(range(least, max(least, i - least + 1))))
        a, b, d = (x[i] - x[starts] for x in c)
        total = best[starts] + 0.5 * np.maximum(d - b * b / a, 0).sum(1) + beta
        k = total.argmin()
        best[i], before[i] = total[k], starts[k]
    edges = [n]
    while edges[-1]:
        edges.append(before[edges[-1]])
    edges = [t[k] if k < n else end for k in edges[::-1]]
    return [(x, y, "") for x, y in zip(edges, edges[1:])]


def main(affect, compose, data, work, actors, *options):
    count = int(options[options.index("--scenes") + 1]) if "--scenes" in options else 12
    all_, rows = [], []
    for out, gold in scenes(data, work, compose, actors.split(","), count):
        run([affect, "analyze", out + ".mp4", "--no-words", "--format", "json", "--quiet", "--force", "-o", out])
        with open(out + "/timeline.json") as file:
            timeline = json.load(file)
        tiers = {t["id"]: t["intervals"] for t in timeline["tiers"]}
        rows.append(next(t["rows"] for t in timeline["tracks"] if t["id"] == "trajectory/1"))
        all_.append((gold, [(e["t0"], e["t1"], e["label"]) for e in tiers["episodes"]]))
    for beta in (0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if "--fit" in options else ():
        found = [(g, changes(r, f[-1][1], beta)) for (g, f), r in zip(all_, rows)]
        print(f"a change costs {beta:.1f}: F1 {f1(found, 0.5, False):.3f}, {sum(len(f) for _, f in found)} stretches")
    rng = random.Random(1)
    rounds = [[(g, shuffled(f, rng)) for g, f in all_] for _ in range(20)]
    print(f"{len(all_)} scenes, {sum(len(g) for g, _ in all_)} stretches, {sum(len(f) for _, f in all_)} episodes")
    for labels in (False, True):
        for least in (0.3, 0.5, 0.7):
            by_chance = sum(f1(r, least, labels) for r in rounds) / len(rounds)
            print(f"F1 at IoU {least:.1f}{' with labels' if labels else '            '} {f1(all_, least, labels):.3f}   shuffled {by_chance:.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
