"""Explanations with planted falsehoods among true claims, many paraphrased: affect check must find the ones and let
the others pass. The timelines, the truth and the sentences are made here, apart from the checker.
usage: claims.py AFFECT [N]"""
import copy
import json
import os
import random
import subprocess
import sys
import tempfile

from made import KINDS, timeline

affect = os.path.abspath(sys.argv[1])
count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
rng = random.Random(16)

WORDS = {"happiness": ["happy", "joyful", "cheerful"], "sadness": ["sad", "unhappy", "sorrowful"], "anger": ["angry", "furious", "irritated"],
         "neutral": ["neutral"], "fear": ["afraid", "fearful", "frightened"]}
OPPOSED = {"happiness": ["sadness", "anger", "fear"], "sadness": ["happiness", "anger"], "anger": ["happiness", "sadness"],
           "neutral": ["happiness", "anger", "sadness"], "fear": ["happiness", "sadness"]}
NOUNS = {"smile": ["a smile", "a grin"], "brow_raise": ["a raise of the eyebrows", "lifted eyebrows"],
         "brow_furrow": ["a frown", "a furrowed brow"], "micro_expression": ["a micro-expression", "a fleeting expression"],
         "pitch_rise": ["a rise of pitch", "a rise in her pitch"], "pitch_fall": ["a fall of pitch", "a drop in pitch"],
         "emphasis": ["an emphasis", "a stressed stretch"], "pause": ["a pause", "a silence"], "negation": ["a negation", "a denial"],
         "swearing": ["a swear word", "a curse"], "intensifier": ["an intensifier", "an intensifying word"]}
VERBS = {"smile": ["smiles", "is smiling", "grins"], "brow_raise": ["raises the eyebrows", "lifts both eyebrows"],
         "brow_furrow": ["frowns", "furrows the brow"], "pitch_rise": ["lets the pitch rise", "speaks with a rising pitch"],
         "pitch_fall": ["lets the pitch drop"], "pause": ["pauses", "falls silent"], "swearing": ["swears", "curses"],
         "emphasis": ["emphasises a word"]}
PLACE_OF = {"face": "in the face", "voice": "in the voice", "words": "in the words"}
def clock(t):
    return f"{int(t) // 60}:{t % 60:04.1f}"


def when(t):
    return rng.choice([f"at {t:.1f} s", f"at {t:.2f} seconds", f"at {clock(t)}", f"around {t:.1f} s", f"at {round(t * 1000)} ms into the recording" if False else f"{t:.1f} s into the recording"])


def span(a, b):
    return rng.choice([f"from {a:.1f} s to {b:.1f} s", f"between {a:.1f} and {b:.1f} s", f"from {clock(a)} to {clock(b)}", f"between {a:.1f} s and {b:.1f} s"])


def who(names, p):
    return names[p - 1] or f"person {p}"


def claim(text, kind, person, modality, direction, t0, t1, evidence):
    text = text[0].upper() + text[1:]
    return {"text": text, "kind": kind, "person": person, "modality": modality, "direction": direction, "t0": round(t0, 3), "t1": round(t1, 3), "evidence": evidence}


