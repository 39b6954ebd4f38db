"""Who speaks, in scenes of people who are named: fits what decides it on some, and judges it on others.

usage: bench/speakers.py scenes COMPOSE AFFECT DATA WORK PEOPLE COUNT [KIND...]   composes and analyses, once; COUNT may be FROM:TO
       bench/speakers.py weights SYNCHRONY DATA WORK                              for the scenes of the fit; once, with WORK/clips
       bench/speakers.py voices BENCH DATA MODEL                                  weights.json of align/voices.h into the folder MODEL
       bench/speakers.py judge BENCH WORK PEOPLE [NAME=VALUE...]                  the share that is right, by kind of scene
       bench/speakers.py fit BENCH WORK [NAME...]                                 constants, from the people of the fit
       bench/speakers.py calibrate BENCH WORK                                     sure_slope and sure_shift, from the people of the fit
       bench/speakers.py reliability BENCH WORK PEOPLE                            how often a face that is said to speak does, by its score

PEOPLE are `fit` or `judge`; nobody is in both:

  fit     faces of the Java-SED actors 01, 02, 03 and 07; absent voices of these (while they are not in view) and of
          five of NEMO. Each scene is judged with weights of synchrony in which its actors are not (`weights`).
  judge   faces of the Java-SED actors 06 and 08, of five people of GRID and of two of SadTalker (a corpus of which nobody was fitted);
          absent voices of 06 and 08 (while they are not in view) and of EmoTale (another such). Shipped weights.

Scenes: up to three people side by side, each of whom says something in every shot, of which one is heard (or two, or somebody who is not in
view, or somebody who hangs there as a photograph). So a silent face moves as much as a speaking one. WORK keeps
what perception found in each; BENCH (build/bench/bench-speakers) makes the rest again from that.

Of the steps of .1 s in which somebody speaks: in how many are they said to be who they are, or rightly nobody in view? A
step in which two speak is right as far as both are named and nobody else is."""
import glob
import json
import os
import random
import subprocess
import sys

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment

KINDS = ["alone", "turns", "three", "overlap", "offset", "absent", "absent-alone", "photo", "photo-alone"]
PEOPLE = {
    "fit": {p: f"java_sed/video/{p}-*.mp4" for p in ("01", "02", "03", "07")},
    "judge": {"06": "java_sed/video/06-*.mp4", "08": "java_sed/video/08-*.mp4"}
    | {p: f"media/grid/{p}.mpg" for p in ("lwbsza", "pwij3p", "sbia1a", "sbwe5n", "swiz3n")}
    | {p: f"media/sadtalker/WDA_{p}_000.mp4" for p in ("KatieHill", "AlexandriaOcasioCortez")},
}
# More than one take, so these are the people of most scenes.
OFTEN = {"fit": ["01", "02", "03", "07"], "judge": ["06", "08"]}
STRANGERS = {"fit": [f"nemo/{s}*.ogg" for s in ("EB", "KS", "MK", "TP", "WR")], "judge": [f"emotale/audio/{s}_*.opus" for s in ("EN_007", "DK_015", "EN_003", "DK_012")]}
SHIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../models/align.synchrony")
PLACES = {1: ["full"], 2: ["left", "right"], 3: ["0,60,212,240", "214,60,212,240", "428,60,212,240"]}


def clips(data, pattern):
    return sorted(os.path.relpath(p, data) for p in glob.glob(f"{data}/{pattern}"))


def seconds(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path], check=True, capture_output=True, text=True).stdout
    return float(out)


