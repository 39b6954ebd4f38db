"""affect check on a fourth wording: observation notes, with clock times, nominal style, hedges and two facts in a sentence. The sentences were written
without a look at the checker's tables of words; docs/reason.md says what it gave at first. usage: wording_fourth.py AFFECT"""
import json
import os
import subprocess
import sys
import tempfile

from made import timeline

affect = os.path.abspath(sys.argv[1])

# Of each kind of event: sentences that say it, nouns, and sentences that say another kind's. {c}: the apex as 0:14.
EVENTS = {
    "smile": (["Clearly noticeable at {c}: {n} starts smiling.", "Observers would note the smile of {n} around {c}.", "{n} cannot suppress a smile ({a:.1f} s).", "A brief smile ({l:.1f} s long) crosses {n}'s features."], "smile"),
    "brow_raise": (["{n}'s eyebrows shoot up at {c}.", "Raised eyebrows are seen on {n} at {a:.1f} s.", "Lifting of the eyebrows, {o:.1f}-{f:.1f} s."], "raising of the eyebrows"),
    "brow_furrow": (["{n}'s brow is furrowed at {c}.", "Furrowed brows on {n}'s face at {a:.1f} s.", "Contraction of the brows into a frown, {o:.1f}-{f:.1f} s."], "frown"),
    "micro_expression": (["A micro-expression flashes across {n}'s face at {c}.", "Very short facial movement, a microexpression, {l:.1f} s in length."], "micro-expression"),
    "pitch_rise": (["{n}'s voice rises in pitch at {c}.", "An upward movement of pitch begins at {o:.1f} s.", "Higher pitch in {n}'s voice around {a:.1f} s."], "rise of pitch"),
    "pitch_fall": (["{n}'s voice drops in pitch at {c}.", "A downward movement of pitch begins at {o:.1f} s.", "Lower pitch in {n}'s voice around {a:.1f} s."], "fall of pitch"),
    "emphasis": (["At {c} {n} lays emphasis on what is said.", "A stressed stretch of speech, {o:.1f}-{f:.1f} s."], "emphasis"),
    "pause": (["{n} pauses at {c}.", "A pause of {l:.1f} s in {n}'s speech.", "Silence from {n} between {o:.1f} and {f:.1f} s."], "pause"),
    "negation": (["At {c} {n} uses a negation.", "A negated phrase occurs in {n}'s words."], "negation"),
    "swearing": (["At {c} {n} swears.", "{n} curses around {a:.1f} s."], "swear word"),
    "intensifier": (["At {c} {n} intensifies the wording.", "An intensifying word at {a:.1f} s."], "intensifier"),
}
OPPOSITE = {"smile": "{n}'s brow is furrowed at {c}.", "brow_furrow": "{n} starts smiling at {c}.", "pitch_rise": "Lower pitch in {n}'s voice around {a:.1f} s.",
            "pitch_fall": "Higher pitch in {n}'s voice around {a:.1f} s.", "pause": "{n} laughs at {c}.", "brow_raise": "{n} swears at {c}."}
FEELS = {"happiness": ["joyful", "content", "upbeat", "cheerful"], "sadness": ["downcast", "dejected", "gloomy", "sad"],
         "anger": ["furious", "irritated", "annoyed", "mad"], "fear": ["scared", "anxious", "nervous", "fearful"], "neutral": ["neutral", "composed", "calm"]}
WRONG = {"happiness": ["dejected", "irate"], "sadness": ["elated", "jubilant"], "anger": ["contented", "relaxed"], "fear": ["happy", "thrilled"], "neutral": ["desperate", "euphoric"]}

claims, truth, sorts = [], [], []
counts = {}


def add(ok, sort, text, kind, person, modality, direction, t0, t1, evidence):
    claims.append({"text": text, "kind": kind, "person": person, "modality": modality, "direction": direction, "t0": t0, "t1": t1, "evidence": evidence})
    truth.append(ok)
    sorts.append(sort)


