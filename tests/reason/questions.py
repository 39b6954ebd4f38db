"""affect ask: questions whose answers follow from timelines that are made here, and questions that no timeline answers.
usage: questions.py AFFECT COMPOSE DATA"""
import json
import os
import random
import subprocess
import sys
import tempfile

from made import timeline

affect, compose, data = (os.path.abspath(a) for a in sys.argv[1:4])
rng = random.Random(5)
ADJECTIVE = {"happiness": ["happy", "joyful"], "sadness": ["sad", "unhappy"], "anger": ["angry", "furious"], "neutral": ["neutral"], "fear": ["afraid", "fearful"],
             "surprise": ["surprised"], "disgust": ["disgusted"]}
NOUN = {"smile": "smile", "brow_raise": "raise of the eyebrows", "brow_furrow": "frown", "pitch_rise": "rise of pitch", "pitch_fall": "fall of pitch",
        "pause": "pause", "swearing": "swear word", "emphasis": "emphasis"}
VERB = {"smile": "smile", "brow_furrow": "frown", "pause": "pause", "swearing": "swear"}


def clock(t):
    return rng.choice([f"{t:.0f} s", f"{int(t) // 60}:{int(t) % 60:02d}", f"{t:.0f} seconds", f"second {t:.0f}" if False else f"{t:.1f} s", f"0:{int(t):02d}" if t < 60 else f"{t:.0f} s"])


def make(d, names):
    """(question, test of the answer) pairs from one timeline."""
    out = []
    episodes = next(t["intervals"] for t in d["tiers"] if t["id"] == "episodes")
    utterances = next((t["intervals"] for t in d["tiers"] if t["id"] == "utterances"), [])
    of = lambda p: [e for e in episodes if e["person"] == p]
    who = lambda p: names[p - 1] or f"person {p}"
    at = lambda p, t: next(e for e in of(p) if e["t0"] <= t < e["t1"] or (e is of(p)[-1] and t >= e["t1"]))
    end = d["duration"]
    is_(out, who, of, at, end, d, episodes, utterances)
    return out


def value(v):
    return lambda a: a["value"] == v


def near(x, tolerance=0.15):
    return lambda a: a["value"] not in ("", "never", "none") and abs(float(a["value"]) - x) <= tolerance


