"""affect check on a third wording, of the kind that language models write, with falsehoods of eight kinds. The sentences were written
without a look at the checker's tables of words; docs/reason.md says what it gave at first. usage: wording_third.py AFFECT"""
import json
import os
import subprocess
import sys
import tempfile

from made import timeline

affect = os.path.abspath(sys.argv[1])

# Of each kind of event: sentences that say it, nouns, and sentences that say another kind's.
EVENTS = {
    "smile": (["{n} beams for a moment at {a:.1f} s.", "Around {a:.1f} s the lips curl upwards into a smile.", "{n}'s face lights up with a grin.", "A warm smile spreads over {n}'s face between {o:.1f} and {f:.1f} s."], "smile"),
    "brow_raise": (["{n}'s eyebrows arch at {a:.1f} s.", "With lifted brows, {n} reacts at {a:.1f} s.", "The eyebrows go up for {l:.1f} s."], "brow raise"),
    "brow_furrow": (["{n} knits the brows at {a:.1f} s.", "A scowl forms on {n}'s face.", "{n} frowns, visibly, from {o:.1f} to {f:.1f} s."], "frown"),
    "micro_expression": (["For a split second a micro-expression passes over the face.", "A fleeting facial expression surfaces at {a:.1f} s."], "micro-expression"),
    "pitch_rise": (["{n}'s tone goes higher at {a:.1f} s.", "The pitch of the voice lifts from {o:.1f} s onwards.", "{n} speaks in a rising tone."], "rise in pitch"),
    "pitch_fall": (["{n}'s voice gets lower at {a:.1f} s.", "The pitch of the voice dips around {a:.1f} s.", "{n} speaks in a falling tone."], "fall in pitch"),
    "emphasis": (["{n} puts stress on a word at {a:.1f} s.", "A word is emphasised by {n}."], "emphasis"),
    "pause": (["{n} stops talking for {l:.1f} s.", "There is a gap in the speech at {a:.1f} s.", "{n} goes quiet at {a:.1f} s."], "pause"),
    "negation": (["{n} negates something at {a:.1f} s.", "The words contain a negation."], "negation"),
    "swearing": (["{n} utters a swear word at {a:.1f} s.", "{n} uses foul language at {a:.1f} s.", "An expletive is heard."], "swear word"),
    "intensifier": (["{n} adds an intensifier at {a:.1f} s.", "The wording is made stronger by an intensifier."], "intensifier"),
}
OPPOSITE = {"smile": "A scowl is seen on the face at {a:.1f} s.", "brow_furrow": "{n} smiles broadly at {a:.1f} s.", "pitch_rise": "{n}'s pitch sinks at {a:.1f} s.",
            "pitch_fall": "{n}'s pitch climbs at {a:.1f} s.", "pause": "{n} raises the eyebrows at {a:.1f} s.", "brow_raise": "{n} pauses at {a:.1f} s."}
FEELS = {"happiness": ["glad", "in high spirits", "pleased", "merry"], "sadness": ["miserable", "sorrowful", "heartbroken", "glum"],
         "anger": ["cross", "outraged", "irritable", "resentful"], "fear": ["frightened", "uneasy", "alarmed", "apprehensive"], "neutral": ["neutral", "even-tempered", "unemotional"]}