def write_scene(data, kind, of, seed, path, shots=6):
    """Each shot shows its people in new takes, all of whose mouths move; one of them is heard."""
    draw = random.Random(f"{kind} {of} {seed}")
    others, often = list(PEOPLE[of]), OFTEN[of][:]
    draw.shuffle(others)
    draw.shuffle(often)
    count = 3 if kind == "three" else 1 if kind.endswith("alone") or kind == "photo" else 2
    # Mostly people of several takes; in every third scene one of those of whom there is but one.
    people = often[:count] if seed % 3 else [often[0]] + [p for p in others if p != often[0]][:count - 1]
    people += [p for p in others if p not in people][:count - len(people)]
    away = [p for p in OFTEN[of] if p not in people]
    places = PLACES[2 if kind == "photo" else count]
    # Who is heard without being seen: mostly one voice, sometimes two.
    voices = [f"java_sed/audio/{p}-*.ogg" for p in away] + draw.sample(STRANGERS[of], 2)
    voices = draw.sample(voices, 1 + (draw.random() < .3))
    lines, at = ["size 640 360 25", "noise -60"], 0.0
    if kind == "offset":
        lines.append(f"offset {draw.choice([-.3, -.16, .16, .3])}")
    for shot in range(shots):
        takes = {p: draw.choice(clips(data, PEOPLE[of][p])) for p in people}
        speaker = people[shot % len(people)]
        length = min(3.4, round(np.ceil((seconds(f"{data}/{takes[speaker]}") + .2) * 25) / 25, 2))  # whole pictures
        lines.append(f"shot {length}")
        lines += [f"see {p} {takes[p]} {places[i]}" for i, p in enumerate(people)]
        if kind == "photo":
            hangs = next(p for p in OFTEN[of] if p not in people)
            lines.append(f"photo other {draw.choice(clips(data, PEOPLE[of][hangs]))} {places[1]}")
        if kind == "photo-alone":
            lines.pop()
            lines.append(f"photo still {clips(data, PEOPLE[of][people[0]])[0]} full")
        stranger = draw.choice(clips(data, draw.choice(voices)))
        if kind == "photo-alone" or kind in ("absent", "absent-alone", "photo") and shot % 2:
            lines.append(f"hear nobody {stranger} at {at:.2f} for {length - .2:.2f}")
        else:
            lines.append(f"hear {speaker} {takes[speaker]} at {at:.2f} for {length - .1:.2f}")
        if kind == "overlap" and shot % 2:
            other = people[(shot + 1) % 2]
            lines.append(f"hear {other} {takes[other]} at {at:.2f} for {length - .1:.2f}")
        at += length
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


def make(compose, affect, data, base, kind, of, seed):
    """Composes and analyses one scene at `base`, unless that was done."""
    if os.path.exists(f"{base}/timeline.json"):
        return
    write_scene(data, kind, of, seed, base + ".txt")
    subprocess.run([compose, base + ".txt", data, base], check=True)
    subprocess.run([affect, "analyze", base + ".mp4", "--threads", "1", *os.environ.get("OPTIONS", "").split(), "-o", base, "--format", "json", "--quiet"], check=True)
    os.remove(base + ".mp4")


def tier(timeline, name):
    return next((t["intervals"] for t in timeline["tiers"] if t["id"] == name), [])


def steps_of(intervals, who, count):
    out = [set() for _ in range(count)]
    for i in intervals:
        for k in range(max(0, int(round(i["t0"] / .1))), min(count, int(round(i["t1"] / .1)))):
            out[k].add(who(i))
    return out


def places_of(script):
    """Where each person of a scene is: the middle of the picture's width that he has, as a share."""
    out = {}
    for line in script.splitlines():
        if line.startswith("see "):
            _, who, _, place = line.split()[:4]
            x, w = {"full": (0, 640), "left": (0, 320), "right": (320, 320)}.get(place) or (int(place.split(",")[0]), int(place.split(",")[2]))
            out[who] = (x + w / 2) / 640
    return out


