"""affect score dynamics, spotting, eder and cause against definitions written out in Python.
usage: time_parity.py AFFECT"""
import itertools, math, sys
try:
    import numpy as np
except ImportError as e:
    print("skipped:", e); sys.exit(77)
from oracle import Oracle, number, path, write
o = Oracle(sys.argv[1]); check = o.check; rng = np.random.default_rng(11); nan = float("nan")

# ---- traces
def ccc(a, b): c = np.cov(a, b, ddof=0); d = c[0, 0] + c[1, 1] + (a.mean() - b.mean()) ** 2; return 2 * c[0, 1] / d if d else nan
def points(x, prominence):
    """Extremes that the trace leaves by `prominence` on both sides: a swing begins at the last extreme."""
    found, last_high, last_low, going = [], None, None, 0
    for i, v in enumerate(x):
        if math.isnan(v): continue
        if last_low is None: last_low = last_high = i
        if v < x[last_low]: last_low = i
        if v > x[last_high]: last_high = i
        if going >= 0 and x[last_high] - v >= prominence and x[last_high] > v:
            if going > 0: found.append((last_high, 1))
            going, last_low = -1, i
        elif going <= 0 and v - x[last_low] >= prominence and v > x[last_low]:
            if going < 0: found.append((last_low, -1))
            going, last_high = 1, i
    return found
def pairs(a, b, tolerance):
    """The most pairs of one kind within the tolerance (augmenting paths), and the earliest-first distance."""
    owner = {}
    def find(i, seen):
        for j, (t, k) in enumerate(b):
            if k == a[i][1] and abs(t - a[i][0]) <= tolerance + 1e-9 and j not in seen:
                seen.add(j)
                if j not in owner or find(owner[j], seen): owner[j] = i; return True
        return False
    return sum(find(i, set()) for i in range(len(a)))
def lag(x, y, bound):
    r = {}
    for s in range(-bound, bound + 1):
        u, v = x[max(0, -s):len(x) - max(0, s)], y[max(0, s):len(y) - max(0, -s)]; k = ~(np.isnan(u) | np.isnan(v))
        if k.sum() > 2 and np.ptp(u[k]) and np.ptp(v[k]): r[s] = np.corrcoef(u[k], v[k])[0, 1]
    if not r: return nan
    best = max(r, key=lambda s: (r[s], -abs(s)))
    if abs(best) == bound: return best
    l, m, n = r[best - 1], r[best], r[best + 1]; return best + .5 * (l - n) / (l - 2 * m + n)
def walk(n): return np.cumsum(rng.normal(size=n)) * .15

clips = {}
for c, n in enumerate((120, 80, 200, 40)):
    x = walk(n); y = np.roll(x, c) + .05 * rng.normal(size=n)
    if c == 1: x[[3, 40]] = nan; y[17] = nan
    clips[f"clip{c}"] = (x, y)
clips["flat"] = (np.zeros(30), walk(30))
rate = 5
gold = write("trace_g.csv", ["clip", "time", "valence", "speaker"], [[c, f"{i / rate:.3f}", number(v), c[-1] in "12"] for c, (x, y) in clips.items() for i, v in enumerate(x)])
rows = [[c, f"{i / rate:.4f}", number(v)] for c, (x, y) in clips.items() for i, v in enumerate(y) if not (c == "clip2" and i in (50, 51))]
rng.shuffle(rows)
pred = write("trace_p.csv", ["clip", "time", "valence"], rows + [["other", "0", "1"], ["clip0", "999", "1"]])
clips["clip2"][1][[50, 51]] = nan
for tolerance, prominence in (1, .1), (.4, .3), (0, 0):
    got = o.score("dynamics", "--gold", gold, "--pred", pred, "--column", "valence", "--tolerance", tolerance, "--prominence", prominence, "--longest-lag", 2, "--unit", "speaker"); v = got["values"]
    X, Y, D, E, matched, a, b, lags, cs = [], [], [], [], 0, 0, 0, [], []
    for x, y in clips.values():
        k = ~(np.isnan(x) | np.isnan(y)); X.append(x[k]); Y.append(y[k]); cs.append(ccc(x[k], y[k]))
        d, e = np.diff(x), np.diff(y); k = ~(np.isnan(d) | np.isnan(e)); D.append(d[k]); E.append(e[k])
        p, q = points(x, prominence), points(y, prominence); matched += pairs(p, q, tolerance * rate); a += len(p); b += len(q)
        lags.append(lag(x, y, 2 * rate) / rate)
    lags = [t for t in lags if not math.isnan(t)]
    check("ccc", v["ccc"], ccc(np.concatenate(X), np.concatenate(Y))); check("derivative ccc", v["derivative_ccc"], ccc(np.concatenate(D), np.concatenate(E)))
    check("ccc of clips", v["ccc_mean_of_clips"], np.mean([t for t in cs if not math.isnan(t)])); check("turning f1", v["turning_f1"], 2 * matched / (a + b)); check("turning recall", v["turning_recall"], matched / a)
    check("lag", v["lag_s"], np.mean(lags), 1e-6); check("size of the lag", v["lag_size_s"], np.mean(np.abs(lags)), 1e-6)
    check("rows of clips", sorted(got["clips"]), sorted(clips)); check("the late clip", got["clips"]["clip3"]["lag_s"], lag(*clips["clip3"], 2 * rate) / rate, 1e-6)
    check("skips", sorted(x for x in got["skipped"].values() if x), sorted([1, 1, 2, 3])); check("units", got["bootstrap"]["units"], 2)
    check("constant row", got["majority"]["values"]["ccc"], 0)
