"""affect ask: questions in the wordings of a researcher on four timelines whose answers were derived by hand (asked_sets.txt).
usage: asked_sets.py AFFECT. A wrong answer fails; of refusals of what could be answered there may be one in twenty."""
import json
import os
import re
import subprocess
import sys
import tempfile

affect = os.path.abspath(sys.argv[1])
here = os.path.dirname(os.path.abspath(__file__))


def span(tier, at, t0, t1, label, person, **more):
    return {"id": f"{tier}{at}", "t0": float(t0), "t1": float(t1), "label": label, "score": 0.9, "person": person, "parent": None,
            "attributes": more or None}


def episode(at, t0, t1, label, v, a, person):
    return {**span("e", at, t0, t1, label, person, labels=[label], label_scores=[0.8], valence=v, valence_sd=0.08, arousal=a, arousal_sd=0.08,
                   dominance=0.0, dominance_sd=0.1), "score": 0.8}


def build(name, length, names, episodes, said, events, links):
    """episodes: {person: [(t0, t1, label, valence, arousal)]}; said: [(t0, t1, person, text, f0 at the begin, f0 at the end)]."""
    tracks, shown, words, utterances, speaking, listed, counts = [], [], [], [], [], [], {}
    for person, own in episodes.items():
        shown += [episode(len(shown) + 1 + i, *e, person) for i, e in enumerate(own)]
        rows = [[t / 2, 1, *next((v, a) for t0, t1, _, v, a in own if t0 <= t / 2 < t1), 0.0, 0.08, 0.08, 0.1] for t in range(2 * length)]
        tracks.append({"id": f"trajectory/{person}", "modality": "fused", "person": person, "model": "", "rows": rows,
                       "channels": ["valence", "arousal", "dominance", "valence_sd", "arousal_sd", "dominance_sd"]})
    for i, (t0, t1, person, text, *_) in enumerate(said, 1):
        utterances.append(span("u", i, t0, t1, text, person, valence=0.05, arousal=0.0, dominance=0.0, scored=True))
        speaking.append(span("speaking/", i, t0, t1, "", person))
        step = (t1 - t0) / len(text.split())
        for k, w in enumerate(text.split()):
            words.append({**span("w", len(words) + 1, round(t0 + k * step, 3), round(t0 + (k + 1) * step, 3), w, person), "parent": f"u{i}"})
    rows = []
    for k in range(10 * length):
        t = k / 10
        f0 = next((round(x + (y - x) * (t - t0) / (t1 - t0), 1) for t0, t1, _, _, x, y in said if t0 <= t < t1), None)
        rows.append([t, 1, f0, -30.0 if f0 is None else -18.0])
    tracks.append({"id": "voice/prosody", "modality": "voice", "person": None, "model": "", "rows": rows, "channels": ["f0_hz", "energy_db"]})
    for modality, kind, person, onset, apex, offset in sorted(events, key=lambda e: e[3]):
        letter = {"face": "f", "voice": "v", "words": "l"}[modality]
        counts[letter] = counts.get(letter, 0) + 1
        listed.append({"id": f"{letter}{counts[letter]}", "onset": onset, "apex": apex, "offset": offset, "kind": kind, "modality": modality,
                       "person": person, "model": "", "strength": 0.8, "confidence": 0.9})

    def tier(name, modality, items):
        return {"id": name, "modality": modality, "intervals": sorted(items, key=lambda v: (v["t0"], v["t1"]))}

    return {"schema": "affect-timeline/2", "duration": float(length), "properties": {"input": name}, "warnings": [],
            "persons": [{"id": i, "name": n, "merged_into": None, "score": None} for i, n in names.items()],
            "tracks": sorted(tracks, key=lambda t: t["id"]), "events": sorted(listed, key=lambda e: (e["onset"], e["modality"], e["kind"])),
            "tiers": [tier("episodes", "fused", shown), tier("speaking", "voice", speaking), tier("utterances", "words", utterances),
                      tier("words", "words", words)],
            "links": [{"from": a, "to": b, "kind": "causes", "lag": lag, "lag_sd": 0.1, "score": 0.7, "person": None} for a, b, lag in links]}