def true_claims(d, names):
    """Every sort of claim that is true of the timeline, as (claim, sort, what it was made of)."""
    out = []
    episodes, utterances = (next(t["intervals"] for t in d["tiers"] if t["id"] == k) for k in ("episodes", "utterances"))
    for e in d["events"]:
        natural = {"pitch_rise": "rise", "pitch_fall": "fall"}.get(e["kind"])
        w, noun = who(names, e["person"]), rng.choice(NOUNS[e["kind"]])
        texts = [f"There is {noun} {when(e['apex'])}.", f"{w} shows {noun} {PLACE_OF[e['modality']]} {span(e['onset'], e['offset'])}.",
                 f"{when(e['apex'])}, one notes {noun}.", f"{noun} of {w} peaks {when(e['apex'])}.",
                 f"{noun} lasts {e['offset'] - e['onset']:.1f} s, {span(e['onset'], e['offset'])}."]
        if e["kind"] in VERBS:
            texts += [f"{w} {rng.choice(VERBS[e['kind']])} {span(e['onset'], e['offset'])}.", f"{when(e['apex'])}, {w} {rng.choice(VERBS[e['kind']])}."]
        out.append((claim(rng.choice(texts), "event", e["person"], e["modality"], natural, e["onset"], e["offset"], [e["id"]]), "event", e))
    for e in episodes:
        w, word = who(names, e["person"]), rng.choice(WORDS[e["label"]])
        texts = [f"{w} appears {word} {span(e['t0'], e['t1'])}.", f"{span(e['t0'], e['t1'])}, {w} seems {word}.",
                 f"for {e['t1'] - e['t0']:.0f} s, {w} comes across as {word}.", f"onlookers would call {w} {word}."]
        out.append((claim(rng.choice(texts), "state", e["person"], "fused", rng.choice([None, "steady"]), e["t0"], e["t1"], [e["id"]]), "state", e))
    for a in episodes:
        for b in episodes:
            if a["person"] != b["person"] or a["t1"] != b["t0"]:
                continue
            name = max(("valence", "arousal"), key=lambda k: abs(b["attributes"][k] - a["attributes"][k]))
            delta = b["attributes"][name] - a["attributes"][name]
            if abs(delta) < 0.3:
                continue
            up, w = delta > 0, who(names, a["person"])
            verb = rng.choice(["rises", "goes up", "increases", "climbs"] if up else ["falls", "goes down", "drops", "decreases"])
            texts = [f"{name} of {w} {verb} {when(b['t0'])}.", f"{when(b['t0'])}, the {name} {verb}.", f"the {name} {verb} as {w} moves on, {span(a['t0'], b['t1'])}."]
            if name == "valence":
                texts.append(f"{w}'s mood {rng.choice(['brightens', 'improves', 'lifts'] if up else ['darkens', 'worsens', 'sinks'])} {when(b['t0'])}.")
            out.append((claim(rng.choice(texts), "change", a["person"], "fused", "rise" if up else "fall", a["t0"], b["t1"], [a["id"], b["id"]]), "change", (a, b, name)))
    pairs = [(a, b) for a in d["events"] for b in d["events"] if a["kind"] != b["kind"] and 0.3 < b["onset"] - a["onset"] < 12 and b["apex"] > a["apex"] + 0.2]
    for a, b in rng.sample(pairs, min(8, len(pairs))):
        person = a["person"] if a["person"] == b["person"] else None
        m = a["modality"] if a["modality"] == b["modality"] else "fused"
        x, y = (n.replace("a ", "the ", 1).replace("an ", "the ", 1) for n in (rng.choice(NOUNS[a["kind"]]), rng.choice(NOUNS[b["kind"]])))
        texts = [f"{x} comes before {y}.", f"{y} follows {x}.", f"first there is {x}, then {y}.", f"after {x}, {y} is seen.", f"{x} precedes {y}.",
                 f"before {y}, there is {x}.", f"{y} comes after {x}.", f"{x} is followed by {y}."]
        out.append((claim(rng.choice(texts), "order", person, m, None, a["onset"], b["offset"] if b["offset"] > a["offset"] else a["offset"], [a["id"], b["id"]]), "order", (a, b)))
    by = {e["id"]: e for e in d["events"]}
    for k in d["links"]:
        if k["kind"] == "matches":
            a, b = by[k["from"]], by[k["to"]]
            if a["kind"] == b["kind"]:
                continue
            x, y = (n.replace("a ", "the ", 1).replace("an ", "the ", 1) for n in (rng.choice(NOUNS[a["kind"]]), rng.choice(NOUNS[b["kind"]])))
            lag = k["lag"]
            texts = [f"{y} comes {lag:.2f} s after {x}.", f"{x} leads {y} by {round(lag * 1000)} ms.", f"{y} follows {x} with a lag of {lag:.1f} s.",
                     f"{y} trails {x} by {lag:.2f} seconds.", f"with a delay of {round(lag * 1000)} ms, {y} follows {x}."]
            out.append((claim(rng.choice(texts), "lag", a["person"], "fused", None, a["onset"], max(a["offset"], b["offset"]), [a["id"], b["id"]]), "lag", (a, b, lag)))
        if k["kind"] == "causes":
            u, e = next(v for v in utterances if v["id"] == k["from"]), next(v for v in episodes if v["id"] == k["to"])
            quote = " ".join(u["label"].split()[:4])
            texts = [f"a possible reason is what is said {when(u['t0'])}.", f"\"{quote}\" may have caused it.", f"the change at {e['t0']:.1f} s may be due to the words \"{quote}\"."]
            out.append((claim(rng.choice(texts), "cause", e["person"], "fused", None, u["t0"], e["t1"], [u["id"], e["id"]]), "cause", (u, e)))
        if k["kind"] == "contradicts":
            a, b = by[k["from"]], by[k["to"]]
            texts = ["the face and the words contradict each other.", "what the face shows does not fit the words.", f"{when(a['apex'])}, the face disagrees with the words."]
            out.append((claim(rng.choice(texts), "contradiction", a["person"], "fused", None, min(a["onset"], b["onset"]), max(a["offset"], b["offset"]), [a["id"], b["id"]]), "contradiction", (a, b)))
    for u in utterances:
        quote = " ".join(u["label"].split()[:5])
        out.append((claim(f"{who(names, u['person'])} says \"{quote}\" {when(u['t0'])}.", "event", u["person"], "words", None, u["t0"], u["t1"], [u["id"]]), "said", u))
    return out