same = o.score("dynamics", "--gold", gold, "--pred", gold, "--column", "valence")["values"]
check("a trace with itself", [same[k] for k in ("ccc", "derivative_ccc", "turning_f1", "onset_error_s", "lag_s")], [1, 1, 1, 0, 0])
np.save(path("t.npy"), clips["clip0"][0]); np.save(path("u.npy"), clips["clip0"][1]); v = o.score("dynamics", "--gold", path("t.npy"), "--pred", path("u.npy"), "--rate", rate, "--longest-lag", 2, "--bootstrap", 0)["values"]
check("arrays", v["ccc"], ccc(*clips["clip0"])); check("lag of arrays", v["lag_s"], lag(*clips["clip0"], 10) / rate, 1e-6)

# ---- labels over time
names = ["calm", "joy", "anger"]; L = {f"c{c}": (np.repeat(rng.integers(0, 3, 12), 10), np.repeat(rng.integers(0, 3, 24), 5)) for c in range(3)}
lg, lp = ([[c, i / 10, names[v]] for c, s in L.items() for i, v in enumerate(s[k])] for k in (0, 1))
got = o.score("dynamics", "--gold", write("lg.csv", ["clip", "t", "emotion"], lg), "--pred", write("lp.csv", ["clip", "t", "emotion"], lp), "--tolerance", .5, "--labels", ",".join(names)); v = got["values"]
T = [np.zeros((3, 3)), np.zeros((3, 3))]; matched = a = b = 0
for s in L.values():
    for k in 0, 1: np.add.at(T[k], (s[k][:-1], s[k][1:]), 1)
    change = [[(i, x[i]) for i in range(1, len(x)) if x[i] != x[i - 1]] for x in s]; matched += pairs(*change, 5); a += len(change[0]); b += len(change[1])
check("matrix", [[got["transitions_gold"][r][c] for c in names] for r in names], T[0].tolist()); check("predicted matrix", got["transitions_predicted"]["joy"]["anger"], T[1][1, 2])
P = [t / t.sum(1, keepdims=True) for t in T]; check("distance", v["transition_distance"], (np.abs(P[0] - P[1]).sum(1) / 2 * T[0].sum(1)).sum() / T[0].sum())
check("changes", v["change_f1"], 2 * matched / (a + b)); check("accuracy", v["accuracy"], np.mean(np.concatenate([x == y for x, y in L.values()])))

# ---- spotting
def iou(a, b): i = min(a[1], b[1]) - max(a[0], b[0]); return i / (max(a[1], b[1]) - min(a[0], b[0])) if i > 0 else 0
def match(g, p, least):
    owner = {}
    def find(i, seen):
        for j in range(len(p)):
            if iou(g[i], p[j]) >= least and j not in seen:
                seen.add(j)
                if j not in owner or find(owner[j], seen): owner[j] = i; return True
        return False
    for i in range(len(g)): find(i, set())
    return [(i, j) for j, i in owner.items()]