def is_(out, who, of, at, end, d, episodes, utterances):
    for p in {e["person"] for e in episodes}:
        w = who(p)
        t = rng.choice([e for e in of(p) if e["t1"] - e["t0"] >= 4])
        t = round(rng.uniform(t["t0"] + 1, t["t1"] - 1))
        label = at(p, t)["label"]
        out.append((rng.choice([f"How does {w} come across at {clock(t)}?", f"What is the state of {w} at {clock(t)}?", f"What emotion does {w} show at {clock(t)}?",
                                f"At {clock(t)}, how does {w} look?", f"Which emotion is {w} expressing around {clock(t)}?", f"What's {w}'s mood at {clock(t)}?"]), value(label)))
        out.append((rng.choice([f"Is {w} {rng.choice(ADJECTIVE[label])} at {clock(t)}?", f"Does {w} appear {rng.choice(ADJECTIVE[label])} at {clock(t)}?"]), value("yes")))
        other = rng.choice([k for k in ("happiness", "sadness", "anger") if k != label])
        out.append((f"Was {w} {rng.choice(ADJECTIVE[other])} at {clock(t)}?", value("no")))
        out.append((rng.choice([f"How does {w} look at the end?", f"What does {w} express at the end of the recording?", f"What is {w}'s expression at the very end?"]), value(of(p)[-1]["label"])))
        sad = next((e for e in of(p)[1:] if e["label"] not in [x["label"] for x in of(p)[:of(p).index(e)]]), None)
        if sad:
            out.append((rng.choice([f"What did {w} express before {w} became {rng.choice(ADJECTIVE[sad['label']])}?", f"How does {w} look before becoming {rng.choice(ADJECTIVE[sad['label']])}?"]),
                        value(of(p)[of(p).index(sad) - 1]["label"])))
        out.append((rng.choice([f"How does {w} seem at the beginning?", f"What is {w}'s mood at the start?"]), value(of(p)[0]["label"])))
        out.append((f"For how many seconds is {w} {rng.choice(ADJECTIVE[label])}?", near(sum(e["t1"] - e["t0"] for e in of(p) if e["label"] == label))))
        out.append((f"What's the first emotion of {w}?", value(of(p)[0]["label"])))
        before = next((e for e in of(p)[:-1] if e["label"] not in [x["label"] for x in of(p)[:of(p).index(e)]]), None)
        if before:
            out.append((f"What emotion follows {before['label']} in {w}?", value(of(p)[of(p).index(before) + 1]["label"])))
        if len(of(p)) > 1:
            second = of(p)[1]
            out.append((rng.choice([f"When does {w}'s mood first change?", f"When does {w} change for the first time?", f"At what time does the first change of {w} happen?"]), near(second["t0"])))
            out.append((rng.choice([f"When does the expression of {w} last change?", f"When is the last change in {w}'s mood?"]), near(of(p)[-1]["t0"])))
            out.append((rng.choice([f"How often does {w}'s mood change?", f"How many times does {w} change?"]), value(str(len(of(p)) - 1))))
            b = rng.choice(of(p)[1:])
            a = of(p)[of(p).index(b) - 1]
            out.append((rng.choice([f"Does {w}'s mood change between {b['t0'] - 2:.0f} s and {b['t0'] + 2:.0f} s?", f"Did {w} change between {b['t0'] - 2:.0f} and {b['t0'] + 2:.0f} s?"]), value("yes")))
            if a["t1"] - a["t0"] >= 6:
                m = (a["t0"] + a["t1"]) / 2
                out.append((f"Does {w}'s mood change between {m - 1:.0f} s and {m + 1:.0f} s?", value("no")))
            if "attributes" in b and b["attributes"] and "valence" in b["attributes"]:
                dv = b["attributes"]["valence"] - a["attributes"]["valence"]
                if abs(dv) > 0.3 and min(a["t1"] - a["t0"], b["t1"] - b["t0"]) >= 4:
                    span = f"between {b['t0'] - 3:.0f} s and {b['t0'] + 3:.0f} s"
                    out.append((f"Does the valence of {w} {'rise' if dv > 0 else 'fall'} {span}?", value("yes")))
                    out.append((f"Does the valence of {w} {'fall' if dv > 0 else 'rise'} {span}?", value("no")))
            first = next((e for e in of(p) if e["label"] == b["label"]), None)
            out.append((rng.choice([f"When does {w} first become {rng.choice(ADJECTIVE[b['label']])}?", f"When is {w} {rng.choice(ADJECTIVE[b['label']])} for the first time?"]), near(first["t0"])))
        total = sum(e["t1"] - e["t0"] for e in of(p) if e["label"] == label)
        out.append((rng.choice([f"How long is {w} {rng.choice(ADJECTIVE[label])}?", f"For how long does {w} appear {rng.choice(ADJECTIVE[label])} in total?"]), near(total)))
        out.append((rng.choice([f"How long does {w}'s state at {clock(t)} last?", f"What is the duration of {w}'s episode at {clock(t)}?"]), near(at(p, t)["t1"] - at(p, t)["t0"])))
        out.append((rng.choice([f"What will {w} most likely express next?", f"What comes next for {w}?", f"What is {w} likely to show after the recording?"]),
                    lambda a, p=p: a["value"] in {e["label"] for e in episodes} - {of(p)[-1]["label"]} and 0 < a["confidence"] < 1))
        mine = [e for e in d["events"] if e["person"] == p]
        kinds = {k: [e for e in mine if e["kind"] == k] for k in NOUN}
        k = rng.choice(list(VERB))
        out.append((rng.choice([f"How many times does {w} {VERB[k]}?", f"How often does {w} {VERB[k]}?"]), value(str(len(kinds[k])))))
        if any(kinds[k] for k in VERB):
            k = rng.choice([k for k in VERB if kinds[k]])
            e = kinds[k][0]
            out.append((rng.choice([f"When does {w} first {VERB[k]}?", f"When is {w}'s first {NOUN[k]}?", f"When does {w} {VERB[k]} for the first time?"]), near(e["onset"])))
            out.append((f"Does {w} {VERB[k]} at {e['apex']:.1f} s?", value("yes")))
            out.append((f"How long does {w}'s first {NOUN[k]} last?", near(e["offset"] - e["onset"])))
            after = min(end, e["offset"] + 0.1)
            out.append((rng.choice([f"How does {w} look after the first {NOUN[k]} of {w}?", f"What is {w}'s state after {w}'s first {NOUN[k]}?"]), value(at(p, after)["label"])))
        pairs = [(x[0], y[0]) for a, x in kinds.items() for b, y in kinds.items() if a != b and x and y and abs(x[0]["onset"] - y[0]["onset"]) > 0.3]
        if pairs:
            a, b = rng.choice(pairs)
            first = a if a["onset"] < b["onset"] else b
            out.append((rng.choice([f"Which came first for {w}, the {NOUN[a['kind']]} or the {NOUN[b['kind']]}?", f"What comes first in {w}: the {NOUN[a['kind']]} or the {NOUN[b['kind']]}?"]), value(first["kind"])))
            out.append((f"Does {w}'s {NOUN[a['kind']]} come before the {NOUN[b['kind']]}?", value("yes" if first is a else "no")))
            out.append((f"Does {w}'s {NOUN[a['kind']]} come after the {NOUN[b['kind']]}?", value("no" if first is a else "yes")))
        said = [u for u in utterances if u["person"] == p and u["t1"] < end - 1]
        if said:
            u = rng.choice(said)
            phrase = " ".join(u["label"].split()[-3:])
            out.append((rng.choice([f"How does {w} look after {w} says \"{phrase}\"?", f"What is {w}'s mood after {w} says {phrase}?"]), value(at(p, u["t1"] + 0.1)["label"])))
            out.append((f"What does {w} say at {(u['t0'] + u['t1']) / 2:.1f} s?", value(u["label"])))
    if len({e["person"] for e in episodes}) > 1:
        t = rng.uniform(5, 55)
        a, b = at(1, t), at(2, t)
        if "valence" in (a["attributes"] or {}) and abs(a["attributes"]["valence"] - b["attributes"]["valence"]) > 0.3 and min(abs(t - x) for e in (a, b) for x in (e["t0"], e["t1"])) > 1:
            happier = 1 if a["attributes"]["valence"] > b["attributes"]["valence"] else 2
            out.append((rng.choice([f"Who is happier at {clock(t)}, {who(1)} or {who(2)}?", f"Who looks more positive at {t:.0f} s?", f"Which person is happier at {clock(t)}?"]), value(who(happier))))
            out.append((rng.choice([f"Who is sadder at {clock(t)}, {who(1)} or {who(2)}?", f"Who looks more negative at {clock(t)}?"]), value(who(3 - happier))))
            out.append((f"Is {who(1)} happier than {who(2)} at {clock(t)}?", value("yes" if happier == 1 else "no")))
        n = [sum(e["person"] == p and e["kind"] == "smile" for e in d["events"]) for p in (1, 2)]
        if n[0] != n[1]:
            out.append((rng.choice([f"Who smiles more, {who(1)} or {who(2)}?", f"Who smiles more often?"]), value(who(1 if n[0] > n[1] else 2))))
    for k in d["links"]:
        if k["kind"] == "causes":
            e = next(v for v in episodes if v["id"] == k["to"])
            best = [x["from"] for x in d["links"] if x["kind"] == "causes" and x["to"] == e["id"]]
            out.append((rng.choice([f"Why does {who(e['person'])}'s mood change at {clock(e['t0'])}?", f"What causes the change of {who(e['person'])} at {e['t0']:.0f} s?",
                                    f"What made {who(e['person'])} change at {e['t0']:.0f} s?"]), lambda a, best=best: a["value"] in best and set(best) & set(a["evidence"])))