WRONG = {"happiness": ["mournful", "furious"], "sadness": ["ecstatic", "amused"], "anger": ["joyful", "serene"], "fear": ["delighted", "cheerful"], "neutral": ["terrified", "overjoyed"]}

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
        f = {"n": n, "a": e["apex"], "o": e["onset"], "f": e["offset"], "l": e["offset"] - e["onset"]}
        common = ("event", e["person"], e["modality"], {"pitch_rise": "rise", "pitch_fall": "fall"}.get(e["kind"]), e["onset"], e["offset"], [e["id"]])
        sentences, noun = EVENTS[e["kind"]]
        for t in sentences:
            add(True, "event", t.format(**f), *common)
        if e["kind"] in OPPOSITE:
            add(False, "kind in the text", OPPOSITE[e["kind"]].format(**f), *common)
        add(False, "time in the text", f"{n} shows a {noun} at {e['apex'] + 9.3:.1f} s.", *common)
        add(False, "person in the text", f"{other} shows a {noun} at {e['apex']:.1f} s.", *common)
        add(False, "denial", f"There is no {noun} at {e['apex']:.1f} s.", *common)
        wrong = {"face": "voice", "voice": "face", "words": "face"}[e["modality"]]
        add(False, "modality", f"The {noun} is noticed at {e['apex']:.1f} s.", common[0], common[1], wrong, *common[3:])
    for e in episodes:
        n = names[e["person"] - 1] or f"person {e['person']}"
        common = ("state", e["person"], "fused", None, e["t0"], e["t1"], [e["id"]])
        for w in FEELS[e["label"]]:
            add(True, "state", f"During these {e['t1'] - e['t0']:.0f} seconds {n} gives the impression of being {w}.", *common)
            add(True, "state", f"{n} looks {w} as of {e['t0']:.0f} s, and this lasts until {e['t1']:.0f} s.", *common)
        for w in WRONG[e["label"]]:
            add(False, "label", f"{n} gives the impression of being {w}.", *common)
        add(False, "duration", f"{n} stays {FEELS[e['label']][0]} for {2 * (e['t1'] - e['t0']) + 5:.0f} seconds.", *common)
        add(False, "denial", f"{n} is not {FEELS[e['label']][0]} here.", *common)
    for a in episodes:
        for b in episodes:
            if a["person"] != b["person"] or a["t1"] != b["t0"]:
                continue
            n = names[a["person"] - 1] or f"person {a['person']}"
            for level in ("valence", "arousal"):
                delta = b["attributes"][level] - a["attributes"][level]
                if abs(delta) < 0.3:
                    continue
                texts = {("valence", True): [f"{n}'s mood takes a turn for the better around {b['t0']:.0f} s.", f"{n} brightens up.", f"From {b['t0']:.0f} s on, valence is higher than before."],
                         ("valence", False): [f"{n}'s mood takes a turn for the worse around {b['t0']:.0f} s.", f"{n} slides into a darker mood.", f"From {b['t0']:.0f} s on, valence is lower than before."],
                         ("arousal", True): [f"{n} becomes more agitated around {b['t0']:.0f} s.", f"Arousal picks up at {b['t0']:.0f} s."],
                         ("arousal", False): [f"{n} calms down around {b['t0']:.0f} s.", f"Arousal ebbs away at {b['t0']:.0f} s."]}
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
            for t in ("The {x} comes first and the {y} second.", "The {y} is preceded by the {x}.", "The {x} gives way to the {y}.", "There is a {y}, but before that there is a {x}.", "A {x}, and only afterwards a {y}."):
                add(ok, "order" if ok else "order in the text", t.format(x=first, y=second), "order", *common)
        lag = b["onset"] - a["onset"]
        for t in ("{l:.1f} s elapse between the {x} and the {y}.", "The {y} sets in {l:.2f} s behind the {x}.", "The {x} runs ahead of the {y} by {ms:.0f} ms.", "It takes {l:.1f} seconds from the {x} to the {y}."):
            add(True, "lag", t.format(x=x, y=y, l=lag, ms=lag * 1000), "lag", *common)
            wrong = lag * 2 + 0.7
            add(False, "lag in the text", t.format(x=x, y=y, l=wrong, ms=wrong * 1000), "lag", *common)
    by = {e["id"]: e for e in events}
    for k in d["links"]:
        if k["kind"] == "contradicts":
            a, b = by[k["from"]], by[k["to"]]
            common = ("contradiction", a["person"], "fused", None, min(a["onset"], b["onset"]), max(a["offset"], b["offset"]), [a["id"], b["id"]])
            for t in ("The words say one thing and the face says another.", "Face and words are at odds with each other.", "What is said does not go with what the face shows."):
                add(True, "contradiction", t, *common)
            for t in ("The face and the words agree.", "The voice and the face are at odds with each other."):
                add(False, "sides in the text", t, *common)
    for u in utterances:
        words = u["label"].split()
        common = ("event", u["person"], "words", None, u["t0"], u["t1"], [u["id"]])
        n = names[u["person"] - 1] or f"person {u['person']}"
        add(True, "said", f"{n}'s words here are \"{' '.join(words[:6])}\".", *common)
        add(False, "words in the text", f"{n}'s words here are \"{' '.join(['never', 'trust', 'a', 'stranger'])}\".", *common)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for seed in (5, 9, 13):
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
