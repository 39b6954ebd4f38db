#!/usr/bin/env python3
"""What the measure of consistency is worth, and where its constants are from.

usage: bench/consistency.py fit AFFECT DATA WORK      prints the constants of src/align/signs.c
       bench/consistency.py pairs AFFECT DATA WORK    tries reach, distances and thresholds on pairs of the fit
       bench/consistency.py cases AFFECT DATA WORK COMPOSE [fit] [FROM:TO]
                                                      composes cases (54, or these), prints F1

fit: how likely face, voice and words are below, at or above neutral in valence: a multinomial logistic
regression for each (classes weighted alike) on what `affect analyze` says of them. Faces: Java-SED
actors 01, 02 and 03, by what is below and by the lip corners. Voices: EmoDB and ASED, the speakers with odd numbers. Words: texts of
GoEmotions' dev split with one label. The voice network that ships has heard both corpora; VOICE=FOLDER in the environment takes
one that has not, trained with its recipe less these two.

pairs: each face, voice and text is told by weights to which its actor, its speaker and its ninth of the texts gave nothing.

cases: faces of Java-SED actors 06, 07 and 08, voices of EmoDB and ASED speakers with even numbers, texts
written for it; nobody and nothing of the fit. Each case is the face of one clip, the voice of another and a
transcript: all of one sign, or one of them against the two others. Gold are the pairs of modalities of
which one is above and the other below neutral; F1 counts (case, pair). With `fit` the cases are made of the
faces and voices of the fit and of other texts.

WORK keeps what was analysed.
"""
import csv
import json
import os
import random
import subprocess
import sys

POSITIVE, NEGATIVE = {"happiness"}, {"sadness", "anger", "fear", "disgust"}
HAPPY = {"happiness", "joy", "amusement", "excitement", "love", "gratitude", "admiration", "optimism", "pride", "relief"}
FIT_FACES, TEST_FACES = {"01", "02", "03"}, {"06", "07", "08"}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")


VOICE = os.environ.get("VOICE")
MODEL = ["--model", f"voice.emotion={VOICE}"] if VOICE else []
HEARD = "voice-" + os.path.basename(VOICE.rstrip("/")) if VOICE else "voice"


def analysed(affect, recording, folder, *options):
    if not os.path.exists(f"{folder}/timeline.json"):
        run([affect, "analyze", recording, "--threads", "1", "--format", "json", "--quiet", "-o", folder, *options])
    with open(f"{folder}/timeline.json") as file:
        return json.load(file)


def sign_of(label):
    return 2 if label in POSITIVE else 0 if label in NEGATIVE else 1 if label == "neutral" else None


def mean_of(timeline, track_id):
    for track in timeline["tracks"]:
        if track["id"] == track_id and track["rows"]:
            sums = [0.0] * len(track["channels"])
            weight = sum(row[1] for row in track["rows"]) or 1e-9
            for row in track["rows"]:
                for k, value in enumerate(row[2:]):
                    sums[k] += row[1] * (value or 0) / weight
            return dict(zip(track["channels"], sums))
    return None


def synonyms(source):
    """label -> category, from the table that the program itself has."""
    out, inside = {}, False
    for line in open(source):
        if "synonyms[]" in line:
            inside = True
        if inside:
            parts = line.replace("{", "}").split("}")
            for part in parts:
                items = part.split(",")
                if len(items) == 2 and items[0].strip().startswith('"'):
                    out[items[0].strip().strip('"')] = int(items[1])
        if inside and "};" in line:
            break
    return out


