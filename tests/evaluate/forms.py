"""The forms of affect score's reports say one thing: text, Markdown and LaTeX are rendered here from the JSON by the
layout that docs/metrics.md shows, character for character, for tasks with classes, groups, folds, thresholds and matrices.
And figures that other tests do not work out again: intervals of numbers with error bars, agreement of several raters,
folds, groups, traces of several clips. usage: forms.py AFFECT"""
import csv, itertools, json, math, os, random, re, subprocess, sys, tempfile
import numpy as np
import sklearn.metrics as sk
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, work = os.path.abspath(sys.argv[1]), kept.name
os.chdir(work)
rng = random.Random(11)
failed = 0
NAMES = ["anger", "joy & co", "neutral", "sadness_2"]


def check(name, got, want, tolerance=1e-9):
    global failed
    fine = abs(got - want) <= tolerance * max(1, abs(want)) if isinstance(want, float) and isinstance(got, (int, float)) else got == want
    if not fine:
        failed += 1
        print("FAILED", name, "\n  got ", repr(got)[:600], "\n  want", repr(want)[:600])


def write(name, header, rows):
    with open(name, "w", newline="") as f:
        csv.writer(f).writerows([header, *rows])
    return name


def run(*words):
    done = subprocess.run([affect, "score", *map(str, words)], capture_output=True, text=True)
    check(f"{words}: {done.stderr}", done.returncode, 0)
    return done.stdout


def number(x, decimals=6):
    return "-" if x is None else f"{x:.{decimals}f}"


def text_of(r, first, unit):
    """The whole report, from its JSON. `first`: what is counted; `unit`: what the bootstrap drew."""
    with_intervals, majority = "intervals" in r, r.get("majority")
    lines = [f"{r['task']}: {r['items']} {first}"]
    lines += [f"skipped: {n} {why}" for why, n in r["skipped"].items() if n]
    lines.append(f"{'':22} {'value':>12}" + (f"  {'95 % interval':26}" if with_intervals else "") + (f"  {'majority':>12}" if majority else ""))
    for name, value in r["values"].items():
        other = majority["values"].get(name) if majority else None
        if value is None and other is None:
            continue
        line = f"{name:22} {number(value):>12}"
        if with_intervals:
            low, high = r["intervals"][name]
            line += f"  {'' if low is None else f'{low:.6f} to {high:.6f}':26}"
        if majority:
            line += f"  {'' if other is None else f'{other:.6f}':>12}"
        lines.append(line)
    if majority:
        lines.append(f"majority: {majority['rule']}" + (f", {majority['label']}" if majority["label"] else ""))
    if with_intervals:
        b = r["bootstrap"]
        lines.append(f"intervals: percentiles of {b['rounds']} bootstrap rounds over {b['units']} {unit}")
    if "classes" in r:
        lines.append(f"{'class':22} {'precision':>12}  {'recall':>9}  {'F1':>9}  {'support':>8}  {'predicted':>9}")
        lines += [f"{c['label']:22} {c['precision']:12.6f}  {c['recall']:9.6f}  {c['f1']:9.6f}  {c['support']:8}  {c['predicted']:9}"
                  for c in r["classes"]]
    known = {"task", "items", "skipped", "values", "bootstrap", "intervals", "majority", "classes", "paper"}
    for title, table in r.items():
        if title in known:
            continue
        if title in ("groups", "largest gap"):  # JSON has every value, text the first four
            shown = list(r["values"])[:4]
            table = {k: v for k, v in table.items() if k.split(": ")[0] in shown}
        wide = max([22, *(min(len(n), 48) for n in table)])
        columns = list(next(iter(table.values())))
        lines.append(f"{title:{wide}}" + "".join(f" {c:>12}" for c in columns))
        for name, row in table.items():
            cells = ("-" if x is None else f"{x:.0f}" if x == round(x) and abs(x) >= 2 else f"{x:.6f}" for x in row.values())
            lines.append(f"{name:{wide}}" + "".join(f" {c:>12}" for c in cells))
    return "\n".join(lines) + "\n"


def tables_of(r):
    """Markdown and LaTeX: a column a value that is known."""
    columns = [k for k, v in r["values"].items() if v is not None]
    rows = [("predictions", [number(r["values"][c], 4) for c in columns])]
    if "majority" in r:
        rows.append(("majority", [number(r["majority"]["values"].get(c), 4) for c in columns]))
    escape = lambda t: re.sub(r"([_%&#$])", r"\\\1", t)
    markdown = "| |" + "".join(f" {c} |" for c in columns) + "\n|---|" + "---:|" * len(columns) + "\n"
    markdown += "".join("| " + " | ".join([n, *cells]) + " |\n" for n, cells in rows)
    latex = "\\begin{tabular}{l" + "r" * len(columns) + "}\n\\hline\n" + "".join(f" & {escape(c)}" for c in columns) + " \\\\\n\\hline\n"
    latex += "".join(" & ".join([n, *cells]) + " \\\\\n" for n, cells in rows) + "\\hline\n\\end{tabular}\n"
    return markdown, latex


