"""Timelines that are made up: two persons, episodes, events in three modalities, links, utterances."""
import random

PLACES = {"happiness": (0.6, 0.35), "sadness": (-0.55, -0.3), "anger": (-0.5, 0.55), "neutral": (0.0, 0.0), "fear": (-0.6, 0.5)}
KINDS = {"face": ["smile", "brow_raise", "brow_furrow", "micro_expression"], "voice": ["pitch_rise", "pitch_fall", "emphasis", "pause"],
         "words": ["negation", "swearing", "intensifier"]}
LINES = ["that was the best day of my life", "i never wanted any of this", "please do not leave me here alone", "we finally made it home",
         "what were you thinking last night", "nobody told me about the letter", "i can hardly believe my luck"]


def timeline(seed):
    r = random.Random(seed)
    length = 60.0
    names = ["", ""] if seed % 2 else ["Maria", "Jonas"]
    persons = [{"id": i + 1, "name": n, "merged_into": None, "score": None} for i, n in enumerate(names) if n]
    tracks, episodes, events, links, utterances = [], [], [], [], []
    n = 1
    for person in (1, 2):
        rows, labels, last, t = [], [], None, 0.0
        cuts = sorted(r.sample(range(8, 55, 4), 4))
        for a, b in zip([0, *cuts], [*cuts, 60]):
            last = r.choice([k for k in PLACES if k != last])
            labels.append((float(a), float(b), last))
            v, ar = PLACES[last]
            episodes.append({"id": f"e{n}", "t0": float(a), "t1": float(b), "label": last, "score": 0.8, "person": person, "parent": None,
                             "attributes": {"labels": [last], "label_scores": [0.8], "valence": v, "valence_sd": 0.1, "arousal": ar,
                                            "arousal_sd": 0.1, "dominance": 0.0, "dominance_sd": 0.1}})
            n += 1
        while t < length:
            label = next(c for a, b, c in labels if a <= t < b)
            v, ar = PLACES[label]
            rows.append([round(t, 3), 1, round(v + r.gauss(0, 0.02), 4), round(ar + r.gauss(0, 0.02), 4), 0.0, 0.1, 0.1, 0.1])
            t += 0.5
        tracks.append({"id": f"trajectory/{person}", "modality": "fused", "person": person, "model": "", "rows": rows,
                       "channels": ["valence", "arousal", "dominance", "valence_sd", "arousal_sd", "dominance_sd"]})
    letter = {"face": "f", "voice": "v", "words": "l"}
    made = {m: 0 for m in letter}
    for _ in range(24):
        m = r.choice(list(letter))
        onset = round(r.uniform(1, 56), 2)
        apex, offset = round(onset + r.uniform(0.1, 0.6), 2), round(onset + r.uniform(0.7, 2.5), 2)
        made[m] += 1
        events.append({"id": f"{letter[m]}{made[m]}", "onset": onset, "apex": apex, "offset": offset, "kind": r.choice(KINDS[m]),
                       "modality": m, "person": r.choice([1, 2]), "model": "", "strength": round(r.uniform(0.4, 1), 2), "confidence": 0.9})
    for a in events:  # matches across modalities of one person with a lag
        for b in events:
            gap = b["apex"] - a["apex"]
            if a["person"] == b["person"] and a["modality"] != b["modality"] and 0.2 < gap < 3 and b["onset"] > a["onset"]:
                links.append({"from": a["id"], "to": b["id"], "kind": "matches", "lag": round(gap, 3), "lag_sd": 0.04, "score": 0.8, "person": a["person"]})
    t = 1.0
    for i, line in enumerate(r.sample(LINES, 5)):
        e = round(t + r.uniform(2, 3), 2)
        utterances.append({"id": f"u{i + 1}", "t0": round(t, 2), "t1": e, "label": line, "score": 0.9, "person": r.choice([1, 2]), "parent": None,
                           "attributes": {"valence": 0.1, "arousal": 0.1, "dominance": 0.0, "scored": True}})
        t = e + r.uniform(3, 8)
    for e in episodes:
        before = [u for u in utterances if e["t0"] - 6 < u["t0"] < e["t0"] - 0.2]
        if e["t0"] > 0 and before:
            links.append({"from": before[-1]["id"], "to": e["id"], "kind": "causes", "lag": None, "lag_sd": None, "score": 0.7, "person": None})
    for a in events:
        for b in events:
            if a["modality"] == "face" and b["modality"] == "words" and a["person"] == b["person"] and abs(a["apex"] - b["apex"]) < 3:
                links.append({"from": a["id"], "to": b["id"], "kind": "contradicts", "lag": None, "lag_sd": None, "score": 0.6, "person": a["person"]})
    tier = lambda name, m, items: {"id": name, "modality": m, "intervals": sorted(items, key=lambda v: (v["t0"], v["t1"]))}
    return {"schema": "affect-timeline/2", "duration": length, "properties": {"input": f"made {seed}"}, "persons": persons, "warnings": [],
            "tracks": tracks, "tiers": [tier("episodes", "fused", episodes), tier("utterances", "words", utterances)],
            "events": sorted(events, key=lambda e: e["onset"]), "links": sorted(links, key=lambda k: (k["from"], k["to"]))}, names
