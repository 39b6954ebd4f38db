"""affect data info on the real sets (counts worked out here with csv and numpy) and on made files with known faults.
usage: info_test.py AFFECT DATA"""
import collections, csv, json, os, pickle, subprocess, sys, tempfile
try: import numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, data, folder = sys.argv[1], os.environ.get("AFFECT_DATA", sys.argv[2]), kept.name
passed = failed = 0
def check(name, got, want):
    global passed, failed
    good = got == want; passed += good; failed += not good
    if not good: print("FAILED", name, repr(got)[:300], repr(want)[:300])
def run(*a):
    r = subprocess.run([affect, "data", *a], stdout=subprocess.PIPE, stderr=subprocess.PIPE); return r.returncode, r.stdout.decode(), r.stderr.decode()
def unique(pairs): check("no key twice", len(dict(pairs)), len(pairs)); return dict(pairs)
def info(path):
    code, out, err = run("info", path, "--json"); check(path + err, code, 0)
    return json.loads(out, object_pairs_hook=unique) if not code else [collections.defaultdict(dict)]
def at(name): return os.path.join(data, name)
def made(name, text): p = os.path.join(folder, name); open(p, "wb").write(text if isinstance(text, bytes) else text.encode()); return p
if os.path.isdir(data):
    every = {os.path.relpath(x["path"], data): x for d in sorted(os.listdir(data)) if os.path.isdir(at(d)) and d != "media" for x in info(at(d))}
    check("all readable", [k for k, x in every.items() if x["is"] == "unreadable"], [])
    for part, rows, dialogues in ("train", 9989, 1038), ("dev", 1109, 114):
        x = every[f"meld/{part}_sent_emo.csv"]; table = list(csv.DictReader(open(at(f"meld/{part}_sent_emo.csv"), encoding="utf-8")))
        check("MELD", (x["is"], x["rows"], x["dialogues"]), ("MELD (utterances)", rows, dialogues)); check("MELD balance", x["Emotion"], dict(collections.Counter(r["Emotion"] for r in table)))
        def t(s): h, m, q = s.replace(",", ".").split(":"); return int(h) * 3600 + int(m) * 60 + float(q)
        check("MELD overlaps", x["consecutive pairs that overlap or run backwards"], sum(a["Dialogue_ID"] == b["Dialogue_ID"] and t(b["StartTime"]) < t(a["EndTime"]) - 1e-9 for a, b in zip(table, table[1:])))
        check("MELD long", x.get("rows longer than 30 s", 0), sum(t(r["EndTime"]) - t(r["StartTime"]) > 30 for r in table)); check("MELD ends", x.get("rows that end before they start", 0), sum(t(r["EndTime"]) <= t(r["StartTime"]) for r in table))
    for name, what, rows, label in ("emotale/data.tsv", "EmoTale", 500, "emotion"), ("emodb/data.tsv", "EmoDB", 408, "emotion"), ("ased/data.tsv", "ASED (Amharic)", 1676, "emotion"), ("emospeech_in/data.tsv", "EmoSpeech command words (India)", 1666, "emotion"), ("reccon_dd/train.tsv", "RECCON (DailyDialog)", 8206, "emotion"), ("goodnewseveryone/train.tsv", "GoodNewsEveryone", 4019, "dominant_emotion"), ("vader_valence/amazon.tsv", "VADER ground truth", 3708, None), ("brighter_intensity/eng_train.tsv", "BRIGHTER (intensities)", 2763, None), ("brighter_intensity/rus_dev.tsv", "BRIGHTER (intensities)", 343, None), ("ei_reg_2018/fear_train.tsv", "EI-reg 2018", 2252, None), ("ceap360vr/V3_arousal_10hz.tsv", "CEAP-360VR traces", 598, None):
        if not os.path.exists(at(name)): print("skipped:", name); continue
        x = every[name]; check(name, (x["is"], x["rows"], bool(x["licence"])), (what, rows, True))
        if label: check(name + " labels", x[label], dict(collections.Counter(r[label] for r in csv.DictReader(open(at(name), encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE))))
    for part, rows in ("train", 43410), ("dev", 5426):
        x = every[f"goemotions/{part}.tsv"]; want = collections.Counter(l for line in open(at(f"goemotions/{part}.tsv"), encoding="utf-8", newline="\n") for l in line.split("\t")[1].split(","))
        check("GoEmotions", (x["rows"], x["labels"]), (rows, dict(want)))
    check("EmoBank", every["emobank/emobank.csv"]["split"], {"train": 8062, "dev": 1000})
    check("FER+", (every["ferplus/train_votes.csv"]["rows"], every["ferplus/valid_votes.csv"]["rows"], every["ferplus/train_images.npz"]["images"]), (28561, 3579, "uint8 (28561, 48, 48)"))
    check("RAVDESS", (every["ravdess"]["files"], len(every["ravdess"]["speaker"]), every["ravdess"]["emotion"]["neutral"]), (1440, 24, 96))
    check("nEMO", (every["nemo"]["files"], len(every["nemo"]["speaker"]), every["nemo"]["emotion"] == every["nemo/data.tsv"]["emotion"]), (4481, 9, True))
    check("CREMA-D", every["crema_d_votes/summaryTable.csv"]["rows"], 7442); check("Java-SED", (every["java_sed/audio.csv"]["rows"], every["java_sed/video.csv"]["rows"]), (1008, 144))
    check("MOSI", (every["mosi_acl2017/transcripts.csv"]["rows"], every["mosi_acl2017/audio/audio_train0.arff"]["rows"], every["mosi_acl2017/audio/audio_test0.arff"]["rows"], every["mosi_acl2017/audio.pickle"]["root[0]"]), (2199, 1447, 752, "float64 (62, 63, 73)"))
    check("MERBench", [every["mer/merbench/cmumosi_label.npz"][k] for k in ("train_corpus", "val_corpus", "test_corpus")], [1284, 229, 686]); check("open vocabulary", every["mer/mer2024_ov/check-openset.csv"]["rows"], 332)
    check("RAVDESS AU", (every["ravdess_au/ravdess_au_mean.csv"]["rows"], len(every["ravdess_au/ravdess_au_mean.csv"]["actor"])), (1440, 24)); check("EmoBox", every["ravdess/folds_emobox.csv"]["rows"], 1440)
    check("XED", every["xed/en-annotated.tsv"]["rows"], 17528)
else: print("no", data, ": real sets not tried")
part = {"text": np.zeros((3, 2, 4), "f4"), "audio": np.array([[np.nan, -np.inf, 1.]]), "vision": np.ones((3, 2)), "regression_labels": np.array([-1., 0, 1]), "id": ["a", "b", "c"]}
p = os.path.join(folder, "mmsa.pkl"); pickle.dump({"train": part, "valid": part, "test": part}, open(p, "wb")); x = info(p)[0]
check("MMSA", x["is"], "MMSA features (MOSI, MOSEI or SIMS)"); check("MMSA -inf", (x["root.train.audio values"]["minus_inf"], x["root.train.audio values"]["nan"]), (1, 1)); check("MMSA shape", x["root.test.text"], "float32 (3, 2, 4)")
x = info(made("m.csv", "Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,StartTime,EndTime\n" + "".join(f'"say ""x""",A,joy,positive,{d},{u},"00:00:{a:02d},000","00:{b // 60:02d}:{b % 60:02d},500"\n' for d, u, a, b in [(0, 0, 1, 3), (0, 1, 2, 5), (0, 3, 50, 9), (1, 0, 9, 45)])))[0]
check("faults", [x[k] for k in ("rows that end before they start", "rows longer than 30 s", "consecutive pairs that overlap or run backwards", "gaps in the utterance numbers")], [1, 1, 1, 1])
for name, path, code in [("absent", "/nowhere/x.csv", 3), ("kind", made("x.bin", "x"), 14), ("torn npy", made("x.npy", b"\x93NUMPY\x01\x00"), 4), ("evil pickle", made("e.pkl", b"cos\nsystem\n(S'true'\ntR."), 14), ("torn ARFF", made("x.arff", "@relation r\n@attribute a numeric\n"), 4), ("gigantic shape", made("g.npy", b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }".ljust(117) + b"\n"), (4, 13)),
                         ("empty", made("e.csv", ""), None), ("deep", made("d.csv", '"' * 99999), None)]:
    c, out, err = run("info", path); check(name, (c in (code if isinstance(code, tuple) else (code,)) if code else c in (0, 4), len(err.splitlines()) <= 1), (True, True))
print(f"{passed} passed, {failed} failed"); sys.exit(failed > 0)
