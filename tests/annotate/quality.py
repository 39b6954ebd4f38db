"""Raters who were made, some with one fault each: the fault is found, where it lies, and those without one are let be. Reaction
times as the prior of lags. Where another rater would tell most. usage: quality.py AFFECT"""
import csv
import json
import os
import subprocess
import sys
import tempfile

import numpy

affect = os.path.abspath(sys.argv[1])
work = tempfile.TemporaryDirectory()
os.chdir(work.name)
failed = 0


def check(name, good, *seen):
    global failed
    if not good:
        failed += 1
        print("FAILED", name, *(repr(s)[:600] for s in seen))


def run(*arguments):
    r = subprocess.run([affect, *arguments], capture_output=True, text=True, timeout=100)
    check(f"{arguments[0]}: {r.stderr}", r.returncode == 0)
    return r.stdout


STEP, LENGTH = .1, 120
times = numpy.arange(0, LENGTH, STEP)


def study(seed, raters=7, noise=.25):
    """Raters with lag, gain, offset and an error that lasts, of one truth."""
    draw = numpy.random.default_rng(seed)
    waves = [(draw.uniform(0, 6.28), draw.uniform(.3, .7), 8 + 5.3 * w) for w in range(6)]
    truth = lambda t: sum(a * numpy.sin(2 * numpy.pi * t / p + f) for f, a, p in waves)
    made, lags = [], numpy.maximum(1.4 + .35 * draw.standard_normal(raters), .4)
    for lag in lags:
        error = numpy.zeros(len(times))
        for k in range(1, len(times)):
            error[k] = error[k - 1] * (1 - STEP / 4) + noise * numpy.sqrt(2 * STEP / 4) * draw.standard_normal()
        made.append(draw.uniform(.7, 1.3) * truth(times - lag) + .2 * draw.standard_normal() + error)
    return truth, numpy.array(made), lags


def write(made, rows=None):
    names = [f"r{i + 1}.csv" for i in range(len(made))]
    for i, (name, y) in enumerate(zip(names, made)):
        keep = numpy.ones(len(times), bool) if rows is None or i not in rows else rows[i]
        numpy.savetxt(name, numpy.c_[times, y][keep], delimiter=",", header="time,value", comments="", fmt="%.6f")
    return names


def findings(made, rows=None):
    return json.loads(run("agreement", *write(made, rows), "--quality", "--json"))["findings"]


# nobody is at fault: over five studies of seven, almost nothing is said
false = [(seed, f["rater"], f["finding"]) for seed in range(5) for f in findings(study(seed)[1])]
check("35 raters without a fault", len(false) <= 1, false)

# one fault each, always of rater 3
found, tried = 0, 0
for seed in range(3):
    _, made, _ = study(10 + seed)
    every = numpy.ones(len(times), bool)
    late, early, blank = every.copy(), every.copy(), every.copy()
    late[times < 8] = False
    early[times > 100] = False
    blank[(times > 40) & (times < 52)] = False
    flat = made.copy()
    flat[2, (times > 60) & (times < 85)] = flat[2, 600]
    sync = made.copy()
    sync[2] = numpy.interp(times - 4, times, made[2])
    same = made.copy()
    same[2] = made[0]
    against = made.copy()
    against[2] = -made[2]
    alone = made.copy()
    alone[2] = study(900 + seed)[1][0]
    for want, changed, rows, span in (("late start", made, {2: late}, (0, 8)), ("early end", made, {2: early}, (100, 119.9)),
                                      ("blank", made, {2: blank}, (40, 52)), ("flat", flat, None, (60, 85)),
                                      ("out of sync", sync, None, None), ("duplicate", same, None, None),
                                      ("reversed", against, None, None), ("disagrees", alone, None, None)):
        all_found = findings(changed, rows)
        mine = [f for f in all_found if f["rater"] == "r3" and f["finding"] == want]
        tried += 1
        found += len(mine) == 1
        if len(mine) != 1:
            print(f"not found: {want} of study {10 + seed}: {all_found}")
        if mine and span:
            check(f"{want}: where", abs(mine[0]["from_s"] - span[0]) < .3 and abs(mine[0]["to_s"] - span[1]) < .3, mine, span)
        if want == "duplicate" and mine:
            check("of whom", mine[0]["other"] == "r1", mine)
        others = [f for f in all_found if f["rater"] != "r3"]
        check(f"{want} of study {10 + seed}: others are let be", len(others) <= 1, others)
print(f"faults found: {found} of {tried}; said of raters without one: {len(false)} in 35")
check("faults", found >= tried - 2, found, tried)

# as a table, and nothing is dropped
_, made, _ = study(20)
names = write(made)
run("agreement", *names, "-o", "odd.csv")
with open("odd.csv") as f:
    check("the table", next(csv.reader(f)) == ["rater", "finding", "from_s", "to_s", "value", "other"])

# reaction times: nearer to the lags that were put in than by how far the raters lie apart
before, after, gold_before, gold_after = [], [], [], []
for seed in range(4):
    truth, made, lags = study(30 + seed)
    names = write(made)
    draw = numpy.random.default_rng(seed)
    with open("reaction.csv", "w") as f:
        f.write("rater,lag_s,sd_s\n" + "".join(f"r{i + 1},{lag + .15 * draw.standard_normal():.3f},.2\n" for i, lag in enumerate(lags)))
    for extra, errors, scores in ([], before, gold_before), (["--reaction", "reaction.csv"], after, gold_after):
        run("gold", *names, "-o", "gold.csv", "--raters", "raters.csv", "--force", *extra)
        with open("raters.csv") as f:
            seen = numpy.array([float(r["lag_s"] or "nan") for r in csv.DictReader(f)])
        errors.append(numpy.sqrt(numpy.nanmean((seen - lags) ** 2)))
        gold = numpy.genfromtxt("gold.csv", delimiter=",", names=True)
        inside = ~numpy.isnan(gold["value"]) & (gold["time"] < LENGTH - 5)
        scores.append(numpy.corrcoef(gold["value"][inside], truth(gold["time"][inside]))[0, 1])
print(f"lag error {numpy.mean(before):.3f} s without, {numpy.mean(after):.3f} s with reaction times; gold r {numpy.mean(gold_before):.4f}, {numpy.mean(gold_after):.4f}")
check("reaction times", numpy.mean(after) < .15 and numpy.mean(after) < numpy.mean(before) / 2, before, after)
check("and the gold standard", numpy.mean(gold_after) > numpy.mean(gold_before), gold_before, gold_after)

# where another rater tells most: where few spoke
_, made, _ = study(40)
few = {i: ~((times > 50) & (times < 70)) for i in range(5)}
names = write(made, few)
run("gold", *names, "-o", "gold.csv", "--ask", "ask.csv", "--ask-length", "10", "--force")
with open("ask.csv") as f:
    rows = list(csv.DictReader(f))
first = rows[0]
check("another rater is asked where few spoke", 45 <= float(first["from_s"]) <= 65 and float(first["raters"]) < 4, first)
check("least sure first", all(float(a["sd"] or "inf") >= float(b["sd"] or "inf") for a, b in zip(rows, rows[1:])), rows)
check("one more helps", all(float(r["sd_with_one_more"]) < float(r["sd"]) for r in rows if r["sd_with_one_more"]))
print("quality:", "FAILED" if failed else "passed")
sys.exit(failed > 0)
