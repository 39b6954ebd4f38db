"""ARFF: dense and sparse files written here, refusals with their line, and real files against scipy's reader. usage: arff_test.py AFFECT DATA"""
import json, os, subprocess, sys, tempfile
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, data, folder = sys.argv[1], os.environ.get("AFFECT_DATA", sys.argv[2]), kept.name
passed = failed = 0
def check(name, got, want):
    global passed, failed
    good = got == want; passed += good; failed += not good
    if not good: print("FAILED", name, repr(got)[:300], repr(want)[:300])
def made(name, text): p = os.path.join(folder, name); open(p, "w", encoding="utf-8").write(text); return p
def run(*a): r = subprocess.run([affect, *a], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100); return r.returncode, r.stdout.decode(), r.stderr.decode()
def info(path): code, out, err = run("data", "info", path, "--json"); check(path + err, code, 0); return json.loads(out)[0] if code == 0 else {}
head = "% made\n@relation 'a b'\n@attribute name string\n@attribute 'the score' numeric\n@attribute \"lab el\" {joy, 'so so', anger}\n\n@data\n"
gold = head + "u1, 1.5, joy\n'u 2',?, 'so so'\n\"u,3\"\t-2e1\tanger\n% a comment\nu4,0,joy\n"
d = info(made("dense.arff", gold)); check("dense", [d.get(k) for k in ("rows", "numeric attributes", "nominal attributes", "text attributes", "unknown values", "classes")], [4, 1, 1, 1, 1, {"joy": 2, "so so": 1, "anger": 1}])
d = info(made("sparse.arff", head.replace("string", "numeric") + "{0 1, 2 'so so'}\n{}\n{ 1 2.5 }\n{2 anger}\n")); check("sparse", [d.get(k) for k in ("rows", "classes", "unknown values")], [4, {"joy": 2, "so so": 1, "anger": 1}, None])
# usable where a table is: the same scores as the csv
c = made("gold.csv", 'name,the score,lab el\nu1,1.5,joy\nu 2,,so so\n"u,3",-20,anger\nu4,0,joy\n'); p = made("pred.csv", 'name,lab el\nu1,joy\nu 2,joy\n"u,3",anger\nu4,so so\n')
score = lambda g: run("score", "classes", "--gold", g, "--pred", p, "--column", "lab el", "--id", "name", "--bootstrap", "0", "--json")
a, b = score(os.path.join(folder, "dense.arff")), score(c); check("scores " + a[2] + b[2], (a[0], json.loads(a[1] or "{}").get("accuracy", a[1])), (b[0], json.loads(b[1] or "{}").get("accuracy", b[1])))
for name, text, line in [("date", head.replace("numeric", "date 'yyyy'"), 4), ("relational", head.replace("numeric", "relational"), 4), ("kind", head.replace("numeric", "float"), 4), ("number", head + "u,x,joy\n", 8), ("value", head + "u,1,sad\n", 8), ("narrow", head + "u,1\n", 8), ("wide", head + "u,1,joy,2\n", 8), ("quote", head + "'u,1,joy\n", 8),
                         ("index", head + "{7 1}\n", 8), ("falling", head + "{1 1, 0 u}\n", 8), ("open", head + "{1 1\n", 8), ("brace", head.replace("anger}", "anger"), 5), ("word", "@relation r\nnonsense\n", 2), ("none", "@relation r\n@data\n1\n", 2)]:
    code, out, err = run("data", "info", made(name + "_x.arff", text)); check(name + err, (code in (4, 14), f"_x.arff:{line}:" in err, len(err.splitlines())), (True, True, 1))
# EmoBox lines, XED neutral lines, checksums, conversations
p = made("x.jsonl", "".join(json.dumps({"key": f"k{i}", "dataset": "emodb", "wav": "a.wav", "length": 2.5, "emo": e}) + "\n" for i, e in enumerate(["anger", "fear", "anger"]))); d = info(p)
check("EmoBox", (d.get("is"), d.get("rows"), d.get("emo")), ("EmoBox split", 3, {"anger": 2, "fear": 1}))
d = info(made("neu.txt", "9\tYes .\n9\tNo .\n")); check("XED neutral", (d.get("is"), d.get("rows")), ("XED neutral lines", 2))
try:
    import hashlib, pickle, numpy as np
    n = {"train": 1284, "valid": 229, "test": 686}; p = os.path.join(folder, "aligned_50.pkl")
    pickle.dump({k: {"text": np.zeros((v, 1, 2), "f4"), "audio": np.zeros((v, 1, 5), "f4"), "vision": np.zeros((v, 1, 20), "f4"), "regression_labels": np.zeros(v)} for k, v in n.items()}, open(p, "wb"))
    code, out, err = run("data", "info", p, "--json", "--check"); x = json.loads(out)[0]
    check("checksum", (code, x["is"], x["sha256"], x["checksum"][:3], len(err.splitlines())), (4, "MMSA features (CMU-MOSI)", hashlib.sha256(open(p, "rb").read()).hexdigest(), "NOT", 1)); check("without --check", run("data", "info", p)[0], 0)
    ids = {"Ses01F": ["a", "b", "c"], "Ses02M": ["d"]}; labels = {"Ses01F": [0, 1, 1], "Ses02M": [5]}; f = {k: [np.ones(4)] * len(v) for k, v in ids.items()}; p = os.path.join(folder, "IEMOCAP_features.pkl")
    pickle.dump((ids, {k: ["M"] * len(v) for k, v in ids.items()}, labels, f, f, f, ids, ["Ses01F"], ["Ses02M"]), open(p, "wb"), protocol=2); d = info(p)
    check("IEMOCAP", (d["is"][:7], d["dialogues"], d["utterances"], d["labels"]), ("IEMOCAP", 2, 4, {"1": 2, "0": 1, "5": 1}))
except ImportError as e: print("pickles not tried:", e)
real = os.path.join(data, "mosi_acl2017")
try:
    from scipy.io import arff
    for part in ("audio/audio_train0.arff", "video/video_test0.arff"):
        p = os.path.join(real, part)
        if os.path.exists(p): rows, meta = arff.loadarff(p); d = info(p); check(part, (d["rows"], d["numeric attributes"] + d.get("nominal attributes", 0)), (len(rows), len(meta.names())))
except (ImportError, NotImplementedError, ValueError) as e: print("scipy's reader:", e)
if os.path.isdir(data):
    d = info(os.path.join(data, "xed/neu_en.txt")); check("XED neutral set", (d.get("is"), d.get("rows")), ("XED neutral lines", sum(1 for line in open(os.path.join(data, "xed/neu_en.txt"), encoding="utf-8", newline="\n") if line.strip("\r\n"))))
    d = info(os.path.join(data, "studyforrest/raw/ao1o01.csv")); check("studyforrest", (d.get("is"), d.get("rows")), ("studyforrest portrayed emotions", sum(1 for _ in open(os.path.join(data, "studyforrest/raw/ao1o01.csv"))) - 1))
print(f"{passed} passed, {failed} failed"); sys.exit(failed > 0)