def intervals(n): s = np.sort(rng.uniform(0, 60, n)); return [(float(t), float(t + rng.uniform(.3, 4)), names[rng.integers(3)]) for t in s]
S = {f"v{k}": (intervals(rng.integers(0, 9)), intervals(rng.integers(0, 12))) for k in range(8)}
for k in range(0, 8, 2): S[f"v{k}"][1].extend((a + .1, b + .1, l) for a, b, l in S[f"v{k}"][0])
for k in S: S[k] = (S[k][0], sorted(S[k][1]))
sg = write("sg.csv", ["video", "onset", "offset", "emotion", "subject"], [[c, repr(a), repr(b), l, c in ("v1", "v2")] for c, (g, p) in S.items() for a, b, l in g] + [[c, "", "", "", c in ("v1", "v2")] for c in S])
sp = write("sp.csv", ["video", "onset", "offset", "emotion"], [[c, repr(a), repr(b), l] for c, (g, p) in S.items() for a, b, l in p] + [["nowhere", 1, 2, "joy"]])
for least in .5, .3, .8:
    got = o.score("spotting", "--gold", sg, "--pred", sp, "--iou", least, "--unit", "subject"); v = got["values"]
    hits = {c: match(g, p, least) for c, (g, p) in S.items()}; m = sum(map(len, hits.values())); a, b = (sum(len(s[k]) for s in S.values()) for k in (0, 1))
    check("f1", v["f1"], 2 * m / (a + b)); check("recall", v["recall"], m / a); check("counts", got["counts"]["matched"]["intervals"], m); check("unknown clip", 1 in got["skipped"].values(), True); check("subjects", got["bootstrap"]["units"], 2)
    check("strs is the product", v["strs"], v["f1"] * v["analysis_f1"])
    low, high = got["intervals"]["f1"]; check("interval", 0 <= low <= v["f1"] <= high <= 1, True)
    if least == .8:  # pairs are unique here: every prediction overlaps one gold interval that much
        lab = [(S[c][0][i][2], S[c][1][j][2]) for c in hits for i, j in hits[c]]; f = []
        for l in sorted({x for p in lab for x in p}): tp = sum(x == y == l for x, y in lab); f.append(2 * tp / (sum(x == l for x, y in lab) + sum(y == l for x, y in lab)))
        check("analysis f1", v["analysis_f1"], np.mean(f))
empty = o.score("spotting", "--gold", write("e.csv", ["clip", "onset", "offset"], [["a", "", ""]]), "--pred", write("f.csv", ["clip", "onset", "offset"], [["a", 1, 2]])); check("nothing to find", (empty["values"]["f1"], empty["values"]["recall"]), (0, 0))
for name, row in ("reversed", ["a", 3, 2]), ("text", ["a", "x", 2]): code, out, err = o.run("spotting", "--gold", sg, "--pred", write("bad.csv", ["clip", "onset", "offset"], [[("v0"), *row[1:]]])); check(name, (code, len(err.splitlines())), (4, 1))

# ---- localisation
def average_precision(gold, said, least):
    taken, hits = set(), []
    for c, p, _ in sorted(said, key=lambda x: -x[2]):
        overlaps = [(iou(g, p), i) for i, (d, g) in enumerate(gold) if d == c and i not in taken and iou(g, p) >= least]
        if overlaps: taken.add(max(overlaps)[1])
        hits.append(bool(overlaps))
    tp = np.cumsum(hits); precision = tp / np.arange(1, len(hits) + 1); recall = tp / len(gold)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return sum((recall[k] - (recall[k - 1] if k else 0)) * envelope[k] for k in range(len(hits)))
scores = {c: rng.permutation(len(p)) / 100 + .1 for c, (g, p) in S.items()}
ss = write("ss.csv", ["video", "onset", "offset", "emotion", "score"], [[c, repr(a), repr(b), l, repr(float(x))] for c, (g, p) in S.items() for (a, b, l), x in zip(p, scores[c])])
got = o.score("localisation", "--gold", sg, "--pred", ss); v = got["values"]; maps = []
for least in .3, .5, .7:
    m, aps = 0, []
    for l in names:
        gold = [(c, x) for c, (g, p) in S.items() for x in g if x[2] == l]
        said = [(c, x, y) for c, (g, p) in S.items() for x, y in zip(p, scores[c]) if x[2] == l]
        m += sum(len(match([x for x in S[c][0] if x[2] == l], [x for x in S[c][1] if x[2] == l], least)) for c in S)
        if gold: aps.append(average_precision(gold, said, least))
    maps.append(np.mean(aps)); key = f"{least}".lstrip("0")
    check("f1", v["f1_at_" + key], 2 * m / sum(len(g) + len(p) for g, p in S.values())); check("map", v["map_at_" + key], maps[-1])
