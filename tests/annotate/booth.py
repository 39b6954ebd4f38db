"""Gold standards of real raters against a truth that is known: tasks A and B of Booth et al. (ten people trace how green a
picture is). usage: booth.py AFFECT [DATA] [--all]. Prints the table of docs/gold.md (--all: every method); exit 77
without the data. The truth is used here alone: no method sees it. The "feature" of this set is the truth itself but for
its scale (r = .9999), so what a feature gives as one stream more is no measure of the method; the rows with
--lags-only are."""
import glob
import os
import subprocess
import sys
import tempfile

import numpy

arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
affect = os.path.abspath(arguments[0])
data = (arguments[1] if len(arguments) > 1 else os.environ.get("AFFECT_DATA", "../shared/data")) + "/booth2016"
if not os.path.isdir(data):
    print(f"skipped: no {data}")
    sys.exit(77)


def table(path):
    rows = numpy.genfromtxt(path, delimiter=",", skip_header=1)
    return rows[:, 0], rows[:, 1]


def pearson(a, b):
    return numpy.corrcoef(a, b)[0, 1]


def ccc(a, b):
    return 2 * numpy.mean((a - a.mean()) * (b - b.mean())) / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)


def true_lags(folder, task, times, truth):
    """The shift at which each trace follows the truth best."""
    lags = []
    for i in range(1, 11):
        t, v = table(f"{folder}/annotations_10hz/Task{task}_ann{i}.csv")
        inside = times < t[-1] - 4
        lags.append(max((s / 10 for s in range(40)),
                        key=lambda s: pearson(numpy.interp(times[inside] + s, t, v), truth[inside])))
    return numpy.array(lags)


wrong = []
print(f"{'task':4} {'what is used':42} {'Pearson':>8} {'CCC':>6}  lags within .2 s")
for task in "AB":
    folder = f"{data}/Task{task}/AnnotationData"
    times, truth = table(glob.glob(f"{folder}/objective_truth/*_normalized_10hz.csv")[0])
    lags = true_lags(folder, task, times, truth)
    raters = [f"{folder}/annotations_10hz/Task{task}_ann{i}.csv" for i in range(1, 11)]
    feature = []
    for name in "intensity", "delta_intensity":
        feature += ["--feature", f"{folder}/features_10hz/Task{task}_{name}.csv"]
    bars = {"A": [.89, None, .897, .92], "B": [.958, None, .968, .975]}[task]
    rows = [("latent, raters alone", [], bars[0]),
            ("mean", ["--method", "mean"], bars[1]),
            ("latent, lags from the features", feature + ["--lags-only"], bars[2]),
            ("latent, feature as one stream more", feature, bars[3])]
    if "--all" in sys.argv:
        rows += [(m, ["--method", m], None) for m in ("median", "ewe", "dba", "ctw", "raaw")]
        rows += [("mi-lag", feature + ["--method", "mi-lag"], None)]
    comparisons = f"{folder}/triplet_comparisons.csv"
    if os.path.exists(comparisons):
        rows += [("latent, lags only, with comparisons", feature + ["--lags-only", "--comparisons", comparisons], .95),
                 ("latent, feature, with comparisons", feature + ["--comparisons", comparisons], .95)]
    for name, extra, bar in rows:
        with tempfile.TemporaryDirectory() as work:
            subprocess.run([affect, "gold", *raters, *extra, "-o", f"{work}/gold.csv", "--raters", f"{work}/raters.csv"],
                           check=True, stdout=subprocess.DEVNULL)
            gold = numpy.genfromtxt(f"{work}/gold.csv", delimiter=",", skip_header=1)
            found = numpy.genfromtxt(f"{work}/raters.csv", delimiter=",", skip_header=1, usecols=1)
        said = ~numpy.isnan(gold[:, 1])
        value = numpy.interp(times, gold[said, 0], gold[said, 1])
        near = int(numpy.sum(numpy.abs(found - lags) <= .2001))
        r = pearson(value, truth)
        print(f"{task:4} {name:42} {r:8.4f} {ccc(value, truth):6.3f}  {near if 'latent' in name or name == 'mi-lag' else '-'}")
        if bar and r < bar:
            wrong.append(f"{task}: {name}: {r:.4f} is below {bar}")
        if feature[1] in extra and near < 9:
            wrong.append(f"{task}: {name}: only {near} lags are right")
for line in wrong:
    print(line)
sys.exit(1 if wrong else 0)
