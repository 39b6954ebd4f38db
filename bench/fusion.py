#!/usr/bin/env python3
"""The trained fusion beside the default one on composed recordings of actors left out.

usage: bench/fusion.py BUILD DATA WORK [--voice MODEL] [--seeds N] [--each N]

BUILD is the build folder, DATA ../shared/data, WORK a folder that keeps what is made (recordings, timelines, models). Each of the
six actors of Java-SED gets N recordings (4) of eight clips one after the other, composed by tools/compose, of emotions drawn
without the same one twice in a row. What is true at each instant is the place of the clip's emotion (Russell & Mehrabian 1977).
They are analyzed by face and voice; MODEL is a voice network that has heard none of these actors. Three times two actors are left
out; a network is trained on the recordings of the other four (recipes/fusion.ini) with each of N seeds (3), and bench-fuse runs the
stage of `affect analyze --fusion` with it on those of the two.

Printed: concordance (CCC) of valence and arousal and of their derivatives (over 1 s) over all recordings, of the default fusion and
of the trained one, and the differences with 95 % intervals (actors drawn anew, then recordings and seeds, 2,000 times); and the
default fusion once more with mean and deviation of each dimension brought to those of the truth of the four actors ("scaled"): what
a network gains beyond that is not a matter of scale. With --robust
also the mean of both dimensions' CCC where the face's or the voice's estimates and posteriors are taken away, come 0.5 s late, are
noise, or are another person's.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

PLACES = {"neutral": (0, 0), "happiness": (0.81, 0.51), "surprise": (0.40, 0.67), "sadness": (-0.63, -0.27), "anger": (-0.51, 0.59), "fear": (-0.64, 0.60)}
CLIPS, ROUNDS, STEP = 8, 2000, 0.1


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr.strip()}")


def scenes(data, each):
    """(name, actor, text, [(start, end, emotion)]) of every recording."""
    clips = {}
    with open(f"{data}/java_sed/video.csv", newline="") as file:
        for row in csv.DictReader(file):
            clips.setdefault(row["speaker"], []).append(row)
    rng = np.random.default_rng(7)
    for actor, rows in sorted(clips.items()):
        for k in range(each):
            order = []
            while len(order) < CLIPS:
                row = rows[rng.integers(len(rows))]
                if not order or order[-1]["label"] != row["label"]:
                    order.append(row)
            text, at, truth = ["size 360 270 25"], 0.0, []
            for row in order:
                length = round(float(row["seconds"]) * 25) / 25
                path = f"java_sed/{row['path']}"
                text += [f"shot {length:.2f}", f"see anna {path} full", f"hear anna {path} at {at:.2f} label {row['label']}"]
                truth.append((at, at + length, row["label"]))
                at += length
            yield f"a{actor}-{k}", actor, "\n".join(text) + "\n", truth


def value(truth, t, d):
    for start, end, label in truth:
        if start <= t < end:
            return PLACES[label][d]
    return np.nan


def trajectory(*command):
    """{instant in tenths: (valence, arousal)} of person 1, as bench-fuse prints it; and its milliseconds a second."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip())
    rows = csv.DictReader(done.stdout.splitlines())
    return {round(float(r["time"]) / STEP): (float(r["valence"]), float(r["arousal"])) for r in rows}, float(done.stderr.split()[0])


def pairs(said, truth):
    """What was said and what is true: levels [n, 2, 2] and derivatives over 1 s; rows of said, true."""
    last = int(truth[-1][1] / STEP)
    level = [[said[k], [value(truth, k * STEP, d) for d in (0, 1)]] for k in range(last) if k in said]
    slope = []
    for k in range(5, last - 5):
        if k - 5 in said and k + 5 in said:
            slope.append([[said[k + 5][d] - said[k - 5][d] for d in (0, 1)], [value(truth, (k + 5) * STEP, d) - value(truth, (k - 5) * STEP, d) for d in (0, 1)]])
    return np.array(level), np.array(slope)