TIMELINES = {
    "a": build(
        "two.mp4", 60, {1: "Anna", 2: "Ben"},
        {1: [(0, 12, "neutral", 0.0, 0.0),
             (12, 25, "happiness", 0.6, 0.4),
             (25, 40, "sadness", -0.5, -0.3),
             (40, 52, "anger", -0.55, 0.6),
             (52, 60, "neutral", 0.05, 0.0)],
         2: [(0, 20, "happiness", 0.4, 0.2),
             (20, 34, "fear", -0.6, 0.5),
             (34, 48, "neutral", 0.0, 0.0),
             (48, 60, "happiness", 0.7, 0.5)]},
        [(2, 5, 1, "i brought the letter from home", 200, 200),
         (13, 17, 2, "that is wonderful news", 110, 150),
         (23, 26, 2, "no i cannot come", 140, 100),
         (36, 39, 1, "why did you not tell me", 210, 280),
         (45, 47, 2, "calm down please", 120, 120),
         (53, 56, 1, "fine let us go", 250, 190)],
        [("face", "smile", 1, 12.5, 14.0, 16.0),
         ("face", "smile", 1, 20.0, 21.0, 22.0),
         ("face", "brow_furrow", 1, 41.0, 42.0, 44.0),
         ("face", "smile", 2, 1.0, 2.0, 3.0),
         ("face", "brow_raise", 2, 20.5, 21.0, 22.0),
         ("face", "smile", 2, 49.0, 50.0, 52.0),
         ("face", "smile", 2, 15.2, 16.5, 18.0),
         ("voice", "pitch_rise", 1, 37.5, 38.0, 38.5),
         ("voice", "pitch_fall", 1, 55.0, 55.5, 56.0),
         ("voice", "pitch_rise", 2, 14.0, 14.5, 15.0),
         ("voice", "pitch_fall", 2, 24.0, 24.5, 25.0),
         ("words", "negation", 2, 23.0, 23.3, 23.6),
         ("words", "negation", 1, 37.5, 37.8, 38.1)],
        [("u3", "e3", 2.0)]),
    "b": build(
        "she.mp4", 90, {},
        {1: [(0, 15, "neutral", 0.0, -0.05),
             (15, 22, "surprise", 0.3, 0.6),
             (22, 45, "happiness", 0.65, 0.35),
             (45, 58, "neutral", 0.0, 0.0),
             (58, 80, "sadness", -0.6, -0.3),
             (80, 90, "happiness", 0.4, 0.1)]},
        [(3, 8, 1, "so today i will talk about my brother", 190, 190),
         (16, 18, 1, "oh you are here", 200, 300),
         (30, 35, 1, "it was the best summer we had", 220, 240),
         (50, 54, 1, "then the phone rang", 200, 200),
         (59, 66, 1, "he died and i could not say goodbye", 210, 150),
         (82, 87, 1, "but i am grateful for every day", 180, 200)],
        [("face", "brow_raise", 1, 15.2, 15.6, 16.4),
         ("face", "smile", 1, 23.0, 25.0, 28.0),
         ("face", "smile", 1, 33.0, 34.0, 36.0),
         ("face", "brow_furrow", 1, 58.5, 60.0, 64.0),
         ("face", "smile", 1, 83.0, 84.0, 86.0),
         ("voice", "pitch_rise", 1, 16.5, 17.0, 17.5),
         ("voice", "pitch_fall", 1, 64.0, 65.0, 66.0),
         ("voice", "pause", 1, 54.0, 54.0, 58.9),
         ("words", "negation", 1, 63.0, 63.3, 63.6)],
        [("u5", "e5", 1.0)]),
    "c": build(
        "three.mp4", 80, {1: "Mira Novak", 2: "Tom"},
        {1: [(0, 9, "sadness", -0.45, -0.25),
             (9, 27, "neutral", 0.02, -0.02),
             (27, 44, "surprise", 0.35, 0.65),
             (44, 70, "happiness", 0.68, 0.3),
             (70, 80, "fear", -0.5, 0.45)],
         2: [(0, 31, "neutral", 0.0, 0.0),
             (31, 39, "anger", -0.6, 0.7),
             (39, 62, "sadness", -0.4, -0.35),
             (62, 80, "neutral", 0.04, -0.01)]},
        [(1, 5, 2, "where have you been all night", 120, 150),
         (7, 11, 1, "i missed the last train", 230, 170),
         (28, 33, 1, "look there is a letter", 220, 300),
         (34, 38, 2, "do not open that", 170, 130),
         (46, 52, 1, "we have won the house", 240, 242),
         (64, 69, 2, "i am not sure about this", 125, 110),
         (72, 76, 1, "somebody is at the door", 200, 270)],
        [("face", "smile", 1, 45.0, 47.0, 50.0),
         ("face", "smile", 1, 55.0, 56.0, 57.5),
         ("face", "brow_raise", 1, 27.4, 28.0, 29.0),
         ("face", "brow_furrow", 2, 31.5, 33.0, 37.0),
         ("face", "smile", 2, 66.0, 66.5, 67.0),
         ("face", "blink", 2, 20.0, 20.1, 20.2),
         ("voice", "pitch_rise", 1, 74.0, 74.5, 75.0),
         ("voice", "pitch_fall", 1, 9.5, 10.0, 10.5),
         ("voice", "pause", 2, 5.0, 5.5, 6.8),
         ("voice", "emphasis", 2, 34.5, 34.8, 35.2),
         ("words", "negation", 2, 34.4, 34.6, 34.9),
         ("words", "negation", 2, 65.0, 65.2, 65.5)],
        [("u3", "e7", 2.0), ("u7", "e5", 1.0)]),
    "d": build(
        "solo.mp4", 100, {},
        {1: [(0, 20, "happiness", 0.5, 0.25),
             (20, 36, "anger", -0.5, 0.55),
             (36, 60, "sadness", -0.62, -0.35),
             (60, 72, "anger", -0.4, 0.7),
             (72, 100, "neutral", 0.0, -0.1)]},
        [(2, 9, 1, "my first school was a lovely place", 180, 185),
         (21, 30, 1, "then they closed it without asking", 190, 260),
         (38, 50, 1, "none of my friends came back", 200, 140),
         (61, 68, 1, "and they built a car park", 250, 280),
         (80, 92, 1, "that is how things go", 170, 160)],
        [("face", "smile", 1, 3.0, 4.0, 6.0),
         ("face", "smile", 1, 11.0, 12.0, 14.0),
         ("face", "brow_furrow", 1, 20.5, 22.0, 27.0),
         ("face", "brow_raise", 1, 60.5, 61.0, 62.0),
         ("voice", "pitch_rise", 1, 22.0, 22.5, 23.0),
         ("voice", "pitch_fall", 1, 45.0, 46.0, 47.0),
         ("voice", "pause", 1, 50.0, 52.0, 60.0),
         ("words", "negation", 1, 38.0, 38.3, 38.7),
         ("words", "swearing", 1, 65.0, 65.2, 65.5)],
        [("u2", "e2", 1.0)]),
}