def forms(first, unit, task, *words):
    for rounds in (0, 40):
        options = (*words, "--bootstrap", rounds)
        r = json.loads(run(task, *options, "--json"))
        check(f"{task} {words} text {rounds}", run(task, *options), text_of(r, first, unit))
    markdown, latex = tables_of(r)
    check(f"{task} markdown", run(task, *options, "--format", "markdown"), markdown)
    check(f"{task} latex", run(task, *options, "--format", "latex"), latex)
    check(f"{task} json twice", run(task, *options, "--format", "json"), run(task, *options, "--json"))
    return r


# ---- made gold and predictions
n = 90
gold = [rng.choice(NAMES) for _ in range(n)]
said = [g if rng.random() < .6 else rng.choice(NAMES) for g in gold]
x = [rng.uniform(-2, 2) for _ in range(n)]
y = [v + rng.gauss(0, .6) for v in x]
sd = [rng.uniform(.2, 1.2) for _ in range(n)]
speaker, clip = [f"s{i % 3}" for i in range(n)], [f"k{i // 5}" for i in range(n)]
write("gold.csv", ["id", "label", "x", "speaker", "clip"], [[f"u{i}", "" if i == 7 else gold[i], "" if i == 9 else repr(x[i]), speaker[i], clip[i]] for i in range(n)])
write("said.csv", ["id", "label", "x", "sd"], [[f"u{i}", said[i], repr(y[i]), 0 if i == 11 else repr(sd[i])] for i in range(n) if i != 5])
both = ("--gold", "gold.csv", "--pred", "said.csv")

# ---- classes: forms; a fold and a group are what the same task says of their rows alone
forms("items", "items", "classes", *both, "--column", "label")
r = forms("items", "clip", "classes", *both, "--column", "label", "--unit", "clip", "--by", "speaker")
f = forms("items", "items", "classes", *both, "--column", "label", "--fold", "speaker")
paper = json.loads(run("classes", *both, "--column", "label", "--labels", ",".join(NAMES), "--paper", "erc", "--json", "--bootstrap", 0))
check("paper", [round(v, 6) for v in paper["paper"]["columns"].values()],
      [round(100 * v, 6) for v in (*(c["f1"] for c in paper["classes"]), paper["values"]["accuracy"], paper["values"]["weighted_f1"])])
lines = run("classes", *both, "--column", "label", "--labels", ",".join(NAMES), "--paper", "erc", "--bootstrap", 0).splitlines()
columns = list(paper["paper"]["columns"])
check("paper's text", [lines[0], lines[1]], [f"{'erc':12}" + "".join(f"  {c:>{max(len(c), 8)}}" for c in columns),
                                             f"{'predictions':12}" + "".join(f"  {v:{max(len(c), 8)}.2f}" for c, v in paper["paper"]["columns"].items())])
for s in ("s0", "s1", "s2"):
    keep = [i for i in range(n) if speaker[i] == s and i != 5]
    write("part.csv", ["id", "label"], [[f"u{i}", "" if i == 7 else gold[i]] for i in keep])
    alone = json.loads(run("classes", "--gold", "part.csv", "--pred", "said.csv", "--column", "label", "--bootstrap", 0, "--json"))
    check(f"fold {s}", {k: v for k, v in f["folds"][s].items() if k != "items"}, {k: alone["values"][k] for k in f["folds"][s] if k != "items"})
    check(f"fold {s} items", f["folds"][s]["items"], alone["items"])
    for name in ("accuracy", "uar", "macro_f1", "cohen_kappa"):
        row = r["groups"][f"{name}: {s}"]
        check(f"group {s} {name}", row["value"], alone["values"][name])
        check(f"group {s} {name} interval", row["low"] < row["value"] < row["high"], True)
        check(f"group {s} items", row["items"], len(keep))
for name in ("accuracy", "uar"):
    values = {s: r["groups"][f"{name}: {s}"]["value"] for s in ("s0", "s1", "s2")}
    high, low = max(values, key=values.get), min(values, key=values.get)
    gap = r["largest gap"][f"{name}: {high} over {low}"]
    check("gap", gap["gap"], values[high] - values[low])
    check("gap's interval", gap["low"] <= gap["gap"] <= gap["high"], True)

