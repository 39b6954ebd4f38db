"""affect score's tasks on files, against scikit-learn and scipy: every form of file, the join, what is skipped, the
intervals and the printed tables. usage: tasks_parity.py AFFECT"""
import csv, json, math, os, pickle, subprocess, sys, tempfile, warnings
try:
    import numpy as np, scipy.stats as st, sklearn.metrics as sk
except ImportError as e:
    print("skipped:", e); sys.exit(77)
warnings.filterwarnings("ignore")
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, folder = sys.argv[1], kept.name
passed = failed = 0
rng = np.random.default_rng(7)

def check(name, got, want, tolerance=1e-12):
    global passed, failed
    try: good = (math.isnan(want) and got is None) or abs(got - want) <= tolerance * max(1, abs(want))
    except TypeError: good = got == want
    passed += good; failed += not good
    if not good: print("FAILED", name, repr(got), repr(want))

def path(name): return os.path.join(folder, name)
def write(name, header, rows):
    with open(path(name), "w", newline="") as f: w = csv.writer(f); w.writerow(header); w.writerows(rows)
    return path(name)
def run(*a):
    r = subprocess.run([affect, "score", *map(str, a)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return r.returncode, r.stdout.decode(), r.stderr.decode()
def score(*a):
    code, out, err = run(*a, "--json")
    if code: check(f"{a} runs: {err}", code, 0); return {"values": {}, "skipped": {}, "majority": {"values": {}}, "intervals": {}}
    return json.loads(out)

# ---- classes
names = ["angry", "happy", "neutral", "sad"]; n = 400
g = [names[i] for i in rng.choice(4, n, p=[.1, .2, .5, .2])]; p = [x if rng.random() < .6 else names[rng.integers(4)] for x in g]
speaker = [f"s{i}" for i in rng.integers(0, 12, n)]
gold = write("gold.csv", ["id", "emotion", "speaker"], [[f"c{i}", g[i], speaker[i]] for i in range(n)])
order = rng.permutation(n)
pred = write("pred.csv", ["id", "emotion"], [[f"c{i}", p[i]] for i in order])
got = score("classes", "--gold", gold, "--pred", pred, "--unit", "speaker"); v = got["values"]
check("accuracy", v["accuracy"], sk.accuracy_score(g, p)); check("uar", v["uar"], sk.balanced_accuracy_score(g, p))
check("macro f1", v["macro_f1"], sk.f1_score(g, p, average="macro")); check("weighted f1", v["weighted_f1"], sk.f1_score(g, p, average="weighted"))
check("kappa", v["cohen_kappa"], sk.cohen_kappa_score(g, p))
check("majority label", got["majority"]["label"], "neutral"); check("majority accuracy", got["majority"]["values"]["accuracy"], g.count("neutral") / n)
check("majority wf1", got["majority"]["values"]["weighted_f1"], sk.f1_score(g, ["neutral"] * n, average="weighted"))
P, R, F, S = sk.precision_recall_fscore_support(g, p, labels=names)
for k, c in enumerate(got["classes"]): check("class", [c["label"], c["support"]], [names[k], int(S[k])]); check("class f1", c["f1"], F[k]); check("class precision", c["precision"], P[k])
low, high = got["intervals"]["accuracy"]; check("interval holds the value", low < v["accuracy"] < high, True); check("units", got["bootstrap"]["units"], len(set(speaker)))
per = {s: np.array([a == b for a, b, t in zip(g, p, speaker) if t == s]) for s in set(speaker)}; draw = list(per.values())
ref = np.percentile([np.concatenate([draw[i] for i in rng.integers(0, len(draw), len(draw))]).mean() for _ in range(2000)], [2.5, 97.5])
check("interval low", low, ref[0], .02); check("interval high", high, ref[1], .02)
check("same seed, same interval", score("classes", "--gold", gold, "--pred", pred, "--unit", "speaker")["intervals"], got["intervals"])
# units of very different sizes: a draw may be far larger than the set
lop = write("lop.csv", ["id", "emotion", "clip"], [[f"c{i}", g[i], "big" if i < 390 else f"k{i}"] for i in range(n)])
check("lopsided units", score("classes", "--gold", lop, "--pred", pred, "--unit", "clip")["bootstrap"]["units"], 11)
some = write("some.csv", ["id", "emotion"], [[f"c{i}", p[i]] for i in range(50, n)] + [["c60", "sad"], ["x", "sad"], ["y", ""]])
got = score("classes", "--gold", gold, "--pred", some, "--unit", "speaker"); check("joined accuracy", got["values"]["accuracy"], sk.accuracy_score(g[50:], p[50:]))
check("skips", sorted(x for x in got["skipped"].values() if x), [1, 2, 50]); check("items", got["items"], n - 50)
few = score("classes", "--gold", gold, "--pred", pred, "--labels", "sad,happy,angry"); keep = [i for i in range(n) if g[i] != "neutral" and p[i] != "neutral"]
check("labels", few["values"]["accuracy"], sk.accuracy_score([g[i] for i in keep], [p[i] for i in keep])); check("order", [c["label"] for c in few["classes"]], ["sad", "happy", "angry"])
gi, pi = np.array([names.index(x) for x in g]), np.array([names.index(x) for x in p])
np.save(path("g.npy"), gi); np.save(path("p.npy"), pi.astype(">i4")); np.savez(path("b.npz"), g=gi, p=pi)
for name, obj in ("l.pkl", pi.tolist()), ("d.pkl", {"id": [f"c{i}" for i in range(n)], "emotion": p}), ("r.pkl", [{"id": f"c{i}", "emotion": p[i]} for i in order]): pickle.dump(obj, open(path(name), "wb"))
open(path("p.jsonl"), "w").writelines(json.dumps({"id": f"c{i}", "emotion": p[i]}) + "\n" for i in order)
want = sk.f1_score(g, p, average="macro")
for a, b in (path("g.npy"), path("p.npy")), (path("b.npz") + ":g", path("b.npz") + ":p"), (path("g.npy"), path("l.pkl")), (gold, path("d.pkl")), (gold, path("r.pkl")), (gold, path("p.jsonl")):
    check(f"{os.path.basename(a)} {os.path.basename(b)}", score("classes", "--gold", a, "--pred", b, "--bootstrap", 0, *(["--column", "emotion"] if a == gold else []))["values"].get("macro_f1"), want)
code, out, _ = run("--gold", gold, "--pred", pred, "--paper", "erc", "--format", "markdown"); cells = [c.strip() for c in out.splitlines()[2].split("|")[2:-1]]
check("erc table", cells, [f"{100 * x:.2f}" for x in [*F, sk.accuracy_score(g, p), sk.f1_score(g, p, average="weighted")]])
check("latex", "\\begin{tabular}" in run("classes", "--gold", gold, "--pred", pred, "--format", "latex")[1], True)

text = run("--gold", gold, "--pred", pred, "--paper", "erc")[1].splitlines(); check("erc text", text[1].split()[1:], cells); check("erc json", round(score("--gold", gold, "--pred", pred, "--paper", "erc")["paper"]["columns"]["Acc"], 2), float(cells[-2]))

# ---- numbers
x, y = rng.normal(size=n), rng.normal(size=n); y = .7 * x + .5 * y; x[5] = np.nan; k = ~np.isnan(x)
gx = write("x.csv", ["id", "valence", "clip"], [[i, "" if np.isnan(x[i]) else repr(float(x[i])), f"v{i // 40}"] for i in range(n)]); py = write("y.csv", ["id", "valence"], [[i, repr(float(y[i]))] for i in range(n)])
def ccc(a, b, d=0): c = np.cov(a, b, ddof=d); return 2 * c[0, 1] / (c[0, 0] + c[1, 1] + (a.mean() - b.mean()) ** 2)
for ddof, variance in (0, "population"), (1, "sample"):
    got = score("regression", "--gold", gx, "--pred", py, "--unit", "clip", "--column", "valence", "--variance", variance); v = got["values"]
    check("ccc", v["ccc"], ccc(x[k], y[k], ddof), 1e-10)
    check("ccc of clips", v["ccc_mean_of_units"], np.mean([ccc(x[i:i + 40][k[i:i + 40]], y[i:i + 40][k[i:i + 40]], ddof) for i in range(0, n, 40)]), 1e-10)
check("mae", v["mae"], np.abs(x - y)[k].mean()); check("rmse", v["rmse"], np.sqrt(((x - y)[k] ** 2).mean())); check("pearson", v["pearson"], st.pearsonr(x[k], y[k])[0], 1e-10)
check("spearman", v["spearman"], st.spearmanr(x[k], y[k])[0], 1e-10); check("mean row", got["majority"]["values"]["mae"], np.abs(x[k] - x[k].mean()).mean()); check("skipped", got["skipped"]["items without a gold value"], 1)

# ---- sentiment
a, b = np.round(rng.uniform(-3, 3, n) * 2) / 2, rng.uniform(-3, 3, n); np.save(path("a.npy"), a); np.save(path("b.npy"), b); z = a != 0
got = score("sentiment", "--gold", path("a.npy"), "--pred", path("b.npy")); v = got["values"]
check("has0", v["acc2_has0"], sk.accuracy_score(a >= 0, b >= 0)); check("non0 f1", v["f1_non0"], sk.f1_score(a[z] > 0, b[z] > 0, average="weighted"))
check("acc7", v["acc7"], np.mean(np.round(np.clip(a, -3, 3)) == np.round(np.clip(b, -3, 3)))); check("acc3 is not MOSI's", v["acc3"], float("nan"))
got = score("sentiment", "--set", "sims", "--gold", path("a.npy"), "--pred", path("b.npy")); check("sims acc2", got["values"]["acc2_has0"], np.mean((np.clip(a, -1, 1) > 0) == (np.clip(b, -1, 1) > 0)))
t, s = rng.integers(0, 3, n), rng.normal(size=(n, 3)); np.save(path("t.npy"), t); np.save(path("s.npy"), s); z = t != 1
check("classes", score("sentiment", "--classes", "--gold", path("t.npy"), "--pred", path("s.npy"))["values"]["acc2_non0"], np.mean((s[z, 2] > s[z, 0]) == (t[z] == 2)))
check("table bug", score("sentiment", "--classes", "--table-bug", "--gold", path("t.npy"), "--pred", path("s.npy"))["values"]["acc2_non0_table_bug"], np.mean(s[z][:, [0, 2]].argmax(1) == t[z]))

# ---- sets, raters, probabilities
G, Q = rng.random((n, 5)) < .3, rng.random((n, 5)) < .3; pool = ["anger", "fear", "joy", "love", "surprise"]; G[0] = True
def cell(r, form): t = [pool[k] for k in range(5) if r[k]]; return str(t) if form else ",".join(t)
mg = write("mg.csv", ["id", "labels", "speaker"], [[i, cell(G[i], 0), speaker[i]] for i in range(n)]); mp = write("mp.csv", ["id", "labels"], [[i, cell(Q[i], 1)] for i in order])
got = score("multilabel", "--gold", mg, "--pred", mp, "--unit", "speaker"); v = got["values"]
for avg in "micro", "macro", "weighted", "samples": check("sets " + avg, v[avg + "_f1"], sk.f1_score(G, Q, average=avg, zero_division=0))
check("hamming", v["hamming_loss"], sk.hamming_loss(G, Q)); check("subset", v["subset_accuracy"], sk.accuracy_score(G, Q)); check("label rows", [c["label"] for c in got["classes"]], pool)
best = np.zeros_like(G); best[:, G.sum(0).argmax()] = True; check("most frequent label", got["majority"]["values"]["micro_f1"], sk.f1_score(G, best, average="micro", zero_division=0))
pr = rng.dirichlet(np.ones(4), n); cp = write("cp.csv", ["id"] + names, [[f"c{i}", *map(repr, map(float, pr[i]))] for i in order])
got = score("calibration", "--gold", gold, "--pred", cp, "--unit", "speaker", "--gold-column", "emotion", "--chart", path("c.svg")); v = got["values"]
check("nll", v["nll"], sk.log_loss(g, pr, labels=names)); check("brier", v["brier"], ((pr - np.eye(4)[gi]) ** 2).sum(1).mean())
top, conf = pr.argmax(1), pr.max(1); check("ece", v["ece"], sum(abs((top == gi)[m].mean() - conf[m].mean()) * m.mean() for i in range(15) if (m := (conf > i / 15) & (conf <= (i + 1) / 15)).any()), 1e-9)
f = np.bincount(gi) / n; check("prior nll", got["majority"]["values"]["nll"], sk.log_loss(g, np.tile(f, (n, 1)), labels=names))
import xml.dom.minidom; check("chart", xml.dom.minidom.parse(path("c.svg")).documentElement.tagName, "svg")
# Krippendorff 2011, the worked example: .743, .815, .849. Shrout & Fleiss 1979, table 2: .29, .62.
K = ["1 2 3 3 2 1 4 1 2 * * *", "1 2 3 3 2 2 4 1 2 5 * 3", "* 3 3 3 2 3 4 2 2 5 1 *", "1 2 3 3 2 4 4 1 2 5 1 *"]; K = list(zip(*[r.replace("*", "nan").split() for r in K]))
v = score("agreement", "--gold", write("k.csv", list("ABCD"), K))["values"]; check("alpha", [round(v["alpha_" + x], 3) for x in ("nominal", "ordinal", "interval")], [.743, .815, .849])
words = [[{"1": "one", "2": "two", "3": "3", "4": "4", "5": "5", "nan": ""}[x] for x in r] for r in K]; v = score("agreement", "--gold", write("kw.csv", list("ABCD"), words))["values"]; check("alpha of words", (round(v["alpha_nominal"], 3), v["icc21"]), (.743, None))
v = score("agreement", "--gold", write("sf.csv", list("ABCD"), [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]))["values"]; check("icc", (round(v["icc21"], 2), round(v["icc2k"], 2)), (.29, .62))

# ---- mistakes: one line, the documented code
bad = write("bad.csv", ["id", "valence"], [["0", "x"]])
for name, arguments, want in [("other lengths", ["classes", "--gold", path("g.npy"), "--pred", write("w.csv", ["label"], [[1], [2]])], 12), ("no common id", ["classes", "--gold", gold, "--pred", write("q.csv", ["id", "emotion"], [["zz", "sad"]])], 4),
        ("no such column", ["classes", "--gold", gold, "--pred", pred, "--column", "mood"], 4), ("text for a number", ["regression", "--gold", bad, "--pred", bad, "--column", "valence"], 4), ("which column", ["classes", "--gold", write("m.csv", ["a", "b"], [[1, 2]]), "--pred", path("m.csv")], 2),
        ("a preset of another task", ["regression", "--paper", "erc", "--gold", gold, "--pred", pred], 2), ("torn JSON", ["classes", "--gold", (open(path("t.jsonl"), "w").write('{"id": 1\n'), path("t.jsonl"))[1], "--pred", pred], 4)]:
    code, out, err = run(*arguments); check(name, (code, len(err.splitlines())), (want, 1))
for paper, g_, p_ in [("mosi", "a.npy", "b.npy"), ("mosei", "a.npy", "b.npy"), ("sims", "a.npy", "b.npy"), ("simsv2", "a.npy", "b.npy"), ("muse", "a.npy", "b.npy"), ("goemotions", "mg.csv", "mp.csv"), ("megc", "g.npy", "p.npy"), ("emobox", "g.npy", "p.npy"), ("dfew", "g.npy", "p.npy"), ("mer-unibench", "g.npy", "p.npy")]:
    for form in "text", "markdown", "latex", "json":
        code, out, err = run("--gold", path(g_), "--pred", path(p_), "--paper", paper, "--format", form, "--bootstrap", 0); check(f"{paper} {form}", (code, "redictions" in out or form == "json"), (0, True))
mg7 = ["neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"]; w = write("meld.csv", ["id", "Emotion"], [[i, mg7[i % 7]] for i in range(70)])
check("meld columns", run("--gold", w, "--pred", w, "--paper", "meld", "--format", "latex", "--column", "Emotion")[1].splitlines()[2].split(" & ")[1:-1], mg7 + ["Acc"])
print(f"{passed} passed, {failed} failed"); sys.exit(failed > 0)