check("mean map", v["map"], np.mean(maps)); check("shuffled is worse", got["shuffled"]["mean of 20"]["f1_at_.5"] < v["f1_at_.5"], True)
same = o.score("localisation", "--gold", sg, "--pred", sg)["values"]; check("itself", (same["f1_at_.7"], same["map"]), (1, 1))

# ---- diarization. SpeechBrain's documented example: .2704918.
zg = write("zg.csv", ["id", "start", "end", "label"], [["spk1_1", .39, 1.10, "a"]]); zd = write("zd.csv", ["id", "duration"], [["spk1_1", 1.22]])
zp = write("zp.csv", ["id", "start", "end", "label"], [["spk1_1", .2 * i, .2 * i + .2, l] for i, l in enumerate("nnnaaa")])
check("published example", o.score("eder", "--gold", zg, "--pred", zp, "--durations", zd, "--fill", "n")["values"]["eder"], 0.2704918032786885)
Z = {f"u{k}": (10 + k, sorted(rng.uniform(0, 9, 2)), sorted(rng.uniform(0, 9, 6))) for k in range(12)}; gr, pr, want, total = [], [], [], 0
for c, (length, (a, b), cut) in Z.items():
    gr.append([c, a, b, names[rng.integers(3)]]); edges = [0, *cut, length]; lab = [names[rng.integers(3)] for _ in edges[1:]]; pr += [[c, x, y, l] for x, y, l in zip(edges, edges[1:], lab)]
    ref = [(0, a, "calm"), (a, b, gr[-1][3]), (b, length, "calm")]; want.append(sum(max(0, min(y, q) - max(x, p)) for p, q, m in ref for x, y, l in zip(edges, edges[1:], lab) if l == m)); total += length
got = o.score("eder", "--gold", write("eg.csv", ["clip", "start", "end", "emotion"], gr), "--pred", write("ep.csv", ["clip", "start", "end", "emotion"], pr), "--durations", write("ed.csv", ["clip", "duration"], [[c, z[0]] for c, z in Z.items()]), "--fill", "calm")
check("eder", got["values"]["eder"], 1 - sum(want) / total); check("mean of clips", got["values"]["eder_mean_of_clips"], np.mean([1 - w / z[0] for w, z in zip(want, Z.values())])); check("majority label", got["majority"]["label"], "calm")
check("windows that overlap share evenly", o.score("eder", "--gold", write("og.csv", ["clip", "start", "end", "label"], [["a", 0, 10, "x"]]), "--pred", write("op.csv", ["clip", "start", "end", "label"], [["a", 0, 6, "x"], ["a", 4, 10, "y"]]))["values"]["eder"], .5)
check("gold that overlaps is refused", o.run("eder", "--gold", path("op.csv"), "--pred", path("og.csv"))[0], 11)
check("a clip without a duration", o.run("eder", "--gold", path("eg.csv"), "--pred", path("ep.csv"), "--durations", zd)[0], 4)

# ---- causes
emo = ["anger", "joy", "sadness", "neutral"]; def_pairs = lambda n: [(f"d{rng.integers(9)}", int(rng.integers(12)), int(rng.integers(12)), emo[rng.integers(4)]) for _ in range(n)]
G = def_pairs(150); Q = G[:60] + def_pairs(90) + G[:5]
cg = write("cg.csv", ["conversation", "emotion_utterance", "cause_utterance", "emotion"], G); cp = write("cp.csv", ["conversation", "emotion_utterance", "cause_utterance", "emotion"], [[c, f"utt{a}", f"{c}_utt{b}", e] for c, a, b, e in Q])
got = o.score("cause", "--gold", cg, "--pred", cp); v = got["values"]; g, q = set(G), set(Q); m = len(g & q)
check("pair f1", v["f1"], 2 * m / (len(g) + len(q))); check("pair precision", v["precision"], m / len(q)); num = den = 0
for e in emo[:3]: a, b, c = (sum(x[3] == e for x in s) for s in (g, q, g & q)); num += a * 2 * c / (a + b); den += a
check("weighted", v["weighted_f1"], num / den); own = {(c, a, a, max(emo, key=lambda e: sum(x[3] == e for x in G))) for c, a, b, e in G}; check("self cause", got["majority"]["values"]["f1"], 2 * len(g & own) / (len(g) + len(own)))
check("perfect", o.score("cause", "--gold", cg, "--pred", cg)["values"]["weighted_f1"], 1)
for form in "text", "markdown", "latex": check(form, all(x in o.run("cause", "--gold", cg, "--pred", cp, "--format", form)[1] for x in ("majority", "precision")), True)
o.finish()
