"""affect score's votes, threshold rules, folds, raters, error bars and hit rate against scikit-learn and definitions
written out in Python. usage: sets_parity.py AFFECT DATA"""
import csv, json, math, os, sys
try:
    import numpy as np, scipy.stats as st, sklearn.metrics as sk
except ImportError as e:
    print("skipped:", e); sys.exit(77)
from oracle import Oracle, number, path, write
o = Oracle(sys.argv[1]); check = o.check; rng = np.random.default_rng(5); nan = float("nan")
data = os.environ.get("AFFECT_DATA", sys.argv[2])

# ---- FER+ votes: the conventions as the paper's reader applies them
names = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
def target(votes, mode):
    v = [0 if x <= 1 else x for x in votes]; total = sum(v); out = [0] * 10
    if mode == "majority":
        if max(v) > .5 * total: out[v.index(max(v))] = max(v)
        else: return None
    elif mode == "multi-target":
        out = [x if x >= .3 * total else 0 for x in v]
        if sum(out) <= .5 * total: return None
    else:
        part = count = 0; good = True; left = v[:]
        while part < .75 * total and count < 3 and good:
            most = max(left)
            for i in range(10):
                if left[i] == most:
                    out[i] = most; left[i] = 0; part += most; count += 1
                    if i >= 8:
                        good = False
                        if sum(out) > most: out[i] = 0; count -= 1
                        break
        if sum(out) <= .5 * total or count > 3: return None
    if not sum(out) or out.index(max(out)) >= 8: return None
    return np.array(out[:8]) / sum(out[:8])
V = [rng.multinomial(10, rng.dirichlet(np.full(10, .25))).tolist() for _ in range(1500)]
V += [[5, 5] + [0] * 8, [4, 4, 2] + [0] * 7, [1] * 10, [0] * 10, [3, 3, 2, 2] + [0] * 6, [3, 0, 0, 0, 0, 0, 0, 0, 3, 4], [2, 2, 2, 2, 2] + [0] * 5, [0] * 9 + [10], [4, 0, 0, 0, 0, 0, 0, 0, 4, 2], [5, 3, 2] + [0] * 7]
n = len(V); P = rng.dirichlet(np.full(8, .4), n); P[:700] = .7 * P[:700] + .3 * np.array([np.array(v[:8]) / max(sum(v[:8]), 1) for v in V[:700]]); P /= P.sum(1, keepdims=True)
vg = write("votes.csv", ["id"] + names + ["unknown", "NF"], [[f"f{i}", *v] for i, v in enumerate(V)]); order = rng.permutation(n)
vp = write("probs.csv", ["id"] + names, [[f"f{i}", *map(number, P[i])] for i in order])
np.save(path("probs.npy"), P); said = P.argmax(1); vl = write("said.csv", ["id", "label"], [[f"f{i}", names[said[i]]] for i in order])
for mode in "majority", "probability", "multi-target":
    T = [target(v, mode) for v in V]; keep = [i for i in range(n) if T[i] is not None]; g = [int(T[i].argmax()) for i in keep]; p = said[keep]; t = np.array([T[i] for i in keep])
    got = o.score("ferplus", "--gold", vg, "--pred", vp, "--convention", mode); v = got["values"]
    check(f"{mode} items", got["items"], len(keep)); check(f"{mode} accuracy", v["accuracy"], sk.accuracy_score(g, p)); check("uar", v["uar"], sk.recall_score(g, p, average="macro", labels=sorted(set(g)), zero_division=0))
    check("weighted f1", v["weighted_f1"], sk.f1_score(g, p, average="weighted", zero_division=0)); check("nll to the shares", v["nll"], -(t * np.log(P[keep])).sum(1).mean())
    check("in the targets", v["target_accuracy"], np.mean([t[k][p[k]] > 0 for k in range(len(keep))])); check("unknown and no face", sum(got["skipped"].values()), n - len(keep))
    m = np.bincount(g).argmax(); check("majority", got["majority"]["values"]["accuracy"], np.mean(np.array(g) == m)); q = t.mean(0); check("prior nll", got["majority"]["values"]["nll"], -(q[q > 0] * np.log(q[q > 0])).sum())
    check("labels only", o.score("ferplus", "--gold", vg, "--pred", vl, "--convention", mode, "--bootstrap", 0)["values"]["accuracy"], v["accuracy"]); w = write("v2.csv", names + ["unknown", "NF"], V)
    check("array", o.score("ferplus", "--gold", w, "--pred", path("probs.npy"), "--convention", mode, "--bootstrap", 0)["values"]["nll"], v["nll"])
real = os.path.join(data, "ferplus/valid_votes.csv")
if os.path.exists(real):
    R = [[float(r[k]) for k in names + ["unknown", "NF"]] for r in csv.DictReader(open(real))]; T = [target(v, "majority") for v in R]
    got = o.score("ferplus", "--gold", real, "--pred", real, "--bootstrap", 0); check("FER+ validation: items of the majority convention", got["items"], sum(t is not None for t in T))
