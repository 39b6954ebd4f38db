"""Equality of the metrics with scikit-learn, scipy and definitions written out in numpy, on random and on edge
vectors. usage: parity.py TOOL [--speed [FAMILY ...]]; exits 77 (skipped) where the Python packages are absent."""
import itertools, math, struct, subprocess, sys, time, warnings
try:
    import numpy as np, scipy.stats as st, sklearn.metrics as sk
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching
except ImportError as e:
    print("skipped:", e); sys.exit(77)
warnings.filterwarnings("ignore")
TOOL = sys.argv[1]
checks = failures = 0

def call(command, *arrays):
    data = b"".join(struct.pack("<q", np.size(a)) + np.ascontiguousarray(a, dtype="<f8").tobytes() for a in arrays)
    out = subprocess.run([TOOL] + [str(c) for c in command], input=data, stdout=subprocess.PIPE, check=True).stdout.decode()
    return {k: float(v) for k, v in (line.split() for line in out.splitlines())}

def same(what, got, want, tolerance=1e-12):
    global checks, failures
    checks += 1
    if (math.isnan(got) and math.isnan(want)) or abs(got - want) <= tolerance * max(1, abs(want)): return
    failures += 1
    print(f"FAILED {what}: {got!r}, reference {want!r}")

rng = np.random.default_rng(20260923)

def classes(name, gold, pred, k):
    keep = ~(np.isnan(gold) | np.isnan(pred)); g, p = gold[keep].astype(int), pred[keep].astype(int)
    got = call(["classes", k, 0], gold, pred)
    nan = float("nan"); empty = len(g) == 0
    same(name + " accuracy", got["accuracy"], nan if empty else sk.accuracy_score(g, p))
    same(name + " uar", got["uar"], nan if empty else sk.balanced_accuracy_score(g, p))
    for avg in "macro", "weighted":
        P, R, F, _ = (nan,) * 4 if empty else sk.precision_recall_fscore_support(g, p, average=avg, zero_division=0)
        same(f"{name} {avg} f1", got[avg + "_f1"], F); same(f"{name} {avg} precision", got[avg + "_precision"], P)
    for w, key in (None, "kappa"), ("linear", "kappa_linear"), ("quadratic", "kappa_quadratic"):
        same(f"{name} {key}", got[key], nan if empty else sk.cohen_kappa_score(g, p, weights=w, labels=list(range(k))))
    same(name + " skipped", got["skipped"], float(np.sum(~keep)))
    if not empty:
        m = np.full_like(g, np.bincount(g).argmax())
        same(name + " majority wf1", got["majority_weighted_f1"], sk.f1_score(g, m, average="weighted", zero_division=0))
        same(name + " majority macro f1", got["majority_macro_f1"],
             sk.f1_score(g, m, average="macro", labels=np.unique(g), zero_division=0))
        everything = call(["classes", k, 2], gold, pred)
        same(name + " macro over all", everything["macro_f1"],
             sk.f1_score(g, p, average="macro", labels=list(range(k)), zero_division=0))

for k, n in (2, 10), (7, 500), (7, 5000), (3, 3), (28, 400):
    classes(f"classes {k}x{n}", rng.integers(0, k, n).astype(float), rng.integers(0, k, n).astype(float), k)
classes("single class", np.zeros(9), np.zeros(9), 3)
classes("constant prediction", rng.integers(0, 4, 50).astype(float), np.ones(50), 4)
classes("class absent from gold", np.array([0, 0, 1, 1.]), np.array([0, 2, 1, 2.]), 3)
classes("empty", np.array([]), np.array([]), 3)
holes = rng.integers(0, 4, 60).astype(float); holes[::7] = np.nan
classes("missing labels", holes, rng.integers(0, 4, 60).astype(float), 4)

for labels, n, density in (28, 300, .05), (8, 100, .3), (3, 5, 0), (5, 40, 1):
    g, p = (rng.random((n, labels)) < density).astype(int), (rng.random((n, labels)) < density).astype(int)
    got = call(["multilabel", labels], g, p)
    for avg in "micro", "macro", "weighted", "samples":
        same(f"multilabel {labels} {avg}", got[avg + "_f1"], sk.f1_score(g, p, average=avg, zero_division=0))
    same("subset accuracy", got["subset_accuracy"], sk.accuracy_score(g, p)); same("hamming", got["hamming_loss"], sk.hamming_loss(g, p))