def plant(c, sort, of, d, names):
    """One falsehood of some kind in a copy of a true claim, or None where this kind does not fit."""
    c = copy.deepcopy(c)
    kind = rng.choice(["time", "modality", "person", "direction", "order", "lag", "invented", "wrong claim", "text"])
    length = c["t1"] - c["t0"]
    if kind == "time":
        shift = rng.choice([-1, 1]) * (length + rng.uniform(1, 10))
        if c["t0"] + shift < 0:
            shift = abs(shift)
        c["t0"], c["t1"] = round(c["t0"] + shift, 3), round(c["t1"] + shift, 3)
        if rng.random() < 0.5:
            c["text"] = "This is what happens there."
        if sort == "state" and any(v["label"] == of["label"] and v["person"] == of["person"] and v["t0"] <= c["t0"] and c["t1"] <= v["t1"] for t in d["tiers"] for v in t["intervals"]):
            return None
        return c, kind
    if kind == "modality":
        if sort in ("order", "lag", "cause"):
            own = {x.get("modality", "words") for x in of[:2] if isinstance(x, dict)} | {"fused"}
            choices = [m for m in ("face", "voice", "words") if m not in own and c["modality"] != m]
        else:
            choices = [m for m in ("face", "voice", "words", "fused") if m != c["modality"]]
        if sort == "contradiction":
            choices = ["voice"]
        if not choices or (sort == "cause"):
            return None
        c["modality"] = rng.choice(choices)
        return c, kind
    if kind == "person":
        if c["person"] is None:
            return None
        c["person"] = rng.choice([3 - c["person"], 7])
        if rng.random() < 0.3:  # the text goes along with it
            for p, n in ((1, names[0]), (2, names[1])):
                if n and n in c["text"] and c["person"] != 7:
                    c["text"] = c["text"].replace(n, names[2 - p])
                    break
        return c, kind
    if kind == "direction":
        if sort == "change" or (sort == "event" and c["direction"]):
            c["direction"] = {"rise": "fall", "fall": rng.choice(["rise", "steady"])}[c["direction"]]
            if sort == "change" and rng.random() < 0.5:
                a, b, name = of
                c["text"] = f"The {name} {'rises' if c['direction'] == 'rise' else 'falls' if c['direction'] == 'fall' else 'stays steady'}."
            return c, kind
        return None
    if kind == "order":
        if sort not in ("order", "lag"):
            return None
        a, b = of[:2]
        x, y = (NOUNS[k["kind"]][0].replace("a ", "the ", 1).replace("an ", "the ", 1) for k in (a, b))
        if rng.random() < 0.5:
            c["evidence"].reverse()
            c["text"] = c["text"] if rng.random() < 0.5 else f"{y} comes before {x}."
        else:
            c["text"] = rng.choice([f"{y} comes before {x}.", f"{x} follows {y}.", f"after {y}, {x} is seen.", f"{y} is followed by {x}."])
            if sort == "lag":
                c["text"] = f"{x} comes {of[2]:.2f} s after {y}."
        return c, kind
    if kind == "lag":
        if sort != "lag":
            return None
        a, b, lag = of
        wrong = rng.choice([lag + rng.uniform(0.4, 2), lag * 2.5, max(0.01, lag - rng.uniform(0.4, 1))])
        real = (lag, b["onset"] - a["onset"], b["apex"] - a["apex"])
        if any(abs(wrong - x) < 0.3 for x in real):
            return None
        x, y = (NOUNS[k["kind"]][0].replace("a ", "the ", 1).replace("an ", "the ", 1) for k in (a, b))
        c["text"] = rng.choice([f"{y} comes {wrong:.2f} s after {x}.", f"{x} leads {y} by {round(wrong * 1000)} ms.", f"{y} follows {x} with a lag of {wrong:.2f} s."])
        return c, kind
    if kind == "invented":
        c["evidence"][rng.randrange(len(c["evidence"]))] = rng.choice(["f99", "v77", "e55", "u31", "x"])
        return c, kind
    if kind == "wrong claim":
        if sort == "state":
            other = rng.choice(OPPOSED[of["label"]])
            c["text"] = f"{who(names, of['person'])} appears {rng.choice(WORDS[other])}."
            return c, kind
        if sort == "event":
            other = rng.choice([k for k in KINDS[of["modality"]] if k != of["kind"]])
            c["text"] = f"There is {rng.choice(NOUNS[other])} at {of['apex']:.1f} s."
            return c, kind
        if sort == "said":
            c["text"] = f"{who(names, of['person'])} says \"{rng.choice([x for x in ['give me the money now', 'it is raining again today']])}\"."
            return c, kind
        if sort == "order":  # two events that are no contradiction and no cause
            a, b = of
            if any({k["from"], k["to"]} == {a["id"], b["id"]} for k in d["links"]):
                return None
            c["kind"], c["text"], c["modality"] = "contradiction", "These two contradict each other.", "fused"
            return c, kind
        return None
    t = rng.choice(["time", "person", "direction", "kind", "lasting", "denied"])
    if t == "time":
        wrong = (c["t1"] + rng.uniform(3, 12)) % 55
        if c["t0"] - 1 < wrong < c["t1"] + 1:
            return None
        c["text"] = rng.choice([f"At {wrong:.1f} s this is so.", f"This happens at {clock(wrong)}.", f"{c['text'][:-1]} (at {wrong:.1f} s)."])
        if sort == "lag":
            return None
        return c, "text " + t
    if t == "person" and c["person"]:
        c["text"] = f"{who(names, 3 - c['person'])} is the one that this is about."
        return (c, "text " + t) if sort not in ("lag", "order", "cause") else None
    if t == "direction" and sort == "change":
        a, b, name = of
        c["text"] = f"The {name} {'drops' if c['direction'] == 'rise' else 'climbs'}."
        return c, "text " + t
    if t == "kind" and sort == "event":
        others = [k for m in KINDS for k in KINDS[m] if k != of["kind"]]
        c["text"] = f"One sees or hears {rng.choice(NOUNS[rng.choice(others)])}."
        return c, "text " + t
    if t == "lasting" and sort in ("event", "state"):
        c["text"] = f"It lasts {length + rng.uniform(2, 9):.1f} s."
        return c, "text " + t
    if t == "denied" and sort == "event" and of["kind"] in VERBS:
        c["text"] = f"There is no sign of {NOUNS[of['kind']][0]}."
        return c, "text " + t
    return None