check("no votes", o.run("ferplus", "--gold", vp, "--pred", vl, "--labels", "a,b")[0], 4)

# ---- probabilities into sets
L = ["admiration", "anger", "joy", "love", "sad"]; n = 600; G = (rng.random((n, 5)) < [.5, .2, .1, .05, .3]).astype(int); Q = np.clip(.35 * G + rng.random((n, 5)) * .65, 0, 1); Q[::9] = np.round(Q[::9] * 2) / 2; Q[5] = .5
mg = write("mg.csv", ["id"] + L, [[i, *G[i]] for i in range(n)]); mp = write("mp.csv", ["id"] + L[::-1], [[i, *map(number, Q[i][::-1])] for i in rng.permutation(n)])
np.save(path("G.npy"), G.astype("u1")); np.save(path("Q.npy"), Q); ms = write("ms.csv", ["id", "labels"], [[i, ";".join(l for l, y in zip(L, G[i]) if y)] for i in range(n)])
def same(name, S, *more, gold=mg, pred=mp):
    got = o.score("multilabel", "--gold", gold, "--pred", pred, "--bootstrap", 20, *more)
    for a in "micro", "macro", "samples": check(f"{name} {a}", got["values"][a + "_f1"], sk.f1_score(G, S, average=a, zero_division=0))
    check(name + " hamming", got["values"]["hamming_loss"], sk.hamming_loss(G, S)); return got
same("fixed .5, ties below", Q > .5); same("fixed .3", Q > .3, "--threshold", .3); same("arrays", Q > .5, gold=path("G.npy"), pred=path("Q.npy")); same("sets and a matrix", Q > .5, gold=ms); check("order of labels", [c["label"] for c in same("named", Q > .5, "--labels", ",".join(L))["classes"]], L)
one = Q > .6; one[np.arange(n), Q.argmax(1)] |= ~one.any(1); same("at least one", one, "--threshold", .6, "--at-least-one")
for k in 1, 3: S = np.zeros_like(G); np.put_along_axis(S, np.argsort(-Q, 1, kind="stable")[:, :k], 1, 1); same(f"top {k}", S, "--rule", "top-k", "--top-k", k)
D = (rng.random((400, 5)) < [.5, .2, .1, 0, .3]).astype(int); E = np.clip(.35 * D + rng.random((400, 5)) * .65, 0, 1); dev = ["--dev-gold", write("dg.csv", ["id"] + L, [[i, *D[i]] for i in range(400)]), "--dev-pred", write("dp.csv", ["id"] + L, [[i, *map(number, E[i])] for i in range(400)])]
got = same("tuned", np.stack([Q[:, k] > o.score("multilabel", "--gold", mg, "--pred", mp, "--rule", "tuned", "--bootstrap", 0, *dev)["thresholds"][l]["threshold"] for k, l in enumerate(L)], 1), "--rule", "tuned", *dev)
for k, l in enumerate(L):
    t = got["thresholds"][l]["threshold"]; f = lambda t: sk.f1_score(D[:, k], E[:, k] > t, zero_division=0); check(f"{l}: no threshold is better on dev", f(t), max(f(c) for c in [0, *np.unique(E[:, k])]))
check("a label that dev lacks", got["thresholds"]["love"]["threshold"], 1); t = o.score("multilabel", "--gold", mg, "--pred", mp, "--rule", "tuned-single", "--bootstrap", 0, *dev)["thresholds"]["joy"]["threshold"]; f = lambda t: sk.f1_score(D, E > t, average="micro")
check("one for all", f(t), max(f(c) for c in np.unique(E))); check("tuned without dev", o.run("multilabel", "--gold", mg, "--pred", mp, "--rule", "tuned")[0], 2); check("a missing column", o.run("multilabel", "--gold", mg, "--pred", mp, "--labels", "joy,envy")[0], 4)

# ---- folds: pooled, and the row of each
g = rng.integers(0, 4, 300); p = np.where(rng.random(300) < .6, g, rng.integers(0, 4, 300)); fold = [f"s{i % 7}" for i in range(300)]; g[[i for i in range(300) if fold[i] == "s3"]] = 1
got = o.score("classes", "--gold", write("fg.csv", ["id", "label", "subject"], [[i, f"e{g[i]}", fold[i]] for i in range(300)]), "--pred", write("fp.csv", ["id", "label"], [[i, f"e{p[i]}"] for i in range(300)]), "--fold", "subject")
check("pooled uf1", got["values"]["uf1"], sk.f1_score(g, p, average="macro")); check("a fold", got["folds"]["s3"]["uf1"], sk.f1_score(g[3::7], p[3::7], average="macro", zero_division=0)); check("folds", len(got["folds"]), 7)
for paper in "megc", "erc", "dfew", "emobox", "mer-unibench": check(paper, o.run("classes", "--gold", path("fg.csv"), "--pred", path("fp.csv"), "--paper", paper, "--fold", "subject")[0], 0)