CATEGORIES = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
SYNONYMS = synonyms(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../src/track/category.c"))


def features(affect, posteriors, units=None):
    """1, valence, arousal, share of happiness, share of what is below neutral, smile: as src/align/signs.c has them."""
    if not affect:
        return None
    absent = [1.0] * len(CATEGORIES)
    for label, p in (posteriors or {}).items():
        category = CATEGORIES.index(label) if label in CATEGORIES else SYNONYMS.get(label)
        if category is not None:
            absent[category] *= 1 - min(max(p, 0), 1)
    share = [1 - a for a in absent]
    whole = sum(share)
    share = [s / whole if whole > 0 else 0 for s in share]
    return [1.0, affect["valence"], affect["arousal"], share[1], sum(share[3:]), (units or {}).get("AU12", 0.0)]


# Which features a modality is told by, and the ridge. Faces are the mean of two fits, one by the smile and what is below, one by
# all else: the smile parts the clips of the fit so well that it would be believed alone, which others' faces do not bear out.
USED = {"smile": ([0, 4, 5], 0.03), "face without action units": ([0, 1, 2, 3, 4], 0.003), "voice": ([0, 1, 2, 3, 4], 0.003), "words": ([0, 1, 2, 3, 4], 0.003)}


def fit_signs(name, x, y):
    """Weights [6][3], neutral's and those of features that are not used 0."""
    import numpy as np

    if name == "face":
        return 0.5 * (fit_signs("smile", x, y) + fit_signs("face without action units", x, y))
    used, ridge = USED[name]
    x = x[:, used]
    weight = np.array([len(y) / 3 / np.sum(y == k) for k in y])[:, None] / len(y)
    target = np.eye(3)[y]
    n = len(used)
    w = np.zeros((n, 3))
    for _ in range(200):  # Newton
        z = x @ w
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        g = x.T @ (weight * (p - target)) + ridge * w * (np.arange(n) > 0)[:, None]
        h = np.zeros((2 * n,) * 2)
        for i, a in enumerate((0, 2)):
            for j, b in enumerate((0, 2)):
                d = weight[:, 0] * p[:, a] * ((a == b) - p[:, b])
                h[i * n : (i + 1) * n, j * n : (j + 1) * n] = x.T @ (d[:, None] * x) + (a == b) * ridge * np.diag(
                    (np.arange(n) > 0).astype(float)
                ) + (a == b) * 1e-6 * np.eye(n)
        step = np.linalg.solve(h, np.concatenate([g[:, 0], g[:, 2]]))
        w[:, 0] -= step[:n]
        w[:, 2] -= step[n:]
        if np.abs(step).max() < 1e-9:
            break
    out = np.zeros((6, 3))
    out[used] = w
    return out


def gold_texts(data):
    names = open(f"{data}/goemotions/labels.txt").read().split()
    below = {"anger", "annoyance", "disappointment", "disgust", "fear", "grief", "sadness", "remorse"}
    above = HAPPY - {"happiness", "pride", "relief"}
    out = {0: [], 1: [], 2: []}
    for line in open(f"{data}/goemotions/dev.tsv"):
        text, labels, _ = line.rstrip("\n").split("\t")
        label = names[int(labels)] if labels.isdigit() else None
        sign = 0 if label in below else 2 if label in above else 1 if label == "neutral" else None
        if sign is not None and len(text.split()) >= 4:
            out[sign].append(text)
    rng = random.Random(1)
    return [(text, sign) for sign in out for text in rng.sample(out[sign], 300)]


def stamp(seconds):
    ms = round(seconds * 1000)
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def write_srt(path, cues):
    with open(path, "w") as file:
        for k, (t0, t1, text) in enumerate(cues):
            file.write(f"{k + 1}\n{stamp(t0)} --> {stamp(t1)}\n{text}\n\n")


def voices(affect, data, work, odd):
    for corpus in ("emodb", "ased"):
        rows = list(csv.DictReader(open(f"{data}/{corpus}/data.tsv"), delimiter="\t"))
        rows = [r for r in rows if (int(r["speaker"]) % 2 == 1) == odd and sign_of(r["emotion"]) is not None]
        random.Random(1).shuffle(rows)
        for row in rows[:180]:
            path = f"{data}/{corpus}/{row['path']}"
            name = os.path.basename(row["path"])[:-5]
            yield path, sign_of(row["emotion"]), f"{work}/{HEARD}/{corpus}-{name}", corpus + row["speaker"]


def faces(data, work, actors):
    for row in csv.DictReader(open(f"{data}/java_sed/video.csv")):
        if row["speaker"] in actors and sign_of(row["label"]) is not None:
            name = os.path.basename(row["path"])[:-4]
            yield f"{data}/java_sed/{row['path']}", sign_of(row["label"]), f"{work}/java/{name}"


def near(timeline, track_id, time, reach):
    """The channels' means within `reach` of a time."""
    for track in timeline["tracks"]:
        if track["id"] == track_id:
            rows = [r for r in track["rows"] if time - reach <= r[0] <= time + reach]
            weight = sum(r[1] for r in rows)
            if weight > 0:
                return {c: sum(r[1] * (r[2 + k] or 0) for r in rows) / weight for k, c in enumerate(track["channels"])}
    return None


def sure(timeline, track_id):
    """The confidence of a track as src/align/signs.c has it: rows that count little do not lower it."""
    for track in timeline["tracks"]:
        if track["id"] == track_id:
            return sum(row[1] ** 2 for row in track["rows"]) / max(sum(row[1] for row in track["rows"]), 1e-9)
    return 0.0


def samples_of(affect, data, work):
    """Of each modality: (features, sign, whom to leave out together, timeline, confidence)."""
    samples = {"face": [], "voice": [], "words": []}
    for path, sign, folder in faces(data, work, FIT_FACES):
        t = analysed(affect, path, folder, "--no-words")
        x = features(mean_of(t, "face/1/affect"), mean_of(t, "face/1/expression"), mean_of(t, "face/1/aus"))
        if x:
            samples["face"].append((x, sign, os.path.basename(path)[:2], t, sure(t, "face/1/affect")))
    for path, sign, folder, speaker in voices(affect, data, work, True):
        t = analysed(affect, path, folder, "--no-words", "--no-face", *MODEL)
        x = features(mean_of(t, "voice/affect"), mean_of(t, "voice/emotion"))
        if x:
            samples["voice"].append((x, sign, speaker, None, sure(t, "voice/affect")))
    texts = gold_texts(data)
    os.makedirs(f"{work}/texts", exist_ok=True)
    write_srt(f"{work}/texts.srt", [(4 * k, 4 * k + 3, t) for k, (t, _) in enumerate(texts)])
    if not os.path.exists(f"{work}/texts.wav"):
        run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"anullsrc=r=16000:cl=mono:d={4 * len(texts)}", f"{work}/texts.wav"])
    t = analysed(affect, f"{work}/texts.wav", f"{work}/texts", "--no-face", "--no-voice", "--subtitles", f"{work}/texts.srt")
    tracks = {track["id"]: track for track in t["tracks"]}
    labels = {row[0]: dict(zip(tracks["words/emotion"]["channels"], row[2:])) for row in tracks["words/emotion"]["rows"]}
    for row in tracks["words/affect"]["rows"]:
        x = None
        if row[1] > 0 and row[2] is not None:
            x = features({"valence": row[2], "arousal": row[3]}, labels.get(row[0]))
        if x:
            samples["words"].append((x, texts[int(row[0] // 4)][1], int(row[0] // 4) % 9, None, row[1]))
    return samples


def fit(affect, data, work):
    import numpy as np

    print("    /* below neutral, above it: constant, valence, arousal, happiness, what is below, smile */")
    samples = samples_of(affect, data, work)
    samples["face without action units"] = samples["face"]
    for name, list_ in samples.items():
        x, y = np.array([s[0] for s in list_]), np.array([s[1] for s in list_])
        w = fit_signs(name, x, y)
        for k, side in ((0, "below"), (2, "above")):
            print(f"    {{{', '.join(f'{v:.2f}' for v in w[:, k])}}}, /* {name}, {side} */")
        right = [[], [], []]
        for group in {s[2] for s in list_}:
            out = np.array([s[2] == group for s in list_])
            told = (x[out] @ fit_signs(name, x[~out], y[~out])).argmax(1)
            for k, t in zip(y[out], told):
                right[k].append(t == k)
        recall = " ".join(f"{np.mean(r):.2f}" for r in right)
        print(f"    /* {len(y)} samples; recall below, neutral, above of whom the weights have not seen: {recall} */")


KINDS = [(2, 2, 2), (0, 0, 0), (1, 1, 1), (2, 0, 0), (0, 2, 2), (2, 2, 0), (0, 0, 2), (2, 0, 2), (0, 2, 0)]


def held_out(name, list_, steps):
    """Scores [steps][3] of each sample, by weights of the others; `steps` gives the rows to score."""
    import numpy as np

    x, y, out = np.array([s[0] for s in list_]), np.array([s[1] for s in list_]), [None] * len(list_)
    for group in {s[2] for s in list_}:
        here = np.array([s[2] == group for s in list_])
        w = fit_signs(name, x[~here], y[~here])
        for k in np.where(here)[0]:
            out[k] = np.array(steps(list_[k])) @ w
    return out, y


def face_steps(sample, reach):
    """Features each 0.2 s, means within `reach` of it."""
    t, end, out = sample[3], 0.0, []
    for track in t["tracks"]:
        if track["id"] == "face/1/affect":
            end = track["rows"][-1][0]
    for k in range(1, int(end / 0.2) + 1):
        a = near(t, "face/1/affect", 0.2 * k, reach)
        if a:
            out.append(features(a, near(t, "face/1/expression", 0.2 * k, reach), near(t, "face/1/aus", 0.2 * k, reach)))
    return out or [sample[0]]


def pairs(affect, data, work):
    """A face, a voice and a text, drawn together 200 times a kind. A pair contradicts where it is above the threshold in three steps
    of 0.2 s, as in src/align/consistency.c."""
    import itertools

    import numpy as np

    samples, found = samples_of(affect, data, work), []
    trusted = {}
    for name in samples:  # how much the scores of those who are left out are to be multiplied by
        scores, y = held_out(name, samples[name], lambda s: [s[0]])
        z, weight = np.concatenate(scores), np.array([1 / np.mean(y == k) for k in y])
        loss = {}
        for b in (0.5, 0.75, 1, 1.5, 2, 3, 4):
            p = np.exp(b * (z - z.max(1, keepdims=True)))
            loss[b] = -(weight * np.log(p[np.arange(len(y)), y] / p.sum(1))).mean() / 3
        print(f"{name}: likeliest with " + ", ".join(f"{b}: {v:.3f}" for b, v in sorted(loss.items(), key=lambda i: i[1])[:3]))
        b = min(loss, key=loss.get)  # and how much of their confidence is to be believed
        p = np.exp(b * (z - z.max(1, keepdims=True)))
        p = p[np.arange(len(y)), y] / p.sum(1)
        for trust in (0, 0.05, 0.1, 0.2, 0.35, 0.5, 1):
            share = np.array([min(s[4], 1) for s in samples[name]]) ** trust
            trusted.setdefault(trust, {})[name] = -(weight * np.log(share * p + (1 - share) / 3)).mean() / 3
    for trust, of in trusted.items():
        print(f"confidence to the power of {trust}: " + ", ".join(f"{n} {v:.4f}" for n, v in of.items()) + f"; sum {sum(of.values()):.4f}")
    voice, words = (held_out(n, samples[n], lambda s: [s[0]]) for n in ("voice", "words"))
    for reach in (0.5, 1.0, 2.0):
        told = [held_out("face", samples["face"], lambda s: face_steps(s, reach)), voice, words]
        rng = np.random.default_rng(1)
        drawn = [(g, [rng.choice(np.where(y == sign)[0], 200) for (_, y), sign in zip(told, g)]) for g in KINDS]
        for sharpen, flat in itertools.product(((2, 1.5, 1.5), (3, 2, 2), (3, 3, 3)), ((0.5, 0.2), (0.3, 0.1), (0.1, 0))):
            apart = np.array([[0, flat[1], 1], [flat[1], 0, flat[0]], [1, flat[0], 0]])
            prob = [[np.exp(b * (x - x.max(1, keepdims=True))) for x in scores] for (scores, _), b in zip(told, sharpen)]
            prob = [[x / x.sum(1, keepdims=True) for x in p] for p in prob]
            values, gold, agree = [], [], []
            for g, picks in drawn:
                for i, j in ((0, 1), (0, 2), (1, 2)):
                    for a, b in zip(picks[i], picks[j]):
                        d = np.sort((prob[i][a] @ apart @ prob[j][b].T)[:, 0])
                        values.append(d[-min(3, len(d))])
                        gold.append(abs(g[i] - g[j]) == 2)
                        agree.append(len(set(g)) == 1)
            values, gold, agree = np.array(values), np.array(gold), np.array(agree)
            for threshold in np.arange(0.15, 0.65, 0.05):
                told_ = values >= threshold
                hit = (told_ & gold).sum()
                found.append((2 * hit / (told_.sum() + gold.sum()), hit / max(told_.sum(), 1), told_[agree].mean(), reach, sharpen, flat, threshold))
    for f1, precision, false, reach, sharpen, flat, threshold in sorted(found, reverse=True)[:12]:
        print(f"F1 {f1:.3f} precision {precision:.2f} false where all agree {false:.2f}   reach {reach}, sharpen {sharpen}, flat {flat}, threshold {threshold:.2f}")
    top = max(found)[0]
    fewest = min((f for f in found if f[0] >= top - 0.01), key=lambda f: f[2])
    print(f"within .01 of it, fewest false: F1 {fewest[0]:.3f}, {fewest[2]:.2f}, reach {fewest[3]}, sharpen {fewest[4]}, flat {fewest[5]}, threshold {fewest[6]:.2f}")
    for r in (0.5, 1.0, 2.0):
        print(f"best with reach {r}: F1 {max(f for f in found if f[3] == r)[0]:.3f}")


TEXTS = {
    False: {
        2: ["This is wonderful, I love it.", "I am so happy for you.", "What a great day, thank you.", "We won, this is amazing.",
            "I am really proud of you.", "That was a lovely evening."],
        1: ["The meeting is on Tuesday at ten.", "The train stops here twice a day.", "She put the box on the table.",
            "There are four chairs in the room.", "He walked to the station.", "The shop closes at six."],
        0: ["Everything is terrible and I hate it.", "My dog died last night.", "I am so afraid of him.", "This is awful, I feel sick.",
            "She was hurt and nobody helped.", "I lost my job and I am desperate."],
    },
    True: {
        2: ["I enjoyed every minute of it.", "You made me smile, I adore you.", "Good news, we are saved.", "What a beautiful surprise."],
        1: ["The report has twelve pages.", "I parked the car behind the house.", "It is a quarter past three.", "The window faces the street."],
        0: ["I am furious about this mess.", "We failed and it hurts.", "It was a horrible accident.", "I miss her and cannot stop crying."],
    },
}
PAIRS = [("face", "voice"), ("face", "words"), ("voice", "words")]


def contradicted(timeline):
    out = set()
    sides = {i["id"]: i["attributes"]["modality"] for t in timeline["tiers"] if t["id"] == "contradictions" for i in t["intervals"]}
    for link in timeline["links"]:
        if link["kind"] == "contradicts":
            out.add((sides[link["from"]], sides[link["to"]]))
    return out


def f1_of(counts):
    hit, wrong, missed = counts
    return 2 * hit / max(2 * hit + wrong + missed, 1)


def cases(affect, data, work, compose, own=False, which=(0, 54)):
    by_sign = {m: {0: [], 1: [], 2: []} for m in ("face", "voice")}
    for path, sign, _ in faces(data, work, FIT_FACES if own else TEST_FACES):
        by_sign["face"][sign].append(path)
    for path, sign, *_ in voices(affect, data, work, own):
        by_sign["voice"][sign].append(path)
    rng = random.Random(7)
    folder = f"{work}/cases{'-fit' if own else ''}"
    os.makedirs(folder, exist_ok=True)
    counts = {pair: [0, 0, 0] for pair in PAIRS}
    for k in range(which[1]):
        signs = KINDS[k % len(KINDS)]
        face, voice = rng.choice(by_sign["face"][signs[0]]), rng.choice(by_sign["voice"][signs[1]])
        text = rng.choice(TEXTS[own][signs[2]])
        out = f"{folder}/{k}"
        if k < which[0]:
            continue
        if not os.path.exists(out + ".mp4"):
            with open(out + ".txt", "w") as file:
                file.write(f"size 480 360 25\nshot 3.4\nsee A {os.path.relpath(face, data)} full\n"
                           f"hear A {os.path.relpath(voice, data)} at .3 for 3\n")
            write_srt(out + ".srt", [(0.4, 3.2, text)])
            run([compose, out + ".txt", data, out])
        run([affect, "analyze", out + ".mp4", "--threads", "1", "--format", "json", "--quiet", "--force", "-o", out, "--subtitles", out + ".srt", *MODEL])
        with open(f"{out}/timeline.json") as file:
            timeline = json.load(file)
        found = contradicted(timeline)
        for pair in PAIRS:
            a, b = (signs[("face", "voice", "words").index(m)] for m in pair)
            gold = abs(a - b) == 2
            counts[pair][0 if gold and pair in found else 1 if pair in found else 2] += gold or pair in found
            if gold != (pair in found):
                print(f"case {k}, {signs}: {pair[0]} and {pair[1]} {'missed' if gold else 'wrong'}", flush=True)
    for pair, c in counts.items():
        print(f"{pair[0]} and {pair[1]:6} F1 {f1_of(c):.3f}   {c[0]} found, {c[1]} wrong, {c[2]} missed")
    total = [sum(c[i] for c in counts.values()) for i in range(3)]
    print(f"all            F1 {f1_of(total):.3f}   {total[0]} found, {total[1]} wrong, {total[2]} missed, of {which[1] - which[0]} cases")


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] == "fit":
        fit(*sys.argv[2:])
    elif len(sys.argv) == 5 and sys.argv[1] == "pairs":
        pairs(*sys.argv[2:])
    elif 6 <= len(sys.argv) <= 8 and sys.argv[1] == "cases":
        which = next((tuple(int(n) for n in a.split(":")) for a in sys.argv[6:] if ":" in a), (0, 54))
        cases(*sys.argv[2:6], own="fit" in sys.argv[6:], which=which)
    else:
        sys.exit(__doc__)
