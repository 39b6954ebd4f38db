"""Who is who, in composed scenes: cuts, dissolves and returns of one to five people, some small and badly encoded.
usage: scenes.py COMPOSE AFFECT DATA [SCENES]. Prints the number of persons and IDF1 of each scene; exit 77 without data.

IDF1 (Ristani et al. 2016) over steps of .1 s: who is in view, under the best one-to-one naming of persons."""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import linear_sum_assignment

compose, affect, data = (os.path.abspath(p) for p in sys.argv[1:4])
scenes = int(sys.argv[4]) if len(sys.argv) > 4 else 8
if not glob.glob(f"{data}/java_sed/video/*.mp4"):
    print(f"skipped: no {data}/java_sed")
    sys.exit(77)


def write_scene(seed, people, shots, side_by_side, path):
    draw = random.Random(seed)
    actors = ["01", "02", "03", "06", "07", "08"]
    draw.shuffle(actors)
    actors = actors[:people]
    clips = {a: sorted(glob.glob(f"{data}/java_sed/video/{a}-*.mp4")) for a in actors}
    lines, at, before = ["size 640 360 25", "noise -60"], 0, None
    for k in range(shots):
        length = round(draw.uniform(2, 3.2), 2)
        dissolve = f"dissolve {draw.uniform(.4, .8):.2f}" if k and draw.random() < 0.3 else ""
        lines.append(f"shot {length} {dissolve}")
        if side_by_side and people > 1 and draw.random() < 0.5:
            who = draw.sample(actors, 2)
        else:
            who = [draw.choice([a for a in actors if a != before] or actors)]
        before = who[-1]
        for i, a in enumerate(who):
            clip = os.path.relpath(draw.choice(clips[a]), data)
            place = ("left", "right")[i] if len(who) > 1 else draw.choice(["full", "full", "80,0,480,360", "0,40,400,320"])
            spoilt = draw.choice(["", "", "height 200 crf 32", "height 160 crf 30", "mirror"])
            lines.append(f"see p{a} {clip} {place} {spoilt}")
            if i == 0:
                lines.append(f"hear p{a} {clip} at {at:.2f} for {length:.2f}")
        at += length
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


def views(timeline, name, steps):
    """For each person, in which steps he is in view."""
    out = {}
    for tier in timeline["tiers"]:
        for i in tier["intervals"] if tier["id"] == "persons" else []:
            seen = out.setdefault(name(i), np.zeros(steps, bool))
            seen[int(np.ceil(i["t0"] / 0.1)): int(np.ceil(i["t1"] / 0.1))] = True
    return out


def judge(truth, found):
    merged = {p["id"]: p["merged_into"] for p in found.get("persons", []) if p.get("merged_into")}

    def resolved(i):
        person = i["person"]
        while person in merged:
            person = merged[person]
        return person
    steps = int(truth["duration"] / 0.1)
    gold, said = views(truth, lambda i: i["label"], steps), views(found, resolved, steps)
    both = np.array([[np.sum(g & s) for s in said.values()] for g in gold.values()])
    rows, columns = linear_sum_assignment(-both)
    total = sum(v.sum() for v in gold.values()) + sum(v.sum() for v in said.values())
    return len(gold), len(said), 2 * both[rows, columns].sum() / total


kinds = [(1, 6, False), (2, 8, True), (2, 12, False), (3, 10, True), (3, 14, False), (4, 14, True), (5, 16, False), (2, 24, True)]
right, scores = 0, []
with tempfile.TemporaryDirectory() as folder:
    for seed in range(scenes):
        people, shots, side = kinds[seed % len(kinds)]
        base = f"{folder}/{seed}"
        write_scene(seed, people, shots, side, base + ".txt")
        subprocess.run([compose, base + ".txt", data, base], check=True)
        subprocess.run([affect, "analyze", base + ".mp4", "--no-words", "--no-voice", "-o", base, "--format", "json", "--quiet"], check=True)
        with open(f"{base}.truth/timeline.json") as truth, open(f"{base}/timeline.json") as found:
            persons, counted, idf1 = judge(json.load(truth), json.load(found))
        right += persons == counted
        scores.append(idf1)
        print(f"scene {seed}: {shots} shots, {persons} persons, {counted} found, IDF1 {idf1:.3f}", flush=True)
        os.remove(base + ".mp4")
print(f"persons right in {right} of {scenes}, mean IDF1 {np.mean(scores):.3f}")
assert right >= 0.8 * scenes and np.mean(scores) >= 0.9