def spoilt(path, out, modality, how, other, rng):
    """The timeline with what one modality says of emotion spoilt."""
    with open(path) as file:
        timeline = json.load(file)
    with open(other) as file:
        another = {t["id"]: t["rows"] for t in json.load(file)["tracks"]}
    for track in timeline["tracks"]:
        if not (track["id"].startswith(modality) and track["id"].split("/")[-1] in ("affect", "expression", "emotion")):
            continue
        rows = track["rows"]
        last = rows[-1][0] if rows else 0
        if how == "removed":
            track["rows"] = []
        elif how == "late":
            track["rows"] = [[round(r[0] + 0.5, 3), *r[1:]] for r in rows if r[0] + 0.5 <= last]
        elif how == "noise" and track["id"].endswith("affect"):
            track["rows"] = [[r[0], r[1], *(float(x) for x in np.clip(rng.normal(0, 0.4, 3), -1, 1)), *r[5:]] for r in rows]
        elif how == "noise":
            track["rows"] = [[r[0], r[1], *(float(x) for x in rng.dirichlet(np.full(len(r) - 2, 0.5)))] for r in rows]
        elif how == "another's":
            track["rows"] = [r for r in another[track["id"]] if r[0] <= last]
    with open(out, "w") as file:
        json.dump(timeline, file)


def scaled(found, names):
    """The map (gain and offset of each dimension) that brings mean and deviation of what was said of `names` to the truth's."""
    level = np.concatenate([found[n][0][0] for n in names])
    (m, true), (sd, true_sd) = level.mean(0), level.std(0)
    gain = true_sd / sd
    return gain, true - gain * m


def moments(x):
    """Sums from which a concordance follows, [2 dimensions, 6]."""
    said, true = x[:, 0], x[:, 1]
    return np.stack([np.ones_like(said).sum(0), said.sum(0), true.sum(0), (said**2).sum(0), (true**2).sum(0), (said * true).sum(0)], 1)


