"""Where shots end, in composed scenes of hard cuts, dissolves and flashes; and that recordings of one shot have none.
usage: cuts.py COMPOSE AFFECT DATA [fit|judge] [SCENES]; exit 77 without data.

The constants of src/face/shots.c were chosen on people of `fit`; `judge` (which is also what is tested) has others.
A hard cut is found within one picture of where it is, a dissolve anywhere within it; everything else is false."""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

compose, affect, data = (os.path.abspath(p) for p in sys.argv[1:4])
of = sys.argv[4] if len(sys.argv) > 4 else "judge"
scenes = int(sys.argv[5]) if len(sys.argv) > 5 else 1
people = {"fit": ["01", "02", "03", "lwbsza", "pwij3p"], "judge": ["06", "07", "08", "sbia1a", "sbwe5n", "swiz3n"]}[of]
if not glob.glob(f"{data}/java_sed/video/*.mp4") or not glob.glob(f"{data}/media/grid/*.mpg"):
    print(f"skipped: no {data}/java_sed or {data}/media/grid")
    sys.exit(77)


def clip_of(person, draw):
    takes = sorted(glob.glob(f"{data}/java_sed/video/{person}-*.mp4")) or [f"{data}/media/grid/{person}.mpg"]
    return os.path.relpath(draw.choice(takes), data)


def write_scene(seed, path, fps=25):
    """Eight shots (some of the clips begin with a white picture, which is a cut of their own); every third boundary is a dissolve, every third shot has a flash of one to three pictures."""
    draw = random.Random(f"{of} {seed}")
    lines, bounds, at, before = ["size 640 360 25", "noise -60"], [], 0, None
    for k in range(8):
        person = draw.choice([p for p in people if p != before])
        length = draw.randint(45, 70) / fps
        dissolve = draw.randint(8, 25) / fps if k % 3 == 2 else 0
        lines.append(f"shot {length:.2f}" + (f" dissolve {dissolve:.2f}" if dissolve else ""))
        if k:
            bounds.append((at, dissolve))
        if k % 3 == 1:
            lines.append(f"flash {draw.randint(15, 35) / fps:.2f} {draw.randint(1, 3) / fps:.2f}")
        lines.append(f"see p{person} {clip_of(person, draw)} full from .5 {draw.choice(['', '', 'height 200 crf 32'])}")
        at += length
        before = person
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    return bounds


def ends_of(recording, folder):
    subprocess.run([affect, "analyze", recording, "--no-words", "--no-voice", "--identity", "off", "-o", folder, "--format", "json", "--quiet"], check=True)
    with open(f"{folder}/timeline.json") as f:
        tiers = json.load(f)["tiers"]
    return [(i["t1"], i["label"]) for t in tiers if t["id"] == "shots" for i in t["intervals"] if i["label"] != "end"]


found = {"cut": [0, 0], "dissolve": [0, 0]}
false, clips_false = [], []
with tempfile.TemporaryDirectory() as folder:
    for seed in range(scenes):
        base = f"{folder}/{seed}"
        bounds = write_scene(seed, base + ".txt")
        subprocess.run([compose, base + ".txt", data, base], check=True)
        ends = ends_of(base + ".mp4", base)
        for at, dissolve in bounds:
            how = "dissolve" if dissolve else "cut"
            low, high = (at - .041, at + max(dissolve, .041))
            hit = [e for e in ends if low <= e[0] <= high and e[1] == how]
            found[how][0] += len(hit) == 1
            found[how][1] += 1
            ends = [e for e in ends if e not in hit[:1]]
            if not hit:
                print(f"scene {seed}: missed a {how} at {at:.2f} s ({dissolve:.2f} s)")
        false += [(seed, *e) for e in ends]
        os.remove(base + ".mp4")
    draw = random.Random(of)
    for k, person in enumerate(people[:scenes + 1]):
        clips_false += ends_of(f"{data}/{clip_of(person, draw)}", f"{folder}/clip{k}")
for scene, at, how in false:
    print(f"scene {scene}: a {how} at {at:.2f} s that is none")
print(f"{scenes} scenes: cuts {found['cut'][0]} of {found['cut'][1]}, dissolves {found['dissolve'][0]} of {found['dissolve'][1]}, "
      f"{len(false)} false; {len(clips_false)} in recordings of one shot")
assert found["cut"][0] >= .9 * found["cut"][1] and found["dissolve"][0] >= .7 * found["dissolve"][1]
assert len(false) <= .05 * 7 * scenes and not clips_false
