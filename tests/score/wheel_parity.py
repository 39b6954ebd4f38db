"""affect score mer-ov against a restatement of the published scores in Python, on the MER2024 golden files. The 2024
figures are those that the challenge prints. usage: wheel_parity.py AFFECT DATA TOOL"""
import csv, io, json, os, re, subprocess, sys, zipfile
try:
    import numpy as np
except ImportError as e:
    print("skipped:", e); sys.exit(77)
affect, data = sys.argv[1], os.environ.get("AFFECT_DATA", sys.argv[2])
sets, wheels = os.path.join(data, "mer/mer2024_ov"), os.path.join(data, "mer/wheels")
if not os.path.isdir(sets): print("skipped: no", sets); sys.exit(77)
gold_file, pred_file, groups_file = (os.path.join(sets, f) for f in ("check-openset.csv", "predict-openset.csv", "openset-synonym.zip"))
passed = failed = 0

def check(name, got, want):
    global passed, failed
    good = got == want; passed += good; failed += not good
    if not good: print("FAILED", name, got, want)

def score(*more):
    out = subprocess.run([affect, "score", "mer-ov", "--gold", gold_file, "--pred", pred_file, "--bootstrap", "0", "--json", *more],
                         stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)

def labels(text):
    return [x for x in re.split("['\"]", text.split("[")[1].split("]")[0]) if x.strip() not in ("", ",")]

def read(path):
    return {row["name"]: labels(row["openset"]) for row in csv.DictReader(open(path))}
gold, pred = read(gold_file), read(pred_file)

got = score("--edition", "2024", "--synonyms", groups_file)
check("2024 accuracy", got["accuracy"], 0.581777108433735); check("2024 recall", got["recall"], 0.4977911646586345); check("2024 mean", got["mean"], 0.5397841365461847)

maps = np.load(os.path.join(wheels, "wheel_mapping.npz"), allow_pickle=True)
forms, raws, whole = (maps[k].item() for k in ("format_mapping", "raw_mapping", "wheel_map_whole"))
def sector(label, wheel):
    return next((wheel[r] for r in sorted(r for f in forms.get(label, []) for r in raws[f]) if r in wheel), "")
def edition(levels):
    scores = []
    for level in levels:
        rows = []
        for k in range(1, 6):
            wheel, precision, recall = whole[f"wheel{k}"][level], [], []
            for name in gold:
                g, p = ({sector(x.lower().strip(), wheel) for x in s[name]} - {""} for s in (gold, pred))
                if not g: continue
                precision.append(len(g & p) / len(p) if p else 0); recall.append(len(g & p) / len(g) if p else 0)
            p, r = np.mean(precision), np.mean(recall); rows.append([2 * (p * r) / (p + r) if p + r else 0, p, r])
        scores.append(np.mean(rows, axis=0))
    return np.mean(scores, axis=0)
for year, levels in ("2025", ["level1", "level2"]), ("2026", ["level1"]):
    got = score("--edition", year, "--wheels", wheels); want = edition(levels)
    for key, value in zip(("f", "precision", "recall"), want): check(f"{year} {key}", got[key], float(value))

# The public C functions say the same as the command.
def called(*arguments):
    rows = "".join(f"{sets_[0][n]}\t{sets_[1][n]}\t{groups[n]}\n" for n in gold)
    out = subprocess.run([sys.argv[3], "open", *arguments], input=rows.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    return {k: float(v) for k, v in (line.split() for line in out.splitlines())}
sets_ = [{row["name"]: row["openset"] for row in csv.DictReader(open(f))} for f in (gold_file, pred_file)]
with zipfile.ZipFile(groups_file) as z: groups = {os.path.basename(n): str(np.load(io.BytesIO(z.read(n)))) for n in z.namelist() if not n.endswith("/")}
groups = {n: groups.get(n, groups.get(n + ".npy")) for n in gold}
got = called("2024", "-"); check("2024 from C", [got[k] for k in ("score", "precision", "recall")], [0.5397841365461847, 0.581777108433735, 0.4977911646586345])
for year, levels in ("2025", ["level1", "level2"]), ("2026", ["level1"]):
    got = called(year, wheels, "happy, sad"); check(year + " from C", [got[k] for k in ("score", "precision", "recall")], [float(x) for x in edition(levels)])
out = subprocess.run([affect, "score", "hit-rate", "--gold", gold_file, "--pred", pred_file, "--wheels", wheels, "--labels", "happy, sad", "--bootstrap", "0", "--json"], stdout=subprocess.PIPE).stdout
want = json.loads(out)["values"]; check("hit rate from C", [got["hit_rate"], got["mscore"]], [want["hit_rate"], want["mscore"]])

run = lambda *a: subprocess.run([affect, "score", *a], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
for name, arguments, code in [("no task", [], 2), ("unknown task", ["mood"], 2), ("no gold", ["mer-ov"], 2), ("no wheels", ["mer-ov", "--gold", gold_file, "--pred", pred_file, "--edition", "2026"], 2),
                              ("missing file", ["mer-ov", "--gold", "/nowhere.csv", "--pred", pred_file, "--edition", "2026", "--wheels", wheels], 3), ("no such column", ["mer-ov", "--gold", os.path.join(wheels, "format.csv"), "--pred", pred_file, "--edition", "2026", "--wheels", wheels], 4)]:
    r = run(*arguments); check(name, (r.returncode, len(r.stderr.decode().splitlines())), (code, 1))
print(f"{passed} passed, {failed} failed"); sys.exit(failed > 0)
