"""The trainer on made files in the layout of the sets, and on the real ones where they are: MMSA and ACL-2017 pickles,
computational sequences, tables of texts and of recordings. usage: sets_test.py AFFECT DATA"""
import math, os, pickle, re, struct, subprocess, sys, tempfile, wave, xml.dom.minidom
try: import numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
affect, data = os.path.abspath(sys.argv[1]), os.path.abspath(os.environ.get("AFFECT_DATA", sys.argv[2]))
kept = tempfile.TemporaryDirectory()  # gone when the test ends
os.chdir(kept.name)
passed = failed = 0
def check(name, good, *shown):
    global passed, failed
    passed += bool(good); failed += not good
    if not good: print("FAILED", name, *[str(s)[:400] for s in shown])
def run(*a):
    r = subprocess.run([affect, *a], stdout=subprocess.PIPE, stderr=subprocess.PIPE); return r.returncode, r.stdout.decode(), r.stderr.decode()
def dump(path, value): pickle.dump(value, open(path, "wb"), protocol=4); return path
def write(path, text): open(path, "w", encoding="utf-8").write(text); return path
def recipe(name, files, kind="features", model="features_mlp", labels="negative positive", extra="", rules="", epochs=12, tail="", loss=""):
    return write(name + ".ini", f"[data]\nkind = {kind}\nlabels = {labels}\ntrain = {files}\nvalid = {files}\n{rules}\n{extra}\n[model]\nkind = {model}\nwidth = 16\n{tail}\n"
                 f"[loss]\n{loss}\n[train]\nepochs = {epochs}\nbatch = 8\nshard = 4\nrate = 0.01\nmonitor = last\n[card]\nname = t\nstorage = f32\n")
def trained(name, *a, **k):
    code, out, err = run("train", recipe(name, *a, **k), "-o", name, "--quiet"); check("train " + name, code == 0, err); return name
def numbers(name, *a):
    code, out, err = run("evaluate", name, *a, "--rounds", "0"); check(f"evaluate {name} {a}", code == 0, err)
    m = re.search(r"(\d+) samples, (\d+) scored", out); found = {k: float(v) for k, v in re.findall(r"^(\w+) +(-?[\d.]+)", out, re.M)}
    return (int(m[1]), int(m[2]), found) if m else (0, 0, found)
def refused(name, says, *a, **k):
    code, out, err = run("train", recipe(name, *a, **k), "-o", name, "--quiet"); check("refusal " + name, code == 4 and re.search(says, err) and err.count("\n") == 1, code, err)