def ccc(x, y, ddof=0):
    c = np.cov(x, y, ddof=ddof); d = c[0, 0] + c[1, 1] + (x.mean() - y.mean()) ** 2
    return 2 * c[0, 1] / d if d > 0 else float("nan")

def lag(x, y, bound):
    best = max(range(-bound, bound + 1), key=lambda s: (np.corrcoef(x[max(0, -s):len(x) - max(0, s)], y[max(0, s):len(y) - max(0, -s)])[0, 1], -abs(s)))
    return best

for name, x, y in [("random", rng.normal(size=200), rng.normal(size=200)), ("close", (a := rng.normal(size=999)), a + .1 * rng.normal(size=999)),
                   ("ties", np.round(rng.normal(size=300)), np.round(rng.normal(size=300) * 2) / 2), ("far from zero", 1e6 + rng.normal(size=100), 1e6 + rng.normal(size=100)),
                   ("constant prediction", rng.normal(size=50), np.full(50, .1)), ("both constant", np.full(9, .3), np.full(9, .3))]:
    got = call(["regression"], x, y); constant = np.ptp(x) == 0 or np.ptp(y) == 0
    same(name + " mae", got["mae"], sk.mean_absolute_error(x, y)); same(name + " rmse", got["rmse"], math.sqrt(sk.mean_squared_error(x, y)))
    same(name + " pearson", got["pearson"], float("nan") if constant else st.pearsonr(x, y)[0], 1e-10)
    same(name + " spearman", got["spearman"], float("nan") if constant else st.spearmanr(x, y)[0], 1e-10)
    want = 0. if constant and name != "both constant" else ccc(x, y)
    same(name + " ccc", got["ccc"], float("nan") if name == "both constant" else want, 1e-10)
    if not constant: same(name + " ccc sample", got["ccc_sample"], ccc(x, y, 1), 1e-10); same(name + " derivative ccc", got["derivative_ccc"], ccc(np.diff(x), np.diff(y)), 1e-9)
x = np.convolve(rng.normal(size=600), np.ones(20) / 20, "same"); y = np.roll(x, 7) + .01 * rng.normal(size=600)
same("lag of a late trace", round(call(["regression", 15], x, y)["lag"]), lag(x, y, 15)); same("it is 7 late", round(call(["regression", 15], x, y)["lag"]), 7)
same("lag of an early trace", round(call(["regression", 15], y, x)["lag"]), -7)
g = rng.normal(size=40); p = g.copy(); p[::5] = np.nan; g[3] = np.nan; keep = ~(np.isnan(g) | np.isnan(p))
got = call(["regression"], g, p); same("NaN skipped", got["skipped"], float(np.sum(~keep))); same("NaN mae", got["mae"], 0.)

def wf1(a, b): return sk.f1_score(a, b, average="weighted", zero_division=0)
for name, y, p in [("random", rng.uniform(-3, 3, 400), rng.uniform(-4, 4, 400)), ("ties at .5", np.repeat([-2.5, -1.5, -.5, .5, 1.5, 2.5], 5), np.tile([-1.5, -.5, 0, .5, 1.5], 6)),
                   ("zeros", np.array([0, 0, 1, -1, .2]), np.array([0, -.1, 0, 0, .1])), ("constant prediction", rng.uniform(-3, 3, 30), np.full(30, .7))]:
    got = call(["sentiment", 0], y, p); nz = y != 0
    same(name + " has0", got["acc2_has0"], sk.accuracy_score(y >= 0, p >= 0)); same(name + " has0 f1", got["f1_has0"], wf1(y >= 0, p >= 0))
    same(name + " non0", got["acc2_non0"], sk.accuracy_score(y[nz] > 0, p[nz] > 0)); same(name + " non0 f1", got["f1_non0"], wf1(y[nz] > 0, p[nz] > 0))
    for k in 5, 7:
        b = k // 2; same(f"{name} acc{k}", got[f"acc{k}"], np.mean(np.round(np.clip(y, -b, b)) == np.round(np.clip(p, -b, b))))
    same(name + " mae", got["mae"], np.mean(np.abs(y - p))); same(name + " corr", got["corr"], float("nan") if np.ptp(p) == 0 else np.corrcoef(y, p)[0, 1], 1e-10)
    got = call(["sentiment", 1], y / 3, p / 3); a, b = np.clip(y / 3, -1, 1), np.clip(p / 3, -1, 1)
    def bins(v, cuts): return sum((v > c).astype(int) for c in cuts)
    for key, cuts in ("acc2_has0", [0]), ("acc3", [-.1, .1]), ("acc5", [-.7, -.1, .1, .7]):
        same(f"{name} SIMS {key}", got[key], np.mean(bins(a, cuts) == bins(b, cuts)))
    same(name + " SIMS f1", got["f1_has0"], wf1(bins(a, [0]), bins(b, [0]))); same(name + " SIMS mae", got["mae"], np.mean(np.abs(a - b)))

