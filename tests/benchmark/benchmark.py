"""A study becomes a benchmark, leaks and damage are found, and scores are those that numpy computes. usage: benchmark.py AFFECT"""
import csv
import hashlib
import json
import os
import shutil
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
        print("FAILED", name, *(repr(s)[:700] for s in seen))


def run(*arguments):
    r = subprocess.run([affect, "benchmark", *arguments], capture_output=True, text=True, timeout=100)
    return r.returncode, r.stdout, r.stderr


def scores(*arguments):
    code, out, error = run("run", *arguments, "--json", "--bootstrap", "200")
    check(f"run {arguments}: {error}", code == 0)
    return {(s["what"], s["metric"]): s for s in json.loads(out)["scores"]} if code == 0 else {}


def dump(path, value):
    with open(path, "w") as f:
        json.dump(value, f)


# a study: ten recordings of people, some of whom are in several; three raters
draw = numpy.random.default_rng(4)
times = numpy.arange(0, 40, .1)
os.makedirs("study/media")
recordings, traces, marks, truth = [], [], [], {}
who = [["a"], ["b"], ["a", "b"], ["c"], ["d"], ["d", "e"], ["f"], ["g"], ["h"], ["i"]]
for i, persons in enumerate(who):
    name = f"r{i}"
    with open(f"study/media/{name}.wav", "wb") as f:
        f.write(bytes([i]) * 1000)
    recordings.append({"id": name, "file": f"media/{name}.wav", "persons": persons})
    curve = sum(draw.normal() * numpy.sin(2 * numpy.pi * times / p + draw.uniform(0, 6)) for p in (9, 14, 23)) * .3
    truth[name] = curve
    for rater in range(3):
        y = numpy.interp(times - 1 - .2 * rater, times, curve) + .03 * draw.normal(size=len(times))
        traces.append({"recording": name, "dimension": "valence", "rater": f"p{rater}", "low": -1, "high": 1,
                       "samples": [[round(t, 3), round(v, 4)] for t, v in zip(times, y)]})
    marks += [{"recording": name, "tier": "mood", "rater": "p0", "label": label, "start": 10 * k, "end": 10 * k + 8}
              for k, label in enumerate(draw.choice(["joy", "calm", "anger"], 4))]
dump("study/said.json", {"schema": "affect-annotation/1", "traces": traces, "intervals": marks})
study = {"schema": "affect-study/1", "name": "made", "card": {"who": "nobody", "how": "drawn", "consent": "none needed", "licence": "CC0"},
         "dimensions": [{"name": "valence", "low": -1, "high": 1, "metric": "ccc"}], "tiers": [{"name": "mood", "metric": "labels"}],
         "recordings": recordings, "annotations": ["said.json"], "include_media": True}
dump("study/study.json", study)
code, out, error = run("make", "study/study.json", "-o", "made")
check("make", code == 0, error)
code, out, error = run("check", "made")
check("nothing is wrong with it", (code, out) == (0, ""), code, out, error)
manifest = json.load(open("made/benchmark.json"))
items = {i["id"]: i for i in manifest["items"]}
check("schema", manifest["schema"] == "affect-benchmark/1" and len(items) == 10 and manifest["media"] == "included")
check("checksums", all(i["sha256"] == hashlib.sha256(open(f"study/media/{k}.wav", "rb").read()).hexdigest() for k, i in items.items()))
placed = {}
for i in items.values():
    for p in i["persons"]:
        placed.setdefault(p, set()).add(i["split"])
check("nobody is in two splits", all(len(s) == 1 for s in placed.values()), placed)
check("every split has some", {s for v in placed.values() for s in v} == {"train", "dev", "test"}, placed)
check("a card, quality and raters", all(os.path.exists(p) for p in ("made/CARD.md", "made/quality/r0.valence.csv", "made/raters/r0.json")))
check("agreement stands in the manifest", items["r0"]["agreement"]["valence"]["raters"] == 3, items["r0"])
golds = {k: numpy.genfromtxt(f"made/{i['gold']['traces']['valence']}", delimiter=",", names=True) for k, i in items.items()}
best = lambda g, y: max(numpy.corrcoef(g["value"][~numpy.isnan(g["value"])], numpy.interp(g["time"][~numpy.isnan(g["value"])] - lag, times, y))[0, 1] for lag in (0, .3, .6, .9))
check("gold follows the truth, with a band", numpy.mean([best(g, truth[k]) for k, g in golds.items()]) > .97 and
      all(numpy.nanmean(g["sd"]) > 0 for g in golds.values()), [best(g, truth[k]) for k, g in golds.items()])