found = missed = alarms = passed = 0
wrong = {}
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for seed in range(12):
        d, names = timeline(seed)
        with open("t.json", "w") as f:
            json.dump(d, f)
        for _ in range(count // 12):
            truth, claims = [], []
            pool = true_claims(d, names)
            by_sort = {}
            for item in pool:
                by_sort.setdefault(item[1], []).append(item)
            while len(claims) < 8:
                c, sort, of = rng.choice(by_sort[rng.choice(list(by_sort))])
                if rng.random() < 0.4:
                    planted = next((p for p in (plant(c, sort, of, d, names) for _ in range(4)) if p), None)
                    if planted:
                        claims.append(planted[0])
                        truth.append((planted[1], sort))
                else:
                    claims.append(c)
                    truth.append((None, sort))
            with open("e.json", "w") as f:
                json.dump({"schema": "affect-explanation/1", "claims": claims}, f)
            done = subprocess.run([affect, "check", "t.json", "e.json", "--json"], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            for c, (kind, sort) in zip(json.loads(done.stdout)["claims"], truth):
                caught = c["verdict"] in ("contradicted", "unsupported")
                assert c["verdict"] in ("supported", "contradicted", "unsupported", "uncheckable") and (c["verdict"] == "supported" or c["reason"])
                found, missed, alarms, passed = found + (caught and kind is not None), missed + (not caught and kind is not None), \
                    alarms + (c["verdict"] != "supported" and kind is None), passed + (c["verdict"] == "supported" and kind is None)
                if caught != (kind is not None):
                    wrong.setdefault((kind, sort), []).append((c["text"], c["verdict"], c["reason"], c["evidence"], c["modality"], c["person"]))
precision, recall = found / (found + alarms), found / (found + missed)
print(f"{count} explanations, {found + missed} falsehoods among {found + missed + alarms + passed} claims: precision {precision:.3f}, recall {recall:.3f}")
for key, items in sorted(wrong.items(), key=lambda k: -len(k[1])):
    print(f"  {key[0] or 'true'}, {key[1]}: {len(items)}, as {items[0]}")
assert precision >= 0.95 and recall >= 0.95