gold = rng.integers(0, 3, 300).astype(float); scores = rng.normal(size=(300, 3)); best = scores.argmax(1)
got = call(["sentiment_classes", 0], gold, scores); nz = gold != 1
same("3 classes", got["acc3"], np.mean(best == gold)); same("has0 of classes", got["acc2_has0"], np.mean((best > 1) == (gold > 1)))
same("non0 of classes", got["acc2_non0"], np.mean((scores[nz, 2] > scores[nz, 0]) == (gold[nz] == 2)))
bug = call(["sentiment_classes", 1], gold, scores)
same("the table's bug", bug["acc2_non0"], np.mean(np.argmax(scores[nz][:, [0, 2]], 1) == gold[nz]))

def alpha(r, level):
    units = [c[~np.isnan(c)] for c in r.T]; units = [u for u in units if len(u) > 1]
    values = np.unique(np.concatenate(units)); o = np.zeros((len(values),) * 2)
    for u in units:
        for a, b in itertools.permutations(range(len(u)), 2): o[np.searchsorted(values, u[a]), np.searchsorted(values, u[b])] += 1 / (len(u) - 1)
    n = o.sum(1); N = n.sum(); d = np.zeros_like(o)
    for i, j in itertools.product(range(len(values)), repeat=2):
        if level == "nominal": d[i, j] = i != j
        elif level == "interval": d[i, j] = (values[i] - values[j]) ** 2
        else: lo, hi = min(i, j), max(i, j); d[i, j] = (n[lo:hi + 1].sum() - (n[lo] + n[hi]) / 2) ** 2
    e = (np.outer(n, n) - np.diag(n)) / (N - 1)
    return 1 - (o * d).sum() / (e * d).sum() if (e * d).sum() > 0 else float("nan")

def counted_alpha(r, level):
    """As the usual Python package counts: how often each value stands in each unit, then matrix products."""
    values = np.unique(r[~np.isnan(r)]); c = np.stack([(r == v).sum(0) for v in values], 1).astype(float); m = c.sum(1, keepdims=True); c, m = c[m[:, 0] > 1], m[m[:, 0] > 1]
    o = (c / (m - 1)).T @ c - np.diag((c / (m - 1)).sum(0)); n = c.sum(0); e = (np.outer(n, n) - np.diag(n)) / (n.sum() - 1)
    at = {"nominal": None, "ordinal": np.cumsum(n) - n / 2, "interval": values}[level]
    d = 1. - np.eye(len(n)) if at is None else np.subtract.outer(at, at) ** 2
    return float(1 - (o * d).sum() / (e * d).sum())

def icc(r):
    r = r[:, ~np.isnan(r).any(0)]; k, n = r.shape; g = r.mean()
    ms_r = k * ((r.mean(0) - g) ** 2).sum() / (n - 1); ms_c = n * ((r.mean(1) - g) ** 2).sum() / (k - 1)
    e = ((r - r.mean(0) - r.mean(1)[:, None] + g) ** 2).sum() / ((n - 1) * (k - 1))
    return (ms_r - e) / (ms_r + (k - 1) * e + k * (ms_c - e) / n), (ms_r - e) / (ms_r + (ms_c - e) / n)