check("the same again", run("make", "study/study.json", "-o", "again")[0] == 0 and
      open("again/benchmark.json").read() == open("made/benchmark.json").read())
check("nothing is overwritten", run("make", "study/study.json", "-o", "made")[0] == 7)

# another program's predictions, in the forms of its choice
test = [k for k, i in items.items() if i["split"] == "test"]
said, rows, gone = [], [], test[0]
for k in items:
    y = .8 * truth[k] + .1
    said.append({"recording": k, "dimension": "valence", "samples": [[round(t, 3), v] for t, v in zip(times, y)]})
labels = [dict(m, label=m["label"] if i % 3 else "joy") for i, m in enumerate(marks)]
dump("mine.json", {"schema": "affect-annotation/1", "traces": said, "intervals": labels})
got = scores("made", "--predictions", "mine.json")
gold = numpy.concatenate([golds[k]["value"][~numpy.isnan(golds[k]["value"])] for k in test])
mine = numpy.concatenate([numpy.interp(golds[k]["time"][~numpy.isnan(golds[k]["value"])], times, .8 * truth[k] + .1) for k in test])


def ccc(x, y):
    return 2 * numpy.mean((x - x.mean()) * (y - y.mean())) / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)


check("CCC", abs(got["valence", "ccc"]["value"] - ccc(gold, mine)) < 2e-3, got, ccc(gold, mine))
check("RMSE", abs(got["valence", "rmse"]["value"] - numpy.sqrt(numpy.mean((gold - mine) ** 2))) < 2e-3, got)
check("an interval around it", len(test) < 2 or got["valence", "ccc"]["low"] <= got["valence", "ccc"]["value"] <= got["valence", "ccc"]["high"], got)
frames = [(k, t) for k in test for t in numpy.arange(.05, 40, .1)]
at = lambda list_, k, t: next((m["label"] for m in list_ if m["recording"] == k and m["start"] <= t < m["end"]), None)
pairs = [(at(marks, k, t), at(labels, k, t)) for k, t in frames if at(marks, k, t)]
check("accuracy over time", abs(got["mood", "accuracy"]["value"] - numpy.mean([a == b for a, b in pairs])) < .01, got)
uar = numpy.mean([numpy.mean([a == b for a, b in pairs if a == c]) for c in {a for a, _ in pairs}])
check("UAR over time", abs(got["mood", "uar"]["value"] - uar) < .01, got, uar)
check("perfect labels", scores("made", "--predictions", "study/said.json")["mood", "accuracy"]["value"] == 1)
# persons: other names for the same people are as right, two names for one are not
people = [{"recording": k, "tier": "mood", "label": str(int(a // 10) % 2), "start": a, "end": a + 8} for k in items for a in (0., 10., 20., 30.)]
spoken = json.load(open("made/benchmark.json"))
spoken["tiers"] = [{"name": "mood", "metric": "persons"}]
shutil.copytree("made", "spoken")
for k, i in items.items():
    dump(f"spoken/{i['gold']['intervals']}", {"schema": "affect-annotation/1", "traces": [], "intervals": [m for m in people if m["recording"] == k]})
dump("spoken/benchmark.json", spoken)
renamed = [dict(m, label={"0": "Kim", "1": "Lou"}[m["label"]] if i % 8 < 4 else {"0": "1", "1": "0"}[m["label"]]) for i, m in enumerate(people)]
dump("renamed.json", {"schema": "affect-annotation/1", "traces": [], "intervals": renamed})
check("names are matched, each recording by itself", scores("spoken", "--predictions", "renamed.json")["mood", "accuracy"]["value"] == 1)
torn = [dict(m, label="third") if m["start"] == 20 else m for m in renamed]
dump("torn.json", {"schema": "affect-annotation/1", "traces": [], "intervals": torn})
check("who has two names is right with one of them", abs(scores("spoken", "--predictions", "torn.json")["mood", "accuracy"]["value"] - .75) < 1e-9)
dump("one.json", {"schema": "affect-annotation/1", "traces": [], "intervals": [dict(m, label="x") for m in people]})
check("one name for two is right half the time", abs(scores("spoken", "--predictions", "one.json")["mood", "accuracy"]["value"] - .5) < 1e-9)
# who says nothing of a recording does not gain by it
dump("less.json", {"schema": "affect-annotation/1", "traces": [s for s in said if s["recording"] != gone]})
less = scores("made", "--predictions", "less.json")
check("what is not answered counts", less["valence", "answered"]["value"] < 1 and less["valence", "ccc"]["value"] < got["valence", "ccc"]["value"], less)
check("and unanswered labels are wrong", less["mood", "accuracy"]["value"] == 0, less)
late = [dict(s, samples=[[t + 1.5, v] for t, v in s["samples"]]) for s in said]
dump("late.json", {"schema": "affect-annotation/1", "traces": late})
moved = scores("made", "--predictions", "late.json")["valence", "lag_s"]["value"] - got["valence", "lag_s"]["value"]
check("a prediction that is late is said to be", abs(moved - 1.5) < .2, moved)
# the majority, kept a file an item, goes on where it ended
base = scores("made", "--system", "majority")
check("the majority's CCC is 0", abs(base["valence", "ccc"]["value"]) < 1e-9, base)
kept = f"made/predictions/majority/{gone}.json"
before = open(kept).read()
os.utime(kept, (1, 1))
os.remove(f"made/predictions/majority/{test[-1]}.json")
check("resumed", scores("made", "--system", "majority") == base and os.stat(kept).st_mtime == 1 and open(kept).read() == before)

# leaks and damage
def damaged(change, want, name):
    shutil.rmtree("bad", ignore_errors=True)
    shutil.copytree("made", "bad")
    m = json.load(open("bad/benchmark.json"))
    change(m)
    dump("bad/benchmark.json", m)
    code, out, error = run("check", "bad")
    check(name, code == 4 and want in out and error.count("\n") == 1, code, out, error)


other = lambda m, split: next(i for i in m["items"] if i["split"] == split)
damaged(lambda m: other(m, "test").update(persons=other(m, "train")["persons"]), "leak: person", "a person in two splits")
damaged(lambda m: other(m, "test").update(sha256=other(m, "train")["sha256"]), "leak: the recording", "a recording in two splits")
damaged(lambda m: other(m, "test").update(sha256="0" * 64), "another checksum", "another recording")
damaged(lambda m: os.remove("bad/media/r3.wav"), "r3.wav is missing", "a recording is missing")
damaged(lambda m: os.remove("bad/gold/r3.valence.csv"), "r3", "gold is missing")
damaged(lambda m: m["card"].pop("consent"), "'consent'", "a card without consent")
damaged(lambda m: other(m, "dev").update(file="../../etc/passwd"), "no file below", "a file outside")
damaged(lambda m: other(m, "dev").update(split="later"), "none of train", "a split of another name")
for text in ("", "{", "[]", '{"schema": "affect-benchmark/1"}', '{"schema": "affect-benchmark/1", "items": [{"id": "../x"}]}',
             '{"schema": "affect-benchmark/1", "items": [{"id": "a"}, {"id": "a"}]}', '{"schema": "other", "items": []}'):
    with open("bad/benchmark.json", "w") as f:
        f.write(text)
    for verb in "check", "run":
        code, out, error = run(verb, "bad")
        check(f"{verb} of {text[:40]!r}", code == 4 and error.count("\n") == 1, code, out, error)
bad = dict(study, recordings=[dict(recordings[0], split="train"), dict(recordings[2], split="test")] + recordings[3:])
dump("study/bad.json", bad)
code, _, error = run("make", "study/bad.json", "-o", "no")
check("splits that would leak are refused", code == 4 and "split" in error and not os.path.exists("no"), code, error)
check("nothing is left behind", not [f for f in os.listdir(".") if f.startswith(".")], os.listdir("."))

# a set of clips with one label each, as MER-UniBench's: file, subtitle, person, gold; predictions as others' scorers read them
clips = {"schema": "affect-benchmark/1", "name": "clips", "classes": ["happy", "sad"], "items":
         [{"id": f"c{i}", "file": f"c{i}.mp4", "persons": [f"p{i}"], "split": "test" if i > 3 else "train", "gold": ["happy", "sad"][i % 3 == 0]} for i in range(12)]}
dump("clips.json", clips)
with open("p.csv", "w") as f:
    f.write("name,discrete\n" + "".join(f"c{i},{['happy', 'sad'][i % 2]}\n" for i in range(12)))
got = scores("clips.json", "--predictions", "p.csv")
right = numpy.mean([(i % 3 == 0) == (i % 2 == 1) for i in range(4, 12)])
check("labels of clips", abs(got["label", "accuracy"]["value"] - right) < 1e-9, got, right)
scores("clips.json", "--system", "majority", "-o", "out")
with open("out/predict.csv") as f:
    check("a table for others' scorers", next(csv.reader(f)) == ["name", "discrete"] and len(list(csv.reader(f))) == 8)
code, _, error = run("run", "clips.json", "-o", "out2")
check("recordings that are not there", code == 3 and "--media" in error, code, error)
print("benchmark:", "FAILED" if failed else "passed")
sys.exit(failed > 0)