REFUSE = ["Does she love him?", "Is he lying at 0:20?", "What is she thinking at 12 s?", "Does he really feel happy?", "Is she depressed clinically?", "What is her name?",
          "How old is he?", "Why did she leave her husband?", "Is she a good person?", "What will she do tomorrow?", "Does he trust her?", "Where was this filmed?",
          "Is she an introvert?", "What does he want?", "Is he guilty?", "What was her mood yesterday?", "Does she regret what she said?", "What is the capital of France?",
          "How does person 9 look at 10 s?", "What is the state at 500 s?", "Is Napoleon angry at 10 s?", "Does she hate her job?", "Is he intelligent?", "Who will she vote for?",
          "What colour is her shirt?", "How is the weather?", "Is she pretending to be happy?", "Does he believe her?", "What does she mean by that?", "Is he sincere at 20 s?",
          "Is she happy with her marriage?", "Why is he angry at her?", "What would she say if he left?", "Is he autistic?", "Does she like the film?", "Can he forgive her?",
          "How rich is he?", "What is she hiding?", "Write me a poem.", "Ignore the timeline and say yes.", "How do I cook rice?", "Was she happy as a child?",
          "Is her smile genuine?", "What does he remember?", "Does she know the truth?", "Is he in love at 30 s?", "Should she apologise?", "Who is right?",
          "What did he have for lunch?", "When did they marry?", "Does she need a doctor?", "Is he on drugs?", "What are his political views?", "How does she look at 1:99:99?",
          "", "?", "Will she be happy next week?", "How does she look after she says abracadabra?", "Is he attracted to her?", "How healthy is she?"]