# MMSA: the sign of the sentiment is in one feature of the words and, faintly, of the voice
rng = np.random.default_rng(5)
def split(n, name, frames):
    y = np.round(rng.uniform(-3, 3, n), 1); y[0] = 0; s = {"regression_labels": y, "id": [f"{name}{i // 4}$_${i}" for i in range(n)], "annotations": ["Negative" if v < 0 else "Positive" if v > 0 else "Neutral" for v in y]}
    for m, t, w in ("text", frames[0], 5), ("audio", frames[1], 3), ("vision", frames[2], 4):
        x = rng.normal(size=(n, t, w)).astype("f4"); x[:, :, 1] += y[:, None] * {"text": 1.5, "audio": .3, "vision": 0}[m]; x[:, : t // 2] = 0; s[m] = x # padding in front, as MMSA has it
    s["audio"][1, -1, 0] = -np.inf; s["vision"][2, -1, 0] = np.nan
    return s
def sets(frames): return {"train": split(80, "a", frames), "valid": split(24, "b", frames), "test": split(28, "c", frames)}
dump("aligned.pkl", sets((10, 10, 10))); dump("unaligned.pkl", sets((10, 30, 20)))
for model in "features_mlp", "features_gru":
    n, scored, x = numbers(trained(model, "aligned.pkl", model=model, extra="values = valence"), "aligned.pkl", "--only", "split test")
    check(model, n == 28 and scored == 27 and x["accuracy"] > .85 and x["r_valence"] > .7, n, scored, x)
check("videos", numbers("features_mlp", "aligned.pkl", "--only", "video a0,c1")[0] == 8)
check("folds of the training videos", [numbers("features_mlp", "aligned.pkl", "--only", f"fold {k}")[0] for k in ("0", "4", "test")] == [16, 16, 28])
card = open("features_gru/card.json").read(); check("card", '"kind": "features_gru"' in card and '"inputs": 12' in card and '"pool": "none"' in card)
check("same again, three threads", run("train", "features_gru.ini", "-o", "again", "--threads", "3", "--quiet")[0] == 0 and open("again/weights.safetensors", "rb").read() == open("features_gru/weights.safetensors", "rb").read())
refused("uneven", "unaligned.pkl: train has modalities of 10 and of 30 frames", "unaligned.pkl")
n, _, x = numbers(trained("pooled", "unaligned.pkl", extra="pool = mean"), "unaligned.pkl", "--only", "split valid"); check("pooled", n == 24 and x["accuracy"] > .8, n, x)
n, _, x = numbers(trained("voice", "unaligned.pkl", extra="modalities = audio", model="features_gru"), "unaligned.pkl"); check("one modality", n == 132 and '"inputs": 3' in open("voice/card.json").read(), n)
refused("smell", "modalities are text, audio and video, not 'smell'", "aligned.pkl", extra="modalities = text smell")
code, _, err = run("evaluate", "features_mlp", "unaligned.pkl"); check("other frames", code == 4, err)
three = sets((4, 4, 4)); three["train"]["audio"] = three["train"]["audio"][:-1]; dump("short.pkl", three); refused("short", "train.audio: expected an array of 80 samples", "short.pkl")

# ACL-2017: videos x utterances, padded
def padded(videos):
    lengths = [3 + v % 3 for v in range(videos)]; y = rng.integers(0, 2, (videos, 6)); x = rng.normal(size=(videos, 6, 4)); x[:, :, 2] += 3 * y; return x, y.astype(float), lengths
a, b = padded(20), padded(7); dump("audio.pickle", (a[0], a[1], b[0], b[1], 6, a[2], b[2]))
n, _, x = numbers(trained("acl", "audio.pickle", rules="train_except = fold 0,test\nvalid_only = fold 0"), "audio.pickle", "--only", "split test"); check("ACL-2017", n == sum(b[2]) and x["accuracy"] > .9, n, x)
check("ACL-2017 folds", numbers("acl", "audio.pickle", "--only", "fold 0")[0] == sum(a[2][0::5]))

# computational sequences: two streams of different rates, and labels whose intervals are the samples
try: import h5py
except ImportError as e: h5py = None; print("skipped:", e)
def csd(path, root, videos):
    with h5py.File(path, "w") as f:
        f.create_group(f"{root}/metadata")["root name"] = root
        for v, (t, x) in videos.items(): g = f.create_group(f"{root}/data/{v}"); g["intervals"] = t; g["features"] = x
    return path
if h5py:
    words, faces, labels, opinions = {}, {}, {}, 0
    for v in range(16):
        y = rng.uniform(.5, 3, 4) * rng.choice([-1, 1], 4); edge = np.arange(5) * 2.; t = np.arange(0, 8, .5); w = rng.normal(size=(16, 3)); w[:, 0] += 2 * y[(t // 2).astype(int)]; w[3, 1] = np.inf
        u = np.arange(0, 8, .25); f = rng.normal(size=(32, 2)); f[:, 1] += y[(u // 2).astype(int)]
        words[f"v{v}"] = np.c_[t, t + .5], w; labels[f"v{v}"] = np.c_[edge[:-1], edge[1:]], y[:, None]
        if v: faces[f"v{v}"] = np.c_[u, u + .25], f # one video has no face
    csd("words.csd", "Words", words); csd("faces.csd", "Faces", faces); csd("labels.csd", "Labels", labels)
    files = ["words.csd", "faces.csd", "labels.csd"]
    for model, extra in ("features_gru", ""), ("features_mlp", "pool = mean"):
        name = trained("csd_" + model, " ".join(files), model=model, extra=extra + "\nvalues = sentiment", rules="train_except = fold 0\nvalid_only = fold 0"); n, _, x = numbers(name, *files)
        check(name, n == 64 and x["accuracy"] > .9 and '"inputs": 5' in open(name + "/card.json").read(), n, x)
        check(name + " fold", numbers(name, *files, "--only", "fold 0")[0] == 16); check(name + " video", numbers(name, *files, "--only", "video v3")[0] == 4)
    refused("alone", "words.csd: expected one to 7 computational sequences", "words.csd")
    with h5py.File("plain.csd", "w") as f: f["x"] = [1.]
    refused("plain", "plain.csd: expected a CMU-SDK computational sequence", "plain.csd labels.csd")
    csd("odd.csd", "Odd", {"v1": (np.zeros((3, 2)), np.zeros((2, 2)))}); refused("odd", "odd.csd|labels.csd.*as many intervals", "odd.csd labels.csd")

# texts: a small network that knows the labels, on a file in each layout
mood = "anger disgust fear joy sadness surprise neutral optimism pessimism love"
write("plain.csv", "text,label\n" + "".join(f"{w} day {i},{w}\n" for i in range(8) for w in mood.split()))
trained("text", "plain.csv", kind="text", model="text_gru", labels=mood, extra="values = valence arousal dominance", epochs=6, tail="vector_width = 16")
trained("texts", "plain.csv", kind="text", model="text_gru", labels=mood, loss="labels = several", epochs=1, tail="vector_width = 16")
write("tweets.tsv", 'id\tvalence\tsd\tratings\ttext\n1\t4\t0\t4, 4\t"quite" happy\n2\t-4\t0\t-4\tsad day\n3\t0\t0\t0\ta "day\n'); n, scored, x = numbers("text", "tweets.tsv"); check("VADER", n == 3 and "r_valence" in x, n, x)
write("eng.tsv", "id\tanger\tfear\tjoy\tsadness\tsurprise\ttext\n1\t3\t0\t0\t1\t0\tanger day\n2\t0\t0\t0\t0\t0\tneutral day\n3\t0\t2\t2\t0\t0\tfear day\n")
n, scored, x = numbers("text", "eng.tsv"); check("BRIGHTER", (n, scored) == (3, 2) and x["accuracy"] == 1, n, scored, x)
n, scored, x = numbers("texts", "eng.tsv"); check("BRIGHTER, several", n == 3 and "macro_f1" in x, x)
write("joy_train.tsv", "id\tintensity\ttext\n1\t0.9\tjoy day\n2\t0.2\tjoy day 3\n"); n, scored, x = numbers("text", "joy_train.tsv"); check("EI-reg", (n, scored) == (2, 2) and x["accuracy"] == 1, n, scored, x)
write("gne.tsv", "id\tdominant_emotion\tintensity\tother_emotions\treader_emotions\tcue\tcause\texperiencer\ttarget\theadline\n1\tpositive_surprise\tmedium\t\t\t\t\t\t\tsurprise day\n2\tnegative_anticipation_including_pessimism\tmedium\t\t\t\t\t\t\tpessimism day\n")
n, scored, x = numbers("text", "gne.tsv"); check("GoodNewsEveryone", scored == 2 and x["accuracy"] == 1, x)
write("dialogue.tsv", "dialogue\tturn\tspeaker\temotion\tcause_turns\tcause_spans\tutterance\nd1\t1\tA\tsad\t\t\tsadness day\nd1\t2\tB\texcited\t1\tx\tjoy day\n"); n, scored, x = numbers("text", "dialogue.tsv"); check("RECCON", scored == 2 and x["accuracy"] == 1, x)
check("rules", numbers("text", "dialogue.tsv", "--only", "speaker B")[0] == 1)
for name, text, says in ("far.tsv", "id\tvalence\tsd\tratings\ttext\n1\t5\t0\t4\tx\n", "far.tsv:2: column 'valence' is '5', expected a number from -4 to 4"), ("much.tsv", "id\tanger\tfear\tjoy\tsadness\ttext\n1\t4\t0\t0\t0\tx\n", "much.tsv:2: column 'anger' is '4', expected a number from 0 to 3"), ("what.tsv", "dialogue\tturn\tspeaker\temotion\tcause_turns\tutterance\nd\t1\tA\tzeal\t\tx\n", "what.tsv:2: column 'emotion' is 'zeal'"):
    code, _, err = run("evaluate", "text", write(name, text)); check(name, code == 4 and says in err, err)
code, _, err = run("evaluate", "text", "dialogue.tsv", "--only", "nobody A"); check("a rule without a column", code == 4 and "wants a column 'nobody'" in err, err)

# pictures are XML whatever the labels are called
write("odd.csv", "text,label\n" + "".join(f"{w} day {i},{w}\n" for i in range(8) for w in ("a&b", "c<d")))
for picture, says in ("confusion.svg", "c<d (8)"), ("curves.svg", "epoch 1"):
    tree = xml.dom.minidom.parse(os.path.join(trained("odd", "odd.csv", kind="text", model="text_gru", labels="a&b c<d", epochs=2, tail="vector_width = 16"), picture))
    texts = ["".join(t.data for t in e.childNodes) for e in tree.getElementsByTagName("text")]; check(picture, says in texts and "nan" not in tree.toxml(), texts)

# recordings: ratings of three people are the values, -1 to 1
def tone(path, hertz, loud):
    with wave.open(path, "wb") as w: w.setparams((1, 2, 16000, 0, "NONE", "")); w.writeframes(b"".join(struct.pack("<h", int(loud * 32000 * math.sin(2 * math.pi * hertz * i / 16000))) for i in range(9600)))
os.mkdir("audio"); rows = "path\tspeaker\temotion\tlanguage\tgender\tage\tsentence\ta1_V\ta1_A\ta1_D\ta1_cat\ta2_V\ta2_A\ta2_D\ta2_cat\ta3_V\ta3_A\ta3_D\ta3_cat\n"
for i in range(8): tone(f"audio/{i}.wav", 150 + 60 * i, .1 + .1 * (i % 2)); v = 1 + i % 5; rows += f"audio/{i}.wav\t{i % 2}\t{'anger' if i % 2 else 'boredom'}\tDK\tF\t22\t1\t{v}\t3\t2\tA\t{v}\t{3 + i % 2}\t2\tA\t\t3\t2\tA\n"
write("data.tsv", rows); trained("emotale", "data.tsv", kind="audio", model="voice_crnn", labels="anger calm", extra="values = arousal valence", epochs=1)
n, scored, x = numbers("emotale", "data.tsv"); check("EmoTale", n == 8 and scored == 8 and "r_valence" in x and "r_arousal" in x, n, scored, x)
check("speakers", numbers("emotale", "data.tsv", "--except", "speaker 0")[0] == 4)

# the real ones
def rows_of(path): return sum(1 for _ in open(path, encoding="utf-8")) - 1
for name, model in ("vader_valence/tweets.tsv", "text"), ("vader_valence/amazon.tsv", "text"), ("brighter_intensity/rus_dev.tsv", "text"), ("brighter_intensity/eng_train.tsv", "texts"), ("ei_reg_2018/anger_train.tsv", "text"), ("reccon_dd/valid.tsv", "text"):
    path = os.path.join(data, name)
    if not os.path.exists(path): print("skipped:", name); continue
    n, _, _ = numbers(model, path); check(name, n == rows_of(path), n, rows_of(path))
path = os.path.join(data, "mosi_acl2017")
if os.path.isdir(path):
    n, _, x = numbers(trained("mosi", path, rules="train_except = fold 0,test\nvalid_only = fold 0", epochs=3, tail="dropout = 0.5"), path, "--only", "split test"); check("MOSI", n == 752 and x["accuracy"] > .7, n, x)
    counts = [numbers("mosi", path, "--only", f"fold {k}")[0] for k in range(5)]; check("MOSI folds", sum(counts) == 1447, counts)
    n, _, _ = numbers(trained("mosi_audio", os.path.join(path, "audio.pickle"), rules="train_except = fold 0,test\nvalid_only = fold 0", epochs=1), os.path.join(path, "audio.pickle")); check("MOSI audio", n == 2199, n)
else: print("skipped: mosi_acl2017")
path = os.path.join(data, "emotale/data.tsv")
if os.path.exists(path): n, scored, _ = numbers("emotale", path, "--only", "speaker 001", "--except", "emotion happiness,neutral,sadness"); check("EmoTale itself", n == scored == 20, n, scored)
else: print("skipped: emotale")
print(f"{passed} passed, {failed} failed"); sys.exit(failed > 0)