# ---- numbers
forms("items", "items", "regression", *both, "--column", "x")
forms("items", "items", "sentiment", *both, "--column", "x")
r = forms("items", "items", "calibration", *both, "--column", "x", "--sd", "sd")
keep = [i for i in range(n) if i not in (5, 9, 11)]
e, s = np.array([x[i] - y[i] for i in keep]), np.array([sd[i] for i in keep])
check("nll", r["values"]["nll"], float(np.mean(e ** 2 / (2 * s ** 2) + np.log(s) + np.log(2 * np.pi) / 2)))
check("calibration's items", r["items"], len(keep))
found = {k: v for k, v in r["values"].items()}
for share in (50, 68, 80, 90, 95):
    if f"coverage_{share}" in found:
        from scipy.stats import norm
        check(f"coverage {share}", found[f"coverage_{share}"], float(np.mean(np.abs(e) <= norm.ppf(.5 + share / 200) * s)))
check("a row of no deviation is said", [v for k, v in r["skipped"].items() if "deviation" in k or "sd" in k], [1])

# ---- several labels, thresholds; probabilities
probable = [[rng.random() + (g == c) for c in NAMES] for g in gold]
probable = [[p / sum(row) for p in row] for row in probable]
write("probable.csv", ["id", *NAMES], [[f"u{i}", *map(repr, probable[i])] for i in range(n)])
write("sets.csv", ["id", *NAMES], [[f"u{i}", *(int(g == gold[i] or rng.random() < .2) for g in NAMES)] for i in range(n)])
forms("items", "items", "multilabel", "--gold", "sets.csv", "--pred", "probable.csv", "--rule", "tuned", "--dev-gold", "sets.csv", "--dev-pred", "probable.csv")
forms("items", "items", "calibration", "--gold", "gold.csv", "--pred", "probable.csv", "--gold-column", "label")

# ---- raters: means over pairs
r = forms("items", "items", "agreement", "--gold", "sets.csv")
a = np.array([[int(v) for v in row[1:]] for row in list(csv.reader(open("sets.csv")))[1:]])
kappas = [sk.cohen_kappa_score(a[:, i], a[:, j]) for i, j in itertools.combinations(range(4), 2)]
ccc = lambda p, q: 2 * np.cov(p, q, bias=True)[0, 1] / (p.var() + q.var() + (p.mean() - q.mean()) ** 2)
check("pairwise kappa", r["values"]["pairwise_cohen_kappa"], float(np.mean(kappas)))
check("pairwise CCC", r["values"]["pairwise_ccc"], float(np.mean([ccc(a[:, i], a[:, j]) for i, j in itertools.combinations(range(4), 2)])))
for (i, p), (j, q) in itertools.product(enumerate(NAMES), repeat=2):
    check("matrix", r["pairwise_ccc"][p][q], float(ccc(a[:, i], a[:, j])))

# ---- traces of three clips: pooled values are over all of their samples
rows = [(f"c{c}", k * .5, math.sin(k / 3 + c) + c / 4, math.sin((k - 1) / 3 + c) + rng.gauss(0, .2)) for c in range(3) for k in range(30 + c)]
write("trace-g.csv", ["clip", "time", "value"], [[c, t, repr(g)] for c, t, g, _ in rows])
write("trace-p.csv", ["clip", "time", "value"], [[c, t, repr(p)] for c, t, _, p in rows])
r = forms("samples", "clips", "dynamics", "--gold", "trace-g.csv", "--pred", "trace-p.csv")
check("pooled CCC", r["values"]["ccc"], float(ccc(np.array([v[2] for v in rows]), np.array([v[3] for v in rows]))))

# ---- intervals: eder of clips is the mean of each clip's own
spans = {"g": [], "p": []}
for c in range(4):
    for k in range(4):
        spans["g"].append([f"c{c}", 5 * k, 5 * k + 3, rng.choice(NAMES[:2])])
        spans["p"].append([f"c{c}", 5 * k + round(rng.uniform(0, 1), 2), 5 * k + 3 + round(rng.uniform(0, 1), 2), rng.choice(NAMES[:2])])
for k, v in spans.items():
    write(f"spans-{k}.csv", ["clip", "start", "end", "label"], v)
pair = ("--gold", "spans-g.csv", "--pred", "spans-p.csv")
r = json.loads(run("eder", *pair, "--bootstrap", 0, "--json"))
each = []
for c in range(4):
    for k, v in spans.items():
        write(f"one-{k}.csv", ["clip", "start", "end", "label"], [row for row in v if row[0] == f"c{c}"])
    each.append(json.loads(run("eder", "--gold", "one-g.csv", "--pred", "one-p.csv", "--bootstrap", 0, "--json"))["values"]["eder"])
check("mean over clips", r["values"]["eder_mean_of_clips"], sum(each) / 4)
for task in ("spotting", "localisation", "eder"):
    out = run(task, *pair, "--bootstrap", 0)
    r = json.loads(run(task, *pair, "--bootstrap", 0, "--json"))
    first = re.match(rf"{task}: \d+ (.*)", out).group(1)
    check(f"{task} text", out, text_of(r, first, ""))

print("failed" if failed else "all passed")
sys.exit(failed > 0)