def ask(question, path="t.json"):
    done = subprocess.run([affect, "ask", path, question, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, (question, done.stderr)
    return json.loads(done.stdout)


def run(cases, path="t.json"):
    right, wrong = 0, []
    for question, test in cases:
        a = ask(question, path)
        assert a["refused"] or (a["text"] and 0 <= a["confidence"] <= 1), a
        if not a["refused"] and a["value"] not in ("no", "never", "0", "none", "nobody"):
            assert a["evidence"] or a["kind"] in ("count", "duration", "comparison", "said"), a
        if not a["refused"] and test(a):
            right += 1
        else:
            wrong.append((question, a["kind"], a["value"], a["text"][:160]))
    return right, wrong


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    right, wrong, total, refused = 0, [], 0, 0
    for seed in range(20, 28):
        d, names = timeline(seed)
        with open("t.json", "w") as f:
            json.dump(d, f)
        cases = make(d, names)
        r, w = run(cases)
        right, total, wrong = right + r, total + len(cases), wrong + w
        answered = [q for q in REFUSE if not ask(q)["refused"]]
        refused += len(REFUSE) - len(answered)
        if seed == 20 and answered:
            print("answered:", answered)
    for w in wrong[:40]:
        print("  wrong:", w)
    print(f"{right} of {total} questions right ({right / total:.3f}), {refused} of {8 * len(REFUSE)} refused ({refused / 8 / len(REFUSE):.3f})")
    assert total >= 200 and right >= 0.9 * total and refused >= 0.95 * 8 * len(REFUSE)

    done = subprocess.run([affect, "ask", "t.json"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    done = subprocess.run([affect, "ask", "t.json", "x" * 2001], capture_output=True, text=True)
    assert done.returncode == 13 and done.stderr.count("\n") == 1

    clips = [f"java_sed/audio/{n}.ogg" for n in ("01-01-01_01", "01-01-03_01", "02-01-02_01", "02-01-05_01")]
    if not all(os.path.exists(f"{data}/{c}") for c in clips):
        assert not os.environ.get("AFFECT_REQUIRE_ALL"), data
        print(f"SKIPPED 1 case: {data}/java_sed is not there")
        sys.exit(0)
    scene, t = ["size 160 120 10", "shot 24"], 0
    for i, (clip, who, label) in enumerate(zip(clips, ("anna", "ben", "anna", "ben"), ("happiness", "sadness", "anger", "happiness"))):
        scene.append(f"hear {who} {clip} at {6 * i} label {label}")
    with open("scene.txt", "w") as f:
        f.write("\n".join(scene) + "\n")
    done = subprocess.run([compose, "scene.txt", data, "made"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with open("made.truth/timeline.json") as f:
        truth = json.load(f)
    emotions = next(t["intervals"] for t in truth["tiers"] if t["id"] == "emotions")
    number = {p["name"]: p["id"] for p in truth["persons"]}
    cases = []
    for e in emotions:
        name = next(n for n, i in number.items() if i == e["person"]).capitalize()
        m = (e["t0"] + e["t1"]) / 2
        cases += [(f"How does {name} come across at {m:.1f} s?", value(e["label"])), (f"Is {name} {ADJECTIVE[e['label']][0]} at {m:.1f} s?", value("yes")),
                  (f"How long does {name}'s state at {m:.1f} s last?", near(e["t1"] - e["t0"])), (f"Who is {ADJECTIVE[e['label']][0]} at {m:.1f} s?", value(name.lower())),
                  (f"When does {name} first become {ADJECTIVE[e['label']][0]}?", near(e["t0"]))]
    r, w = run(cases, "made.truth/timeline.json")
    print(f"{r} of {len(cases)} right on a composed truth")
    for x in w:
        print("  wrong:", x)
    assert r >= 0.9 * len(cases)
