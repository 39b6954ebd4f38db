"""Workbooks: cells against what was written, wheel tables against wheel_mapping.npz, hostile files. usage: sheets_test.py AFFECT DATA"""
import csv, json, os, random, resource, shutil, subprocess, sys, tempfile, zipfile
sys.path.insert(0, os.path.dirname(__file__))
import sheets
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, data, folder = sys.argv[1], os.environ.get("AFFECT_DATA", sys.argv[2]), kept.name
passed = failed = 0
def check(name, got, want):
    global passed, failed
    good = got == want; passed += good; failed += not good
    if not good: print("FAILED", name, repr(got)[:300], repr(want)[:300])
def at(name): return os.path.join(folder, name)
def run(*a):
    def used(): u = resource.getrusage(resource.RUSAGE_CHILDREN); return u.ru_utime + u.ru_stime
    start = used(); r = subprocess.run([affect, *a], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100); return r.returncode, r.stdout.decode(), r.stderr.decode(), used() - start
def info(path):
    code, out, err, _ = run("data", "info", path, "--json"); check(path + err, code, 0); return json.loads(out)[0] if code == 0 else {}

# the same labels as a csv and as a workbook of every kind give the same score
random.seed(2); names = ["joy", "anger", "a, \"b\"", "tr\u00e4ne & <x>", " blank "]
rows = [["id", "label", None, "score"]] + [[f"u{i}", random.choice(names), None, round(random.random(), 3)] for i in range(60)]
gold = at("gold.csv"); csv.writer(open(gold, "w", newline="", encoding="utf-8")).writerows([["" if v is None else v for v in r] for r in rows])
guess = [rows[0]] + [[r[0], random.choice([r[1], "joy"]), None, r[3]] for r in rows[1:]]
p = at("pred.csv"); csv.writer(open(p, "w", newline="", encoding="utf-8")).writerows([["" if v is None else v for v in r] for r in guess])
def strip(text): x = json.loads(text) if text else {}; return {k: v for k, v in x.items() if k not in ("gold", "pred")}
options = ["--column", "label"]
base = run("score", "classes", "--gold", gold, "--pred", p, "--json", "--bootstrap", "0", *options)
check("csv scores " + base[2], base[0], 0)
for name, more in ("shared", {}), ("inline", dict(inline=True)), ("bare", dict(references=False)), ("stored", dict(method=zipfile.ZIP_STORED)), ("gaps", {}):
    x = at(name + ".xlsx"); sheets.write(x, ([None, None] + rows[:9] + [None] + rows[9:]) if name == "gaps" else rows, **more)
    got = run("score", "classes", "--gold", x, "--pred", p, "--json", "--bootstrap", "0", *options)
    check(name + got[2], strip(got[1]), strip(base[1]))
    d = info(x); check(name + " info", (d.get("rows"), d.get("columns")), (60, 4))

# wheels
wheels, golds = os.path.join(data, "mer/wheels"), os.path.join(data, "mer/mer2024_ov")
if os.path.isdir(wheels):
    tables, texts = at("tables"), at("texts"); os.mkdir(tables); os.mkdir(texts)
    for n in ["format.csv"] + [f"{k}.xlsx" for k in ("synonym", "wheel1", "wheel2", "wheel3", "wheel4", "wheel5")]:
        shutil.copy(os.path.join(wheels, n), os.path.join(tables, n))
        if n.endswith("xlsx"): csv.writer(open(os.path.join(texts, n[:-5] + ".csv"), "w", newline="")).writerows(sheets.read(os.path.join(wheels, n)))
        else: shutil.copy(os.path.join(wheels, n), os.path.join(texts, n))
    words = [w.strip() for r in csv.DictReader(open(os.path.join(wheels, "format.csv"))) for w in [r["name"]] + r["format"].split(",") if w.strip()]
    def labels(path, seed):
        random.seed(seed); order = words[:]; random.shuffle(order)
        with open(path, "w", newline="") as f:
            w = csv.writer(f); w.writerow(["name", "openset"])
            for i in range(0, len(order), 3): w.writerow([f"s{i}", str(order[i:i + 3]) if not any("'" in x for x in order[i:i + 3]) else "['joy']"])
        return path
    pairs = [(os.path.join(golds, "check-openset.csv"), os.path.join(golds, "predict-openset.csv"))] + [(labels(at(f"g{k}.csv"), k), labels(at(f"p{k}.csv"), 9 + k)) for k in range(1)]
    for g, q in pairs:
        for edition in "2025", "2026":
            ask = lambda w: run("score", "mer-ov", "--edition", edition, "--gold", g, "--pred", q, "--bootstrap", "0", "--json", "--wheels", w)
            want = ask(wheels); check("mapping " + want[2], want[0], 0)
            for w in tables, texts:
                got = ask(w); check(f"{os.path.basename(w)} {edition} {os.path.basename(g)} {got[2]}", got[:2], want[:2])
    os.remove(os.path.join(texts, "wheel4.csv")); r = run("score", "mer-ov", "--edition", "2026", "--gold", pairs[0][0], "--pred", pairs[0][1], "--wheels", texts)
    check("a wheel is missing", (r[0], "wheel4" in r[2], len(r[2].splitlines())), (3, True, 1))
    check("wheel table known", info(os.path.join(wheels, "wheel1.xlsx")).get("is"), "emotion wheel (MER 2025 and 2026)")