class Scene:
    """The truth of one scene, and who is which number in what was found."""

    def __init__(self, base):
        with open(f"{base}.truth/timeline.json") as truth, open(f"{base}/timeline.json") as found:
            truth, self.found = json.load(truth), json.load(found)
        with open(base + ".txt") as f:
            names = places_of(f.read())
        self.base, self.kind = base, os.path.basename(base).split(".")[1]
        self.merged = {p["id"]: p["merged_into"] for p in self.found["persons"] if p["merged_into"]}
        self.count = int(truth["duration"] / .1)
        gold = {p["id"]: names[p["name"]] for p in truth["persons"] if p["name"] in names}
        self.boxes, centres = {t["person"] for t in self.found["tracks"] if t["id"].endswith("/box")}, {}
        for t in self.found["tracks"]:
            if t["id"].endswith("/box"):
                centres.setdefault(self.resolved(t["person"]), []).extend(r[2] + r[4] / 2 for r in t["rows"])
        found_ids = sorted(centres)
        cost = np.array([[abs(np.median(centres[n]) - x) for n in found_ids] for x in gold.values()])
        rows, columns = linear_sum_assignment(cost) if cost.size else ([], [])
        self.name = {found_ids[c]: list(gold)[r] for r, c in zip(rows, columns)}
        self.spoken = steps_of(tier(truth, "speaking"), lambda i: i["person"] if i["person"] in gold else None, self.count)

    def resolved(self, person):
        while person in self.merged:
            person = self.merged[person]
        return person

    def who(self, person):
        """None: nobody in view, which a person without a face is as well."""
        return self.name.get(self.resolved(person), "?") if person and person in self.boxes else None

    def judge(self, speaking=None):
        """Steps that are right, all, those in which nothing was heard. `speaking`: in place of the tier that was found."""
        heard = steps_of(tier(self.found, "speaking") if speaking is None else speaking, lambda i: self.who(i["person"]), self.count)
        right = total = silent = 0
        for g, h in zip(self.spoken, heard):
            if g:
                total += 1
                silent += not h
                right += len(g & h) / len(g | h)
        return right, total, silent


def scenes(compose, affect, data, work, of, count, *kinds):
    os.makedirs(work, exist_ok=True)
    first, _, end = count.rpartition(":")
    for seed in range(int(first or 0), int(end)):
        for kind in kinds or KINDS:
            make(compose, affect, data, f"{work}/{of}.{kind}.{seed}", kind, of, seed)
            right, total, silent = Scene(f"{work}/{of}.{kind}.{seed}").judge()
            print(f"{of} {kind} {seed}: right {right / total:.3f} of {total / 10:.1f} s, {silent / 10:.1f} s not heard", flush=True)


def weights(bench_synchrony, data, work):
    """Of synchrony, for the scenes of the fit: of the shipped people less those who are in view."""
    for base in bases_of(work, "fit"):
        folder = weights_of(work, base)
        if not os.path.exists(f"{folder}/weights.json"):
            os.makedirs(folder, exist_ok=True)
            subprocess.run([bench_synchrony, data, "--work", f"{work}/clips", "--write", folder, *os.path.basename(folder).split("-")], check=True)


def bases_of(work, of):
    return sorted(os.path.dirname(p) for p in glob.glob(f"{work}/{of}.*/timeline.json") if not os.path.dirname(p).endswith(".truth"))


def weights_of(work, base):
    with open(base + ".txt") as f:
        shown = {os.path.basename(line.split()[2])[:2] for line in f if line.startswith(("see ", "photo "))}
    return f"{work}/weights/" + "-".join(sorted(shown))


def voices(bench, data, folder):
    """The covariances of align/voices.h, within and between the four speakers of the fit (Java-SED, all their moods)."""
    files = [f for p in PEOPLE["fit"] for f in sorted(glob.glob(f"{data}/java_sed/audio/{p}-*.ogg"))]
    out = subprocess.run([bench, "--voices", *files], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines()]
    rows = [(os.path.basename(r[0])[:2], np.array(r[1:], float)) for r in rows if len(r) > 1]
    x = np.array([v for _, v in rows])
    who = np.array([p for p, _ in rows])
    good = np.isfinite(x).all(1)
    x, who = x[good], who[good]
    mean, scale = x.mean(0), x.std(0)
    x = np.clip((x - mean) / scale, -3, 3)
    means = np.array([x[who == p].mean(0) for p in sorted(set(who))])
    within = sum((x[who == p] - m).T @ (x[who == p] - m) for p, m in zip(sorted(set(who)), means)) / (len(x) - len(means))
    # Few speakers: half of the covariance of their means is taken for independent, and a little noise stands for other rooms.
    between = np.cov(means.T)
    between = .5 * between + .5 * np.diag(np.diag(between))
    values, vectors = eigh(between, within + .05 * np.eye(len(within)))
    with open(f"{folder}/weights.json", "w") as f:
        lists = {"mean": mean, "scale": scale, "between": np.maximum(values, 1e-4)[::-1]}
        f.write("{" + ",\n".join(f'"{k}":{json.dumps([float(f"{v:.5g}") for v in values])}' for k, values in lists.items()))
        f.write(',\n"project":[\n' + ",\n".join(json.dumps([float(f"{v:.5g}") for v in row]) for row in vectors.T[::-1]) + "]}\n")
    print(f"{len(x)} stretches of {len(means)} speakers; between over within: " + " ".join(f"{v:.2f}" for v in values[::-1]))


