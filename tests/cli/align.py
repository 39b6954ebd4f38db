"""affect align on tables with known answers. usage: align.py AFFECT"""
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from math import exp

affect = os.path.abspath(sys.argv[1])
random.seed(4)
bumps = [(random.uniform(0, 60), random.uniform(0.3, 1.5)) for _ in range(40)]


def signal(t):
    return sum(h * exp(-0.5 * ((t - c) / 0.2) ** 2) for c, h in bumps)


def table(path, header, rows):
    with open(path, "w") as f:
        f.write(header + "\n")
        f.writelines(",".join("" if v is None else f"{v:.6f}" for v in row) + "\n" for row in rows)


def run(*arguments, code=0):
    done = subprocess.run([affect, "align", *arguments], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done)
    return done


def read(path):
    with open(path) as f:
        return list(csv.DictReader(f))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    noise = lambda: random.gauss(0, 0.1)
    # Irregular rows, out of order, with a missing cell, an unused column and a second channel.
    rows = [(t, signal(t) + noise(), noise(), None) for t in (random.uniform(0, 60) for _ in range(1500))]
    table("a.csv", "time,smile,other,empty", rows)
    table("b.csv", "time,energy", [(k * 0.05, None if k % 50 == 0 else signal(k * 0.05 + 0.43) + noise()) for k in range(1200)])
    found = json.loads(run("a.csv", "b.csv", "--columns", "smile,energy", "--json", "-o", "path.csv", "--warp", "warp.csv").stdout)
    assert abs(found["lag"]["lag_s"] + 0.43) < 0.03 and found["p"] < 0.01, found
    assert abs(found["lag"]["lag_s"] + 0.43) < 3 * found["lag"]["sd_s"] + 0.01
    path = read("path.csv")
    assert len(path) == len(found["path"]) > 30
    assert all(abs(float(r["lag_s"]) + 0.43) < 0.15 for r in path)
    warp = [(float(r["time_a"]), float(r["time_b"])) for r in read("warp.csv")]
    assert warp == sorted(warp)
    offsets = sorted(b - a for a, b in warp)
    assert abs(offsets[len(offsets) // 2] + 0.43) < 0.1, offsets[len(offsets) // 2]
    # Several channels: mutual information finds the same.
    many = json.loads(run("a.csv", "b.csv", "--json", "--warp", "w2.csv").stdout)
    assert abs(many["lag"]["lag_s"] + 0.43) < 0.05 and read("w2.csv")
    text = run("a.csv", "b.csv", "--columns", "smile,energy").stdout
    assert "comes before" in text and "path of the lag" in text
    # Unrelated tables are said to be so.
    table("c.csv", "time,x", [(k * 0.05, noise()) for k in range(1200)])
    assert "no evidence of a lag" in run("b.csv", "c.csv").stdout
    # Events: lag and partners.
    events = sorted(random.uniform(0, 60) for _ in range(30))
    kept = [t for t in events if random.random() < 0.8]
    table("ea.csv", "time", [(t,) for t in events])
    table("eb.csv", "apex,strength", [(t + 0.6 + random.gauss(0, 0.04), 0.5) for t in kept])
    matched = json.loads(run("ea.csv", "eb.csv", "--events", "--json", "-o", "m.csv").stdout)
    assert abs(matched["lag"]["lag_s"] - 0.6) < 0.04 and matched["p"] < 0.05, matched["lag"]
    assert len(matched["matches"]) == len(read("m.csv")) >= 0.85 * len(kept)
    # What is wrong is said in one line.
    for arguments, code in ((("a.csv",), 2), (("a.csv", "none.csv"), 3), (("a.csv", "b.csv", "--columns", "x"), 4),
                            (("a.csv", "b.csv", "--max-lag", "0"), 2), (("a.csv", "b.csv", "-o", "no/where.csv"), 6)):
        done = run(*arguments, code=code)
        assert done.stderr.startswith("affect align: ") and done.stderr.count("\n") == 1, done
    with open("d.csv", "w") as f:
        f.write("x,y\n1,2\n")
    run("a.csv", "d.csv", code=4)
print("ok")