def make(d, names):
    tiers = {t["id"]: t["intervals"] for t in d["tiers"]}
    episodes, utterances, events = tiers["episodes"], tiers["utterances"], d["events"]
    for e in events:
        n, other = names[e["person"] - 1] or f"person {e['person']}", next((x for i, x in enumerate(names) if i != e["person"] - 1 and x), "person 7")
        f = {"n": n, "c": f"{int(e['apex']) // 60}:{int(e['apex']) % 60:02d}", "a": e["apex"], "o": e["onset"], "f": e["offset"], "l": e["offset"] - e["onset"]}
        common = ("event", e["person"], e["modality"], {"pitch_rise": "rise", "pitch_fall": "fall"}.get(e["kind"]), e["onset"], e["offset"], [e["id"]])
        sentences, noun = EVENTS[e["kind"]]
        for t in sentences:
            add(True, "event", t.format(**f), *common)
        if e["kind"] in OPPOSITE:
            add(False, "kind in the text", OPPOSITE[e["kind"]].format(**f), *common)
        add(False, "time in the text", f"At 0:{(int(e['apex']) + 12) % 60:02d} there is a {noun} of {n}.", *common)
        add(False, "person in the text", f"The {noun} at {e['apex']:.1f} s belongs to {other}.", *common)
        add(False, "denial", f"{n} shows no {noun} at {e['apex']:.1f} s.", *common)
        wrong = {"face": "voice", "voice": "face", "words": "face"}[e["modality"]]
        add(False, "modality", f"Noted at {e['apex']:.1f} s: a {noun}.", common[0], common[1], wrong, *common[3:])
    for e in episodes:
        n = names[e["person"] - 1] or f"person {e['person']}"
        common = ("state", e["person"], "fused", None, e["t0"], e["t1"], [e["id"]])
        for w in FEELS[e["label"]]:
            add(True, "state", f"{n} is perceived as {w} over a span of {e['t1'] - e['t0']:.0f} s.", *common)
            add(True, "state", f"The impression between 0:{int(e['t0']):02d} and {e['t1']:.0f} s: {n} seems rather {w}.", *common)
        for w in WRONG[e["label"]]:
            add(False, "label", f"{n} is perceived as {w} here.", *common)
        add(False, "duration", f"{n} remains {FEELS[e['label']][0]} over a span of {2 * (e['t1'] - e['t0']) + 5:.0f} seconds.", *common)
        add(False, "denial", f"{n} does not come across as {FEELS[e['label']][0]}.", *common)
    for a in episodes:
        for b in episodes:
            if a["person"] != b["person"] or a["t1"] != b["t0"]:
                continue
            n = names[a["person"] - 1] or f"person {a['person']}"
            for level in ("valence", "arousal"):
                delta = b["attributes"][level] - a["attributes"][level]
                if abs(delta) < 0.3:
                    continue
                texts = {("valence", True): [f"{n}'s affect shifts towards the positive at {b['t0']:.0f} s.", f"An increase in valence is observed for {n}.", f"{n}'s mood improves from {b['t0']:.0f} s on."],
                         ("valence", False): [f"{n}'s affect shifts towards the negative at {b['t0']:.0f} s.", f"A decrease in valence is observed for {n}.", f"{n}'s mood worsens from {b['t0']:.0f} s on."],
                         ("arousal", True): [f"{n} grows more aroused at {b['t0']:.0f} s.", f"An increase in arousal sets in at {b['t0']:.0f} s."],
                         ("arousal", False): [f"{n} becomes less aroused at {b['t0']:.0f} s.", f"A reduction in arousal sets in at {b['t0']:.0f} s."]}
                common = ("change", a["person"], "fused", "rise" if delta > 0 else "fall", a["t0"], b["t1"], [a["id"], b["id"]])
                valence = b["attributes"]["valence"] - a["attributes"]["valence"]
                if level == "arousal" and abs(valence) >= 0.04 and (valence > 0) != (delta > 0):
                    continue  # the field `direction` is of valence: it cannot be said with it
                for t in texts[level, delta > 0]:
                    add(True, "change", t, *common)
                for t in texts[level, delta < 0]:
                    add(False, "direction in the text", t, *common)
    pairs = [(a, b) for a in events for b in events if a["kind"] != b["kind"] and 0.5 < b["onset"] - a["onset"] < 8 and b["apex"] > a["apex"] + 0.3 and b["offset"] > a["offset"]]
    for a, b in pairs[::3]:
        x, y = EVENTS[a["kind"]][1], EVENTS[b["kind"]][1]
        person = a["person"] if a["person"] == b["person"] else None
        modality = a["modality"] if a["modality"] == b["modality"] else "fused"
        common = (person, modality, None, a["onset"], b["offset"], [a["id"], b["id"]])
        for first, second, ok in ((x, y, True), (y, x, False)):
            for t in ("First a {x}, then a {y}.", "The {x} occurs prior to the {y}.", "The {y} takes place after the {x}.", "The {x} is earlier than the {y}.", "Subsequent to the {x} comes a {y}.", "The {y} is the later of the two, the {x} the earlier."):
                add(ok, "order" if ok else "order in the text", t.format(x=first, y=second), "order", *common)
        lag = b["onset"] - a["onset"]
        for t in ("The delay between the {x} and the {y} amounts to {l:.1f} s.", "The {y} trails the {x} by {l:.2f} s.", "The {x} precedes the {y} by {ms:.0f} milliseconds.", "There are {l:.1f} seconds between {x} and {y}."):
            add(True, "lag", t.format(x=x, y=y, l=lag, ms=lag * 1000), "lag", *common)
            wrong = lag * 2 + 0.7
            add(False, "lag in the text", t.format(x=x, y=y, l=wrong, ms=wrong * 1000), "lag", *common)
    by = {e["id"]: e for e in events}
    for k in d["links"]:
        if k["kind"] == "contradicts":
            a, b = by[k["from"]], by[k["to"]]
            common = ("contradiction", a["person"], "fused", None, min(a["onset"], b["onset"]), max(a["offset"], b["offset"]), [a["id"], b["id"]])
            for t in ("Facial and verbal channels are in conflict here.", "The face tells a different story than the words.", "The spoken words are not in line with the facial expression."):
                add(True, "contradiction", t, *common)
            for t in ("The spoken words are in line with the facial expression.", "The voice and the face are in conflict here."):
                add(False, "sides in the text", t, *common)
    for u in utterances:
        words = u["label"].split()
        common = ("event", u["person"], "words", None, u["t0"], u["t1"], [u["id"]])
        n = names[u["person"] - 1] or f"person {u['person']}"
        add(True, "said", f"{n} can be heard saying \"{' '.join(words[:5])}\" ({u['t0']:.1f} s).", *common)
        add(False, "words in the text", f"{n} can be heard saying \"give me the keys\" ({u['t0']:.1f} s).", *common)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for seed in (6, 10, 15):
        claims.clear(), truth.clear(), sorts.clear()
        d, names = timeline(seed)
        make(d, names)
        with open("t.json", "w") as f:
            json.dump(d, f)
        with open("e.json", "w") as f:
            json.dump({"schema": "affect-explanation/1", "claims": claims}, f)
        done = subprocess.run([affect, "check", "t.json", "e.json", "--json"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for k, ok, sort in zip(json.loads(done.stdout)["claims"], truth, sorts):
            supported = k["verdict"] == "supported"
            c = counts.setdefault((sort, ok), [0, 0, {}])
            c[0] += 1
            if supported != ok:
                c[1] += 1
                c[2].setdefault(k["text"][:90] + " | " + k["reason"][:80], 0)
tp = sum(c[0] - c[1] for (s, ok), c in counts.items() if not ok)
fn = sum(c[1] for (s, ok), c in counts.items() if not ok)
fp = sum(c[1] for (s, ok), c in counts.items() if ok)
for (sort, ok), c in sorted(counts.items()):
    print(f"{'true ' if ok else 'false'} {sort:24} {c[0] - c[1]:4} of {c[0]:4} judged right")
    if "--verbose" in sys.argv:
        for t in list(c[2])[:8]:
            print("       ", t)
print(f"{sum(c[0] for c in counts.values())} claims: precision {tp / (tp + fp):.3f}, recall {tp / (tp + fn):.3f}")
assert tp / (tp + fp) >= 0.95 and tp / (tp + fn) >= 0.95