class Replay:
    """The scenes of some people, and what each of several rules makes of them."""

    def __init__(self, bench, work, of):
        self.bench, self.work, self.of = bench, work, of
        self.scenes = [Scene(b) for b in bases_of(work, of)]

    def judge(self, rules):
        """For each rule: for each kind of scene steps that are right, all."""
        with open(f"{self.work}/rules", "w") as f:
            f.write("".join(" ".join(f"{k}={v}" for k, v in r.items()) + "\n" for r in rules))
        names = [s.base + "=" + (weights_of(self.work, s.base) if self.of == "fit" else SHIPPED) for s in self.scenes]
        out = subprocess.run([self.bench, f"{self.work}/rules", *names], check=True, capture_output=True, text=True).stdout
        found, tiers = {}, None
        for line in out.splitlines():
            part = line.split()
            if len(part) == 2:
                tiers = found.setdefault((int(part[0]), part[1]), [])
            else:
                tiers.append({"t0": float(part[0]), "t1": float(part[1]), "person": int(part[2]), "score": float(part[3])})
        self.found = found
        return [[(s, *s.judge(found[k, s.base])) for s in self.scenes] for k in range(len(rules))]


def shares(judged):
    """By kind, and of all kinds alike."""
    kinds = {}
    for scene, right, total, _ in judged:
        k = kinds.setdefault(scene.kind, [0, 0])
        k[0] += right
        k[1] += total
    out = {k: r / t for k, (r, t) in sorted(kinds.items())}
    return out | {"all": sum(out.values()) / len(out)}


def judge(bench, work, of, *values):
    replay = Replay(bench, work, of)
    judged = replay.judge([dict(v.split("=") for v in values)])[0]
    for scene, right, total, silent in judged:
        print(f"{os.path.basename(scene.base)}: {right / total:.3f} of {total / 10:.1f} s, {silent / 10:.1f} s not heard")
    print(" ".join(f"{k} {v:.3f}" for k, v in shares(judged).items()))


def reliability(bench, work, of):
    """Of the steps in which a face is said to speak: how many it does speak in, by the score."""
    replay, edges = Replay(bench, work, of), [0, .5, .6, .7, .75, .8, .85, .9, .95, 1.0001]
    replay.judge([{}])
    bins, kept = [[0, 0] for _ in edges], [[0, 0] for _ in edges]
    for scene in replay.scenes:
        for i in replay.found[0, scene.base]:
            who = scene.who(i["person"])
            if who is None:
                continue
            for k in range(max(0, int(round(i["t0"] / .1))), min(scene.count, int(round(i["t1"] / .1)))):
                for b, edge in enumerate(edges[:-1]):
                    kept[b][0] += i["score"] >= edge and who in scene.spoken[k]
                    kept[b][1] += i["score"] >= edge
                    bins[b][0] += edge <= i["score"] < edges[b + 1] and who in scene.spoken[k]
                    bins[b][1] += edge <= i["score"] < edges[b + 1]
    for b, edge in enumerate(edges[:-1]):
        print(f"score {edge:.2f} to {min(edges[b + 1], 1):.2f}: right {bins[b][0] / max(bins[b][1], 1):.3f} of {bins[b][1] / 10:6.1f} s;"
              f" from {edge:.2f} on: {kept[b][0] / max(kept[b][1], 1):.3f} of {kept[b][1] / 10:6.1f} s")