# ---- raters
R = np.array([rng.integers(0, 3, 80)] * 3); R = np.where(rng.random(R.shape) < .3, rng.integers(0, 3, R.shape), R)
def fleiss(r): c = np.stack([(r == k).sum(0) for k in range(3)], 1); m = len(r); a = ((c ** 2).sum(1) - m).mean() / (m * (m - 1)); e = ((c.sum(0) / c.sum()) ** 2).sum(); return (a - e) / (1 - e)
got = o.score("agreement", "--gold", write("r.csv", ["a", "b", "c"], R.T.tolist()), "--bootstrap", 50); v = got["values"]; check("fleiss", v["fleiss_kappa"], fleiss(R)); check("cohen of pairs", v["pairwise_cohen_kappa"], np.mean([sk.cohen_kappa_score(R[i], R[j]) for i, j in ((0, 1), (0, 2), (1, 2))]))
X = rng.normal(size=(3, 60)) + rng.normal(size=60) * 2; pair = lambda a, b: 2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
got = o.score("agreement", "--gold", write("x.csv", ["ann", "bob", "eve"], [list(map(repr, map(float, r))) for r in X.T]), "--bootstrap", 0); check("a pair", got["pairwise_ccc"]["ann"]["eve"], pair(X[0], X[2])); check("mean of pairs", got["values"]["pairwise_ccc"], np.mean([pair(X[0], X[1]), pair(X[0], X[2]), pair(X[1], X[2])]))
words = o.score("agreement", "--gold", write("w.csv", ["a", "b", "c"], [[["sad", "glad", "mad"][k] for k in r] for r in R.T]), "--bootstrap", 0); check("fleiss of words", words["values"]["fleiss_kappa"], fleiss(R))

# ---- error bars
y = rng.normal(size=500); m = y + rng.normal(size=500) * .5; s = rng.uniform(.3, .7, 500); m[3] = nan; s[9] = 0; y[20] = nan; k = ~(np.isnan(y) | np.isnan(m)) & (s > 0); z = np.abs(y - m)[k] / s[k]
got = o.score("calibration", "--sd", "valence_sd", "--column", "valence", "--gold", write("cg.csv", ["id", "valence"], [[i, number(y[i])] for i in range(500)]), "--pred", write("cp.csv", ["id", "valence", "valence_sd"], [[i, number(m[i]), number(s[i])] for i in range(500)])); v = got["values"]
for c in 50, 68, 90, 95, 99: check(f"coverage {c}", v[f"coverage_{c}"], np.mean(z <= st.norm.ppf(.5 + c / 200)))
check("gaussian nll", v["nll"], -st.norm.logpdf(y[k], m[k], s[k]).mean()); check("prior nll", got["majority"]["values"]["nll"], -st.norm.logpdf(y[k], y[k].mean(), y[k].std()).mean(), 1e-7); check("skips", sorted(x for x in got["skipped"].values() if x), [1, 1, 1]); check("items", got["items"], 497)

# ---- hit rate
wheels = os.path.join(data, "mer/wheels/wheel_mapping.npz")
if os.path.exists(wheels):
    maps = np.load(wheels, allow_pickle=True); forms, raws, whole = (maps[x].item() for x in ("format_mapping", "raw_mapping", "wheel_map_whole"))
    sector = lambda x, w: next((w[r] for r in sorted(r for f in forms.get(x, []) for r in raws[f]) if r in w), "")
    basic = ["happy", "sad", "anger", "surprise", "fear", "neutral", "worried"]; words = basic + ["joyful", "furious", "gloomy", "calm", "shocked", "nonsenseword"]
    H = [(basic[rng.integers(7)], [words[k] for k in rng.choice(len(words), rng.integers(0, 5), False)]) for _ in range(300)]
    got = o.score("hit-rate", "--wheels", os.path.dirname(wheels), "--gold", write("hg.csv", ["name", "label"], [[f"x{i}", h[0]] for i, h in enumerate(H)]), "--pred", write("hp.csv", ["name", "openset"], [[f"x{i}", str(h[1])] for i, h in enumerate(H)]))
    rows = []
    for w in (whole[f"wheel{k}"]["level1"] for k in range(1, 6)):
        f = lambda xs: {sector(x, w) for x in xs} - {""}; cand = f(basic); hit, score = [], []
        for a, b in H:
            if not f([a]): continue
            hit.append(len(f(b) & f([a]))); score.append(hit[-1] / len(f(b) & cand) if f(b) & cand else 0)
        rows.append((np.mean(hit), np.mean(score)))
    check("hit rate", got["values"]["hit_rate"], np.mean(rows, 0)[0], 1e-14); check("mscore", got["values"]["mscore"], np.mean(rows, 0)[1], 1e-14); check("a wheel", got["wheels"]["wheel 2"]["mscore"], rows[1][1], 1e-14)
o.finish()
