"""score --by and evaluate --by: a group's figures are those of its rows alone, and the gap is between the right two.
usage: groups.py AFFECT"""

import csv
import json
import math
import os
import random
import subprocess
import sys
import tempfile

AFFECT = os.path.abspath(sys.argv[1])
WORK = tempfile.TemporaryDirectory(prefix="affect-groups-")
os.chdir(WORK.name)
random.seed(5)


def affect(*arguments, code=0):
    done = subprocess.run([AFFECT, *arguments], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return json.loads(done.stdout) if "--json" in arguments and not code else done.stdout + done.stderr


def write(name, header, rows):
    with open(name, "w", newline="") as out:
        csv.writer(out).writerows([header, *rows])


def close(a, b):
    return a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12))


def scores(task, gold, predicted, right, *more):
    """Groups f, m and n, with bootstrap units that are speakers; against the rows of one group in files of their own."""
    people = {"f": "s1 s2 s3 s4", "m": "s5 s6 s7", "n": "s8 s9"}
    rows = []
    for i in range(300):
        group = random.choice("fffmmn")
        g = gold()
        rows.append((f"i{i}", g, predicted(g, right[group]), group, random.choice(people[group].split())))
    rows.append(("none", gold(), gold(), "", "s1"))
    write("gold.csv", ("id", "value", "gender", "speaker"), [(r[0], r[1], r[3], r[4]) for r in rows])
    write("pred.csv", ("id", "value"), [(r[0], r[2]) for r in rows])
    options = ("--unit", "speaker", "--json", *more)
    whole = affect("score", task, "--gold", "gold.csv", "--pred", "pred.csv", "--by", "gender", *options)
    plain = affect("score", task, "--gold", "gold.csv", "--pred", "pred.csv", *options)
    assert whole["values"] == plain["values"], "groups change the whole"
    names = [k for k, v in plain["values"].items()]
    for group in "fmn":
        mine = [r for r in rows if r[3] == group]
        write("g.csv", ("id", "value", "gender", "speaker"), [(r[0], r[1], r[3], r[4]) for r in mine])
        write("p.csv", ("id", "value"), [(r[0], r[2]) for r in mine])
        alone = affect("score", task, "--gold", "g.csv", "--pred", "p.csv", *options)
        for name in names:
            if name.endswith("of_units"):  # of the whole alone
                continue
            row, own, interval = whole["groups"][f"{name}: {group}"], alone["values"][name], alone["intervals"].get(name)
            assert row["items"] == len(mine)
            assert close(row["value"], own), (group, name, row, own)
            low, high = interval or (None, None)
            assert close(row["low"], low) and close(row["high"], high), (group, name, row, interval)
    for name in names:
        if name.endswith("of_units"):
            continue
        values = {g: whole["groups"][f"{name}: {g}"] for g in "fmn"}
        known = {g: v["value"] for g, v in values.items() if v["value"] is not None}
        if len(known) < 2 or max(known.values()) == min(known.values()):
            continue
        high, low = max(known, key=known.get), min(known, key=known.get)
        gap = whole["largest gap"][f"{name}: {high} over {low}"]
        a, b = values[high], values[low]
        d = a["value"] - b["value"]
        assert close(gap["gap"], d)
        if a["low"] is not None and b["low"] is not None:  # Zou & Donner 2008
            assert close(gap["low"], d - math.hypot(a["value"] - a["low"], b["high"] - b["value"])), (name, gap)
            assert close(gap["high"], d + math.hypot(a["high"] - a["value"], b["value"] - b["low"])), (name, gap)
    text = affect("score", task, "--gold", "gold.csv", "--pred", "pred.csv", "--by", "gender", "--unit", "speaker", *more)
    assert "largest gap" in text and "skipped: 1 rows of no group" in text, text
    print(task, "has groups")


scores("classes", lambda: random.choice("abc"), lambda g, p: g if random.random() < p else random.choice("abc"),
       {"f": .9, "m": .6, "n": .3}, "--labels", "a,b,c")
scores("regression", lambda: round(random.uniform(-1, 1), 4), lambda g, p: round(g * p + random.gauss(0, .3), 4), {"f": 1, "m": .5, "n": 0})
for wrong, code, words in ((("classes", "--by", "nowhere"), 4, "no column"), (("classes", "--by", "id"), 11, "say nothing"),
                           (("dynamics", "--by", "gender"), 2, "groups rows")):
    assert words in affect("score", *wrong, "--gold", "gold.csv", "--pred", "pred.csv", code=code), wrong

said = [("I am so happy", "joy"), ("I love it", "love"), ("this is terrible and sad", "sadness"), ("I hate you", "anger"),
        ("I am afraid of it", "fear"), ("what a joy", "joy"), ("thank you so much", "gratitude"), ("I am sorry", "remorse")]
write("text.csv", ("text", "emotion", "gender"), [(t, e, "fm"[(i * 5 // 3) % 2]) for i, (t, e) in enumerate(said)])
whole = affect("evaluate", "text.emotion", "text.csv", "--by", "gender", "--rounds", "40", "--json")
assert set(whole["groups"]) == {"f", "m"} and sum(g["samples"] for g in whole["groups"].values()) == len(said)
for group, own in whole["groups"].items():
    alone = affect("evaluate", "text.emotion", "text.csv", "--only", f"gender {group}", "--rounds", "40", "--json")["metrics"]
    for name in ("micro_f1", "nll"):  # macro averages are over the labels of the whole
        for part in ("value", "low", "high"):
            assert close(own[name][part], alone[name][part]), (group, name, own[name], alone[name])
nll = {g: v["nll"]["value"] for g, v in whole["groups"].items()}
gap = whole["largest_gap"]["nll"]
assert close(gap["gap"], max(nll.values()) - min(nll.values())) and nll[gap["highest"]] > nll[gap["lowest"]]
assert "has no column 'nothing'" in affect("evaluate", "text.emotion", "text.csv", "--by", "nothing", code=4)
assert "groups by gender" in affect("evaluate", "text.emotion", "text.csv", "--by", "gender", "--rounds", "0")
print("evaluate has groups")