else: print("no", wheels, ": wheel tables not tried")

# hostile
LONGEST = 6 if b"__asan_init" in open(sys.argv[1], "rb").read() else 1  # seconds; the sanitizers slow allocation
def hostile(name, path, codes):
    code, out, err, took = run("data", "info", path); check(f"{name} {code} {err}", (code in codes, len(err.splitlines()), took < LONGEST), (True, 1 if code else 0, True))
good = open(at("shared.xlsx"), "rb").read()
def made(name, b): open(at(name), "wb").write(b); return at(name)
for n in range(0, len(good), len(good) // 6): hostile(f"cut at {n}", made("cut.xlsx", good[:n]), (4,))
for k in range(10):
    bad = bytearray(good)
    for _ in range(5): bad[random.randrange(len(bad))] = random.randrange(256)
    hostile(f"mutant {k}", made("m.xlsx", bytes(bad)), (0, 4, 13))
hostile("not a zip", made("t.xlsx", b"id,label\n"), (4,))
def workbook(name, **more): sheets.write(at(name), rows[:3], **more); return at(name)
hostile("doctype", workbook("d.xlsx", extra="</worksheet><!DOCTYPE x [<!ENTITY a 'b'>]>"), (4,))
workbook("b.xlsx"); bomb = bytearray(open(at("b.xlsx"), "rb").read()); where = bomb.rindex(b"PK\x01\x02"); bomb[where + 24:where + 28] = (300 << 20).to_bytes(4, "little")
hostile("a size that cannot be", made("b1.xlsx", bytes(bomb)), (4,))
bomb[where + 20:where + 24] = (1 << 19).to_bytes(4, "little"); hostile("a member past the end", made("b2.xlsx", bytes(bomb)), (4,))
with zipfile.ZipFile(at("b3.xlsx"), "a", zipfile.ZIP_DEFLATED) as z:
    for n in "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml": z.writestr(n, zipfile.ZipFile(at("b.xlsx")).read(n))
    z.writestr("xl/worksheets/sheet1.xml", os.urandom(300000))
bomb = bytearray(open(at("b3.xlsx"), "rb").read()); where = bomb.rindex(b"PK\x01\x02"); bomb[where + 24:where + 28] = (300 << 20).to_bytes(4, "little")
hostile("bomb", made("b4.xlsx", bytes(bomb)), (13,))
hostile("far cells", workbook("f.xlsx", extra="<sheetData>" + "".join(f'<row r="{r}"><c r="XFD{r}" t="n"><v>1</v></c></row>' for r in range(1, 30000)) + "</sheetData>"), (13,))
hostile("backwards", workbook("r.xlsx", extra='<sheetData><row r="5"/><row r="2"/></sheetData>'), (4,))
hostile("no such text", workbook("n.xlsx", extra='<sheetData><row r="1"><c r="A1" t="s"><v>99</v></c></row></sheetData>'), (4,))
hostile("sheet elsewhere", workbook("w.xlsx", sheet="xl/../../etc/passwd"), (0, 4))
print(f"{passed} passed, {failed} failed"); sys.exit(failed > 0)