truth = rng.normal(size=30)
for name, r in [("ratings 1-5", np.clip(np.round(3 + truth + .7 * rng.normal(size=(4, 30))), 1, 5)), ("traces", truth + .4 * rng.normal(size=(6, 30))), ("two raters", truth + rng.normal(size=(2, 30)))]:
    for holes in 0, 9:
        q = r.copy(); q.flat[rng.choice(q.size, holes, False)] = np.nan
        got = call(["agreement", len(q)], q)
        for level in "nominal", "ordinal", "interval":
            same(f"{name} alpha {level}", got[level], alpha(q, level), 1e-9)
            if len(np.unique(q[~np.isnan(q)])) < 9: same(f"{name} alpha {level} by counts", got[level], counted_alpha(q, level), 1e-9)
        want = icc(q); same(name + " icc21", got["icc21"], want[0], 1e-9); same(name + " icc2k", got["icc2k"], want[1], 1e-9)
far = truth[None] * .01 + .002 * rng.normal(size=(3, 30));
far += 2. ** 20; far[0, 0] = 0  # an origin far from the rest
same("alpha far from zero", call(["agreement", 3], far)["interval"], alpha(far - 2. ** 20, "interval"), 1e-9)
same("alpha of whole numbers far from zero", call(["agreement", 3], np.round(far * 100))["ordinal"], alpha(np.round(far * 100), "ordinal"), 1e-9)
# Krippendorff 2011, "Computing Krippendorff's alpha-reliability": the worked example with 4 observers and 12 units.
k = np.array([[1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
              [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan]])
got = call(["agreement", 4], k)
for level, want in ("nominal", .743), ("ordinal", .815), ("interval", .849): same("published alpha " + level, round(got[level], 3), want)
# Shrout & Fleiss 1979, table 2: ICC(2,1) = .29, ICC(2,4) = .62.
s = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float).T
got = call(["agreement", 4], s); same("published ICC(2,1)", round(got["icc21"], 2), .29); same("published ICC(2,4)", round(got["icc2k"], 2), .62)
# Fleiss 1971's form of kappa on a well-known table of 10 subjects, 14 raters, 5 categories: .210.
f = np.array([[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]])
same("Fleiss", round(call(["fleiss", 5], f)["kappa"], 3), .210)

for n, c in (200, 3), (1000, 8):
    p = rng.dirichlet(np.ones(c), n); g = np.array([rng.choice(c, p=q) for q in p]); top, conf = p.argmax(1), p.max(1)
    got = call(["calibration", c, 15], g, p); same("nll", got["nll"], sk.log_loss(g, p, labels=list(range(c)))); same("brier", got["brier"], ((p - np.eye(c)[g]) ** 2).sum(1).mean())
    ece = sum(abs((top == g)[m].mean() - conf[m].mean()) * m.mean() for i in range(15) if (m := (conf > i / 15) & (conf <= (i + 1) / 15)).any())
    same("ece", got["ece"], ece, 1e-9)

p = np.array([[0, 0], [.5, .5], [1, 0], [np.nan, 1], [.2, .8], [np.inf, 0]]); got = call(["calibration", 2, 4], np.array([0, 1, 0, 0, 1, 0.]), p)  # rows that are no distribution
same("nll of rows that are none", got["nll"], -(2 * math.log(1e-15) + math.log(.5) + math.log(1 - 1e-15) + math.log(.8)) / 5)