def calibrate(bench, work):
    """Logistic regression of "the face that is said to speak does" on the model's log odds; a step of .1 s each, scenes alike."""
    replay = Replay(bench, work, "fit")
    replay.judge([{"sure_slope": 1, "sure_shift": 0}])
    odds, right, weight = [], [], []
    for scene in replay.scenes:
        steps = []
        for i in replay.found[0, scene.base]:
            who = scene.who(i["person"])
            for k in range(max(0, int(round(i["t0"] / .1))), min(scene.count, int(round(i["t1"] / .1)))):
                if who is not None and scene.spoken[k]:
                    steps.append((i["score"], who in scene.spoken[k]))
        odds += [np.log(min(max(s, 1e-4), 1 - 1e-4) / (1 - min(max(s, 1e-4), 1 - 1e-4))) for s, _ in steps]
        right += [r for _, r in steps]
        weight += [1 / max(len(steps), 1)] * len(steps)
    x, y, w = np.column_stack([odds, np.ones(len(odds))]), np.array(right, float), np.array(weight)
    b = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ b))
        b += np.linalg.solve((x * (w * p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2), x.T @ (w * (y - p)))
    print(f"sure_slope={b[0]:.3f} sure_shift={b[1]:.3f} from {len(y) / 10:.0f} s, right {np.average(y, weights=w):.3f}")


# What each constant of align/speaking.h might be.
GRID = {
    "stay_speech": [.9, .95, .98, .995], "chain_weight": [.04, .055, .07, .1], "nobody_evidence": [-.1, -.05, 0, .05], "prior_nobody": [.05, .1, .2, .35],
    "rest_weight": [.1, .2, .3, .45], "stay_silence": [.65, .8, .9], "overlap_evidence": [2, 4, 6, 10], "lips_evidence": [0, 1, 2],
    "linked_s": [1, 2, 3, 5], "linked_share": [.5, .6, .75, .9], "linked_of_all": [.4, .6, .8, .9, 1.1], "absent_s": [2, 3, 5], "absent_sure": [.4, .6, .8],
    "together_lips": [.5, .7, 1, 1.4], "together_voice": [0, .3, .5, .7, 1], "together_nobody": [-2, -1, 0, 1, 2, 3], "together_new": [.2, .5, 1, 2],
    "together_bond": [0, 1, 2, 4], "stay_cut": [.2, .5, .8, .95],
    "doubt": [0, .5, .6, .7, .8, .9], "owned_share": [.5, .6, .75, .9],
}


def fit(bench, work, *names):
    """One constant after the other, until none changes."""
    replay, best, top = Replay(bench, work, "fit"), {}, None
    for round_ in range(3):
        before = dict(best)
        for name in names or GRID:
            tried = [best | {name: v} for v in GRID[name]]
            told = [shares(j)["all"] for j in replay.judge([best] + tried)]
            k = int(np.argmax(told))
            if k and told[k] > told[0] + 1e-4:
                best, top = tried[k - 1], told[k]
            print(f"{name}: " + " ".join(f"{v}:{t:.3f}" for v, t in zip(["as is"] + GRID[name], told)), flush=True)
        if best == before:
            break
    print(" ".join(f"{k}={v}" for k, v in best.items()))


if __name__ == "__main__":
    if len(sys.argv) >= 8 and sys.argv[1] == "scenes":
        scenes(*sys.argv[2:])
    elif len(sys.argv) == 5 and sys.argv[1] == "weights":
        weights(*sys.argv[2:])
    elif len(sys.argv) == 5 and sys.argv[1] == "voices":
        voices(*sys.argv[2:])
    elif len(sys.argv) >= 5 and sys.argv[1] == "judge":
        judge(*sys.argv[2:])
    elif len(sys.argv) >= 4 and sys.argv[1] == "fit":
        fit(*sys.argv[2:])
    elif len(sys.argv) == 4 and sys.argv[1] == "calibrate":
        calibrate(*sys.argv[2:])
    elif len(sys.argv) == 5 and sys.argv[1] == "reliability":
        reliability(*sys.argv[2:])
    else:
        sys.exit(__doc__)