def holds(pattern, answer):
    """Does the answer have it? Several in brackets are alternatives."""
    text = answer["text"] + ("" if answer["refused"] else " = " + answer["value"])
    if pattern.startswith(("(~", "(R|")):
        return any(holds(p, answer) for p in pattern.strip("()").split("|"))
    if pattern == "R":
        return answer["refused"]
    if pattern.startswith("~"):
        times = [float(x) for x in re.findall(r"(\d+(?:\.\d+)?) s\b", text)]
        times += [float(x) for x in re.findall(r"from (\d+(?:\.\d+)?)", text)]
        return any(abs(t - float(pattern[1:])) <= 1.6 for t in times)
    return re.search(pattern, text, re.I | re.S) is not None


right, wrong, refused = 0, [], []
with tempfile.TemporaryDirectory() as folder:
    for name, timeline in TIMELINES.items():
        with open(os.path.join(folder, name + ".json"), "w") as f:
            json.dump(timeline, f)
    for line in open(os.path.join(here, "asked_sets.txt"), encoding="utf-8"):
        if line.startswith("#"):
            continue
        name, kind, question, must, never = line.rstrip("\n").split("\t")
        run = subprocess.run([affect, "ask", os.path.join(folder, name + ".json"), question, "--json"], capture_output=True, text=True)
        assert run.returncode == 0, (question, run.stderr)
        answer = json.loads(run.stdout)
        good = all(holds(p, answer) for p in must.split(";;")) and not (never and holds(never, answer))
        if answer["refused"] and "R" not in must.strip("()").split("|"):
            refused.append(question)
        elif good:
            right += 1
        else:
            wrong.append(question)
            print(question, "|", answer["text"], "|", answer["value"], "| wanted", must, "and not", never or "-")
total = right + len(wrong) + len(refused)
print(f"{right} of {total} right, {len(wrong)} wrong, {len(refused)} refused")
for question in refused:
    print("refused:", question)
assert not wrong and len(refused) <= 0.05 * total