# Intervals and pairs come in any order, and their numbers may be huge.
def iou(a, b): both = min(a[2], b[2]) - max(a[1], b[1]); return both / (max(a[2], b[2]) - min(a[1], b[1])) if both > 0 else 0
for clips, n in (5, 60), (2, 300), (40, 90):
    def some(): t = np.sort(np.round(rng.uniform(0, 100, (n, 2)), 1), 1); return np.column_stack([rng.integers(0, clips, n) * 10 ** 8 - 2 * 10 ** 9, t[:, 0], t[:, 0] + .2 * (t[:, 1] - t[:, 0]) + .1, rng.integers(0, 4, n)])
    A, B = some(), some(); B[: n // 3, :3] = A[: n // 3, :3] + [0, .05, .05]
    graph = csr_matrix([[iou(a, b) >= .5 and a[0] == b[0] for b in B] for a in A]); pairs = (maximum_bipartite_matching(graph) >= 0).sum()
    for order in np.arange(n), rng.permutation(n): same(f"spotting {clips} {n}", call(["spotting"], A[order], B)["f1"], pairs / n)
    edges = np.sort(rng.uniform(0, 100, (2, clips, 12)), 2); C, D = (np.column_stack([np.repeat(np.arange(clips), 6), e[:, ::2].ravel(), e[:, 1::2].ravel(), rng.integers(0, 3, clips * 6)]) for e in edges)
    want = 1 - sum(max(0, min(a[2], b[2]) - max(a[1], b[1])) for a in C for b in D if a[0] == b[0] and a[3] == b[3]) / (100 * clips)
    same(f"EDER of {clips} clips", call(["eder", clips], C, D)["eder"], want); same("the same in any order", call(["eder", clips], rng.permutation(C), rng.permutation(D))["eder"], want)
for wide in 1, 10 ** 8, 2 * 10 ** 9:
    C, D = (np.column_stack([rng.integers(-1, 2, (200, 3)) * float(wide), rng.integers(0, 8, 200)]) for _ in range(2)); c, d = ({tuple(r) for r in t.tolist()} for t in (C, D))
    same(f"pairs of numbers up to {wide}", call(["cause"], C, D)["f1"], 2 * len(c & d) / (len(c) + len(d)))
same("no pairs", call(["cause"], np.zeros((0, 4)), np.zeros((0, 4)))["f1"], float("nan"))

def table():
    """Processor time of a million items: our functions beside the Python that papers run, best of five and of two."""
    n = 1_000_000; print("| family | items | Python | s | affect s | ratio |\n|---|---|---|---|---|---|")
    wanted = sys.argv[sys.argv.index("--speed") + 1:]
    def row(name, what, reference, command, *arrays):
        if wanted and not any(name.startswith(w) for w in wanted): return
        best = float("inf")
        for _ in range(2): t = time.process_time(); value = reference(); best = min(best, time.process_time() - t)
        got = call(command, *arrays); c = got["seconds"]; print(f"| {name} | {n:,} | {what} | {best:.3f} | {c:.4f} | {best / c:.0f} |", flush=True)
        for key in got:
            if isinstance(value, float) and key in ("f1", "alpha", "eder", "has0", "micro_f1"): same(name, got[key], value, 1e-9)
    g, p = rng.integers(0, 7, n), rng.integers(0, 7, n)
    row("classes", "scikit-learn", lambda: (sk.accuracy_score(g, p), sk.balanced_accuracy_score(g, p), sk.f1_score(g, p, average="macro"), sk.f1_score(g, p, average="weighted"), sk.cohen_kappa_score(g, p)), ["classes", 7, 0], g, p)
    G, P = (rng.random((n, 8)) < .2).astype("u1"), (rng.random((n, 8)) < .2).astype("u1")
    row("multilabel, 8 labels", "scikit-learn", lambda: [sk.f1_score(G, P, average=a, zero_division=0) for a in ("micro", "macro", "weighted", "samples")] and (sk.accuracy_score(G, P), sk.hamming_loss(G, P)), ["multilabel", 8], G, P)
    x = rng.normal(size=n); y = x + rng.normal(size=n)
    row("regression", "scikit-learn, scipy", lambda: (sk.mean_absolute_error(x, y), sk.mean_squared_error(x, y), st.pearsonr(x, y), st.spearmanr(x, y), ccc(x, y)), ["regression"], x, y)
    u, v = np.clip(x * 1.5, -3, 3), np.clip(y, -3, 3); z = u != 0; r = lambda a, k: np.round(np.clip(a, -k, k))
    row("sentiment", "MMSA's steps: scikit-learn, numpy", lambda: (wf1(u >= 0, v >= 0), sk.accuracy_score(u >= 0, v >= 0), wf1(u[z] > 0, v[z] > 0), sk.accuracy_score(u[z] > 0, v[z] > 0), np.mean(r(u, 2) == r(v, 2)), np.mean(r(u, 3) == r(v, 3)), np.mean(np.abs(u - v)), np.corrcoef(u, v)), ["sentiment", 0], u, v)
    R = rng.integers(1, 6, (3, n // 3)).astype(float)
    def counted():  # coincidences by bincount
        o = np.zeros((5, 5)); q = R.astype(int) - 1
        for i, j in itertools.permutations(range(3), 2): o += np.bincount(q[i] * 5 + q[j], minlength=25).reshape(5, 5) / 2
        m = o.sum(1); d = (np.subtract.outer(np.arange(5), np.arange(5)) ** 2); return float(1 - (o * d).sum() / ((np.outer(m, m) - np.diag(m)) / (m.sum() - 1) * d).sum())
    for i, level in enumerate(("nominal", "ordinal", "interval")): row(f"agreement ({level} alpha)", "numpy, values counted by unit", lambda: counted_alpha(R, level), ["alpha", 3, i], R)
    row("agreement (interval alpha)", "numpy, bincount: whole numbers, none missing", counted, ["alpha", 3, 2], R)
    q = rng.dirichlet(np.ones(8), n); l = rng.integers(0, 8, n)
    def calibrated():
        top, conf = q.argmax(1), q.max(1); slot = np.clip(np.ceil(conf * 15).astype(int) - 1, 0, 14); m = np.bincount(slot, minlength=15); ok = np.bincount(slot, top == l, 15); c = np.bincount(slot, conf, 15)
        return sk.log_loss(l, q), ((q - np.eye(8)[l]) ** 2).sum(1).mean(), np.abs(ok - c).sum() / n
    row("calibration, 8 classes", "scikit-learn, numpy", calibrated, ["calibration", 8, 15], l, q)
    s, w = np.cumsum(rng.normal(size=n)) * .2, np.cumsum(rng.normal(size=n)) * .2
    def turning():
        found = []
        for a in s.tolist(), w.tolist():
            t, lo, hi, going = [], 0, 0, 0
            for i, e in enumerate(a):
                if e < a[lo]: lo = i
                if e > a[hi]: hi = i
                if going >= 0 and a[hi] - e >= .5:
                    if going > 0: t.append((1, hi))
                    going, lo = -1, i
                elif going <= 0 and e - a[lo] >= .5:
                    if going < 0: t.append((-1, lo))
                    going, hi = 1, i
            found.append(sorted(t))
        i = j = hit = 0; a, b = found
        while i < len(a) and j < len(b):
            if a[i][0] != b[j][0]: i, j = (i + 1, j) if a[i][0] < b[j][0] else (i, j + 1)
            elif b[j][1] < a[i][1] - 10: j += 1
            elif b[j][1] > a[i][1] + 10: i += 1
            else: hit += 1; i += 1; j += 1
        return 2 * hit / (len(a) + len(b))
    row("dynamics (turning points)", "Python loop", turning, ["turning", 10], s, w)
    clips = n // 10; edges = np.sort(rng.uniform(0, 100, (2, clips, 20)), 2); A, B = (np.column_stack([np.repeat(np.arange(clips), 10), e[:, ::2].ravel(), e[:, 1::2].ravel(), rng.integers(0, 8, clips * 10)]) for e in edges)
    def grouped(t): return [r.tolist() for r in t.reshape(clips, 10, 4)]
    X, Y = grouped(A), grouped(B)
    row("diarization (EDER)", "Python loop, as SpeechBrain", lambda: 1 - sum(max(0, min(a[2], b[2]) - max(a[1], b[1])) for i, j in zip(X, Y) for a in i for b in j if a[3] == b[3]) / (100 * clips), ["eder", clips], A, B)
    def spotted():
        hit = 0
        for i, j in zip(X, Y):
            free = [True] * 10
            for a in i:
                for k, b in enumerate(j):
                    both = min(a[2], b[2]) - max(a[1], b[1])
                    if free[k] and both > 0 and both / (max(a[2], b[2]) - min(a[1], b[1])) >= .5: free[k] = False; hit += 1; break
        return 2 * hit / (2 * n)
    row("spotting", "Python loop", spotted, ["spotting"], A, B)
    C, D = (np.column_stack([rng.integers(0, n // 20, n), rng.integers(0, 20, (n, 2)), rng.integers(0, 8, n)]) for _ in range(2)); c, d = ([tuple(r) for r in t.tolist()] for t in (C, D))
    row("cause pairs", "Python sets", lambda: 2 * len(set(c) & set(d)) / (len(set(c)) + len(set(d))), ["cause"], C, D)

if "--speed" in sys.argv: table()
print(f"{checks - failures} passed, {failures} failed"); sys.exit(failures > 0)