def concordance(m):
    n, x, y, xx, yy, xy = (m[..., k] for k in range(6))
    x, y = x / n, y / n
    return 2 * (xy / n - x * y) / (xx / n - x * x + yy / n - y * y + (x - y) ** 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("build", "data", "work"):
        parser.add_argument(name)
    parser.add_argument("--voice")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--recipe", default="recipes/fusion.ini")
    parser.add_argument("--robust", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    a = parser.parse_args()
    affect, compose = f"{a.build}/src/cli/affect", f"{a.build}/tools/compose"
    for folder in ("scenes", "timelines", "models"):
        os.makedirs(f"{a.work}/{folder}", exist_ok=True)
    options = ["--no-words", "--threads", "1", "-q", "--force"] + (["--model", f"voice.emotion={a.voice}"] if a.voice else [])
    all_scenes = list(scenes(a.data, a.each))

    def prepare(scene):
        path = f"{a.work}/scenes/{scene[0]}"
        if not os.path.exists(path + ".mp4"):
            with open(path + ".txt", "w") as file:
                file.write(scene[2])
            run(compose, path + ".txt", a.data, path)
        out = f"{a.work}/timelines/{scene[0]}.json"
        if not os.path.exists(out):
            with open(out + ".part", "w") as file:
                done = subprocess.run([affect, "analyze", path + ".mp4", "--json", *options], stdout=file, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"{scene[0]}: {done.stderr.strip()}")
            os.rename(out + ".part", out)

    with ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(prepare, all_scenes))
    actors = sorted({s[1] for s in all_scenes})
    found, cost = {"default": {}, "scaled": {}, "trained": {s[0]: [] for s in all_scenes}}, {"default": [], "trained": []}

    def fuse(form, scene, *model, path=None):
        said, ms = trajectory(f"{a.build}/bench/bench-fuse", path or f"{a.work}/timelines/{scene[0]}.json", *model)
        cost[form].append(ms)
        return pairs(said, scene[3])

    for scene in all_scenes:
        found["default"][scene[0]] = [fuse("default", scene)]
    with open(a.recipe) as file:
        recipe = file.read()
    tag = os.path.splitext(os.path.basename(a.recipe))[0]
    for fold in range(3):
        out = actors[fold::3]
        gain, offset = scaled(found["default"], [s[0] for s in all_scenes if s[1] not in out])
        for name, actor, _, _ in all_scenes:
            if actor in out:
                level, slope = (x.copy() for x in found["default"][name][0])
                level[:, 0], slope[:, 0] = gain * level[:, 0] + offset, gain * slope[:, 0]
                found["scaled"][name] = [(level, slope)]
        table = f"{a.work}/labels-{fold}.csv"
        with open(table, "w") as file:
            file.write("recording,group,time,valence,arousal\n")
            for name, actor, _, truth in all_scenes:
                for k in range(int(truth[-1][1] / 0.25)):
                    if actor not in out:
                        file.write(f"{name},{name},{k / 4},{value(truth, k / 4, 0)},{value(truth, k / 4, 1)}\n")
        for seed in range(1, a.seeds + 1):
            model = f"{a.work}/models/{tag}-{fold}-{seed}"
            if not os.path.exists(model + "/card.json"):
                with open(f"{a.work}/{tag}.ini", "w") as file:
                    file.write(recipe.replace("seed = 1", f"seed = {seed}"))
                run(affect, "train", f"{a.work}/{tag}.ini", f"{a.work}/timelines", table, "-o", model, "-q")
            for scene in all_scenes:
                if scene[1] in out:
                    found["trained"][scene[0]].append(fuse("trained", scene, model))
    sums = {form: {name: [[moments(x) for x in seed] for seed in seeds] for name, seeds in by_name.items()} for form, by_name in found.items()}

    def measure(form, names, seed_of):
        total = sum(np.array(sums[form][n][seed_of(form, n)]) for n in names)
        return concordance(total)  # [levels, derivatives] x [valence, arousal]

    rng = np.random.default_rng(3)
    by_actor = {actor: [s[0] for s in all_scenes if s[1] == actor] for actor in actors}
    names = [s[0] for s in all_scenes]
    mean = {form: np.mean([measure(form, names, lambda *_, k=k: k) for k in range(a.seeds if form == "trained" else 1)], 0) for form in found}
    gaps = {"default": [], "scaled": []}
    for _ in range(ROUNDS):
        drawn = [n for i in rng.integers(0, len(actors), len(actors)) for n in rng.choice(by_actor[actors[i]], a.each)]
        seed = int(rng.integers(a.seeds))
        trained = measure("trained", drawn, lambda *_: seed)
        for form in gaps:
            gaps[form].append(trained - measure(form, drawn, lambda *_: 0))
    low, high = ({form: np.quantile(g, q, axis=0) for form, g in gaps.items()} for q in (0.025, 0.975))
    print("milliseconds of processor time a recorded second: " + ", ".join(f"{form} {np.median(ms):.2f}" for form, ms in cost.items()))
    print(f"{len(names)} recordings of {len(actors)} actors, {a.seeds} seeds, {tag}")
    print(f"{'':26}default  scaled trained   trained more than default, 95 %   more than scaled, 95 %")
    for k, what in enumerate(("CCC of", "derivative CCC of")):
        for d, dimension in enumerate(("valence", "arousal")):
            more = (f"   {mean['trained'][k, d] - mean[f][k, d]:+.3f} [{low[f][k, d]:+.3f}, {high[f][k, d]:+.3f}]     " for f in gaps)
            print(f"{what + ' ' + dimension:26}{mean['default'][k, d]:7.3f}{mean['scaled'][k, d]:8.3f}{mean['trained'][k, d]:8.3f}" + "".join(more))

    if not a.robust:
        return
    print("mean CCC of valence and arousal (trained: seed 1)")
    for modality in ("nothing", "face", "voice"):
        for how in ("removed", "late", "noise", "another's") if modality != "nothing" else ("spoilt",):
            total = {"default": 0, "trained": 0}
            for k, scene in enumerate(all_scenes):
                other = next(s[0] for s in all_scenes[k:] + all_scenes if s[1] != scene[1])
                path = f"{a.work}/spoilt.json"
                spoilt(f"{a.work}/timelines/{scene[0]}.json", path, modality, how, f"{a.work}/timelines/{other}.json", rng)
                fold = next(f for f in range(3) if scene[1] in actors[f::3])
                total["default"] += moments(fuse("default", scene, path=path)[0])
                total["trained"] += moments(fuse("trained", scene, f"{a.work}/models/{tag}-{fold}-1", path=path)[0])
            print(f"{modality + ' ' + how:26}{concordance(total['default']).mean():5.3f}{concordance(total['trained']).mean():9.3f}")


if __name__ == "__main__":
    main()
