"""Faces with votes as samples: whose majority is a class, who has none, who is clear. Counts are worked out here, from the rules of
Barsoum et al. 2016 and of FER+'s own scripts. usage: votes_test.py AFFECT"""
import itertools, json, os, subprocess, sys, tempfile
try: import numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, folder = os.path.abspath(sys.argv[1]), kept.name
NAMES = "neutral happiness surprise sadness anger disgust fear contempt".split()
failed = 0


def check(name, got, want):
    global failed
    if got != want:
        failed += 1
        print("FAILED", name, repr(got)[:300], repr(want)[:300])


rows = [[6, 1, 1, 0, 0, 0, 0, 0, 0, 0],   # neutral, clear
        [1, 4, 4, 0, 0, 0, 0, 0, 0, 0],   # the first of equals; no majority of the votes
        [1, 0, 0, 0, 0, 0, 0, 0, 9, 0],   # unknown
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],   # no vote
        [0, 0, 0, 5, 1, 1, 1, 1, 1, 0],   # single votes aside all of them: clear
        [0, 0, 0, 5, 0, 0, 0, 0, 5, 0],   # as many unknown: still sadness, not clear
        [0, 0, 0, 0, 3, 0, 0, 0, 0, 4],   # no face
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],   # single votes only: the first, not clear
        [0, 0, 2, 0, 0, 0, 0, 0, 2, 0],   # half and half with unknown
        [0, 0, 0, 0, 0, 0, 3, 0, 2, 0]]   # 3 of 5: clear
np.savez(f"{folder}/f.npz", images=np.random.default_rng(1).integers(0, 255, (len(rows), 48, 48), dtype=np.uint8))


def write(name, header, body):
    path = f"{folder}/{name}".replace(" ", "_")
    with open(path, "w") as f:
        f.write("\n".join([",".join(header), *(",".join(map(str, r)) for r in body)]) + "\n")
    return path


def evaluate(votes):
    done = subprocess.run([affect, "evaluate", "face.emotion", f"{folder}/f.npz", votes, "--json", "--rounds", "0", "--scores",
                           f"{folder}/s.tsv"], capture_output=True, text=True)
    return done.returncode, done.stderr, json.loads(done.stdout) if not done.returncode else None


code, err, r = evaluate(write("v.csv", [*NAMES, "unknown", "NF"], rows))
check(err, code, 0)
gold, clear = [], []
for v in rows:
    best = max(range(8), key=lambda c: (v[c], -c))
    none = sum(v[:8]) == 0 or v[8] > v[best] or v[9] > v[best]
    gold.append("" if none else NAMES[best])
    clear.append(not none and v[best] > 1 and v[best] > sum(x for x in v if x > 1) / 2)
lines = [l.split("\t") for l in open(f"{folder}/s.tsv").read().splitlines()]
at = lines[0].index("gold")
check("gold", [l[at] for l in lines[1:]], gold)
check("scored", (r["samples"], r["scored"], r["skipped"], r["labels_present"]), (10, sum(map(bool, gold)), gold.count(""), len(set(gold)) - 1))
check("support", {c["label"]: c["support"] for c in r["classes"]}, {n: gold.count(n) for n in NAMES})
logits = [[float(x) for x in l[lines[0].index("logit_neutral"):][:8]] for l in lines[1:]]
said = [NAMES[max(range(8), key=lambda c: row[c])] for row in logits]
hits = [s == g for s, g, c in zip(said, gold, clear) if c]
check("clear ones", r["metrics"]["accuracy_clear"]["value"], sum(hits) / len(hits))
# Columns in another order say the same; without "unknown" and NF they count as none.
order = [3, 9, 0, 1, 2, 8, 7, 6, 5, 4]
_, _, other = evaluate(write("o.csv", [[*NAMES, "unknown", "NF"][k] for k in order], [[v[k] for k in order] for v in rows]))
check("another order", other["confusion"], r["confusion"])
_, _, bare = evaluate(write("b.csv", NAMES, [v[:8] for v in rows]))
check("without unknown", bare["scored"], sum(sum(v[:8]) > 0 for v in rows))
for name, header, body, want in [("short", [*NAMES, "unknown"], rows[:9], "has 9 rows of votes"), ("absent", NAMES[:7], rows, "'contempt'"),
                                 ("negative", NAMES, [[-1, *v[1:8]] for v in rows], ":2: column 'neutral'"),
                                 ("a word", NAMES, [["many", *v[1:8]] for v in rows], "a count of votes")]:
    code, err, _ = evaluate(write(f"{name}.csv", header, [v[:len(header)] for v in body]))
    check(name + ": " + err, (code, want in err, len(err.splitlines())), (4, True, 1))
print("failed" if failed else "all passed")
sys.exit(failed > 0)
