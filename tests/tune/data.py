"""`affect tune-data`: clips of made timelines. What an explanation or an answer claims is what `affect check` supports, and cites what its prompt tells; a hidden
modality is neither told nor claimed; streams are the tracks' means at their own times; nobody is in two splits; a bad row costs itself and a warning.
usage: data.py AFFECT"""
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reason"))
import made

affect = os.path.abspath(sys.argv[1])
UNITS, EXPRESSION = ["AU01", "AU12", "AU45"], ["neutral", "happiness", "anger"]
PROSODY, VOICE, PLACE = ["f0_hz", "energy_db"], ["neutral", "anger"], ["valence", "arousal", "dominance", "valence_sd", "arousal_sd", "dominance_sd"]


def track(name, modality, person, channels, step, length, r, unknown=.1):
    rows = []
    for i in range(int(length / step)):
        rows.append([round(i * step + r.uniform(0, step / 3), 3), 1, *(None if r.random() < unknown else round(r.uniform(-1, 1), 4) for _ in channels)])
    return {"id": name, "modality": modality, "person": person, "model": "", "channels": channels, "rows": rows}


def timeline(seed):
    t, r = made.timeline(seed)[0], random.Random(seed)
    for p in (1, 2):
        t["tracks"] += [track(f"face/{p}/aus", "face", p, UNITS, .1, 60, r), track(f"face/{p}/expression", "face", p, EXPRESSION, .2, 60, r)]
    t["tracks"] += [track("voice/prosody", "voice", None, PROSODY, .05, 60, r, .4), track("voice/emotion", "voice", None, VOICE, 1, 60, r),
                    track("voice/affect", "voice", None, PLACE, 1, 60, r)]
    t["tracks"].sort(key=lambda k: k["id"])
    return t


def run(*arguments, code=0):
    done = subprocess.run([affect, "tune-data", *arguments, "-o", "c.jsonl"], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done.stderr.strip().split("\n") if done.stderr.strip() else []


def clips():
    return [json.loads(line) for line in open("c.jsonl")]


def table(name, header, rows):
    open(name, "w").write("\n".join([header, *rows]) + "\n")


def check(t, clip):
    """All claims of a clip, by the command that anybody has."""
    json.dump(t, open("t.json", "w"))
    json.dump(clip["explanation"], open("e.json", "w"))
    out = json.loads(subprocess.run([affect, "check", "t.json", "e.json", "--json"], capture_output=True, check=True).stdout)
    return [c["verdict"] for c in out["claims"]]


def compare_streams(t, clip, rate):
    for name, tracks in (("face", [(f"face/{clip['person']}/aus", ""), (f"face/{clip['person']}/expression", "expression/")]),
                         ("voice", [("voice/prosody", ""), ("voice/emotion", "emotion/"), ("voice/affect", "")])):
        s = clip["streams"][name]
        if s is None:
            assert clip["kind"] == "masked", clip["id"]
            continue
        all_tracks = [(next(k for k in t["tracks"] if k["id"] == i), prefix) for i, prefix in tracks]
        want = [prefix + c for k, prefix in all_tracks for c in k["channels"] if not c.endswith("_sd")]
        assert s["channels"] == want, (s["channels"], want)
        rows, times, step, at = [], [], 1 / rate, clip["start"]
        for i in range(int(round((clip["end"] - clip["start"]) / step)) + 1):
            a, b = at + i * step, min(at + (i + 1) * step, clip["end"])
            first = [x for x in all_tracks[0][0]["rows"] if a - 1e-9 <= x[0] < b - 1e-9]
            if not first or b <= a:
                continue
            times.append(np.mean([x[0] for x in first]) - at)
            row = []
            for k, _ in all_tracks:
                own = [x for x in k["rows"] if a - 1e-9 <= x[0] < b - 1e-9] or [x for x in k["rows"] if a - 2 <= x[0] < a][-1:]
                for c, channel in enumerate(k["channels"]):
                    known = [x[2 + c] for x in own if x[2 + c] is not None]
                    if not channel.endswith("_sd"):
                        row.append(np.mean(known) if known else np.nan)
            rows.append(row)
        got = np.array([[np.nan if v is None else v for v in x] for x in s["rows"]])
        speaking = name == "face" or len(got) == len(rows)  # while somebody else speaks there is no row of a voice
        if speaking:
            assert np.allclose(s["times"], times, atol=2e-3) and np.allclose(got, rows, atol=2e-4, equal_nan=True), clip["id"]


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    lines = {}
    for seed in range(6):
        os.makedirs(f"talks/r{seed}")
        lines[f"r{seed}"] = timeline(seed)
        json.dump(lines[f"r{seed}"], open(f"talks/r{seed}/timeline.json", "w"))
    labels = []
    for seed in range(6):
        for e in [v for v in next(k for k in lines[f"r{seed}"]["tiers"] if k["id"] == "episodes")["intervals"] if v["person"] == 1][:3]:
            labels.append(f"r{seed}.mp4,{e['label']},{e['t0']},{e['t1']},1,actor{seed % 4}")
    table("l.csv", "path,label,start,end,person,participant", labels)
    assert run("talks", "--labels", "l.csv", "--rate", "4") == []
    made_clips = clips()

    # What is claimed holds, by the checker; the answer is the labels and the claims; all that is cited is told.
    kinds, claims, seen = collections.Counter(), 0, collections.defaultdict(set)
    for c in made_clips:
        t = lines[c["recording"]]
        kinds[c["kind"]] += 1
        seen[c["participant"]].add(c["split"])
        compare_streams(t, c, 4)
        assert c["prompt"].count("<face>") == 1 and c["prompt"].count("<voice>") == 1
        if c["kind"] == "label":
            assert c["answer"] == c["label"] and "Evidence" not in c["prompt"]
        if c["kind"] in ("explanation", "masked", "question"):
            verdicts = check(t, c)
            assert verdicts and set(verdicts) == {"supported"}, (c["id"], verdicts)
            claims += len(verdicts)
            said = [f"{x['text']} [{', '.join(x['evidence'])}]" for x in c["explanation"]["claims"]]
            told = set(re.findall(r"^(\w+) ", c["prompt"].split("Evidence:\n")[1].rsplit("\nAnswer", 1)[0], re.M))
            assert all(set(x["evidence"]) <= told for x in c["explanation"]["claims"]), c["id"]
            body = c["answer"].split("\n")
            assert body == said if c["kind"] == "question" else body[1:] == said and body[0].split(", ")[0], c["id"]
            if c["kind"] != "question":
                assert c["label"] in body[0].split(", ") and len(said) <= 4, c["id"]
        if c["kind"] == "masked":
            hidden = next(n for n, s in c["streams"].items() if s is None)
            assert f", {hidden}, " not in c["prompt"] and all(x["modality"] != hidden for x in c["explanation"]["claims"]), c["id"]
            cited = {i for x in c["explanation"]["claims"] for i in x["evidence"]}
            assert not any(i.startswith({"face": "f", "voice": "v"}[hidden]) for i in cited), (c["id"], cited)
    assert kinds["label"] == len(labels) and all(kinds[k] >= 10 for k in ("words", "explanation", "masked", "question")), kinds
    assert claims > 100 and {"face", "voice"} == {n for c in made_clips for n, s in c["streams"].items() if s is None}
    assert all(len(s) == 1 for s in seen.values()) and {"train", "valid"} >= set.union(*seen.values()), seen
    asked = {c["prompt"].split("\n")[-3].split(" ")[0] for c in made_clips if c["kind"] == "question"}
    assert len(asked) >= 3, asked
    before = open("c.jsonl", "rb").read()
    run("talks", "--labels", "l.csv", "--rate", "4")
    assert open("c.jsonl", "rb").read() == before

    # A wrong label is not explained by a state that says something else.
    table("w.csv", "recording,label,start,end,person", ["r0,happiness,0,60,1"])
    run("talks/r0", "--labels", "w.csv", "--longest", "60", "--claims", "40", "--kinds", "explanation")
    for c in clips():
        t = lines["r0"]
        states = [x for x in c["explanation"]["claims"] if x["kind"] == "state"]
        names = {v["id"]: v["label"] for k in t["tiers"] for v in k["intervals"]}
        assert all(names[x["evidence"][0]] == "happiness" for x in states)

    # Long ones by episode; held out; parts by the table; a participant in two parts is refused with the line.
    table("w.csv", "recording,label,speaker", [f"r{i},anger,p{i}" for i in range(6)])
    run("talks", "--labels", "w.csv", "--kinds", "label", "--hold-out", "p3")
    episodes = {i: sum(v["person"] == 1 for v in next(k for k in lines[f"r{i}"]["tiers"] if k["id"] == "episodes")["intervals"]) for i in range(6)}
    got = collections.Counter((c["recording"], c["split"]) for c in clips())
    assert [s for (n, s) in got] == ["train"] * 3 + ["test", "train", "valid"] and all(got[(n, s)] >= 4 for n, s in got), (got, episodes)
    table("w.csv", "name,emotion,split", [f"r{i},anger,{'dev' if i == 2 else 'train'}" for i in range(6)])
    run("talks", "--labels", "w.csv", "--kinds", "label")
    assert {c["recording"] for c in clips() if c["split"] == "valid"} == {"r2"}
    table("w.csv", "name,emotion,split,actor", ["r0,anger,train,a", "r1,anger,dev,a"])
    said = run("talks", "--labels", "w.csv", code=4)
    assert len(said) == 1 and "w.csv:3: a is in the parts" in said[0], said

    # A bad row, a broken timeline, one twice, one without a label: one line each, and the rest is made.
    os.makedirs("more/r9")
    open("more/r9/timeline.json", "w").write("{")
    table("w.csv", "recording,label,start,end,person", ["r0,anger,,,1", "r1,,,,1", "r2,joy,5,4,1", "r3,joy,1,x,1", "r4,joy,100,120,1", ",joy,,,", "r5", "r9,joy,,,1", "r7,joy,,,", "r0,joy,,,7"])
    said = run("talks", "more", "talks/r0", "--labels", "w.csv", "--kinds", "label")
    left = [re.search(r"w.csv:(\d+)", x).group(1) for x in said if "w.csv" in x]
    assert sorted(left) == ["11", "3", "4", "5", "6", "7", "8"] and sum("there is no person 7 in r0" in x for x in said) == 1, said
    assert sum("r9" in x for x in said) == 1 and sum("timeline of that recording before" in x for x in said) == 1, said
    assert sum("there is no label" in x for x in said) == 4 and said[-1].endswith("2 of 5 rows are of recordings without a timeline"), said
    assert {c["recording"] for c in clips()} == {"r0"}

    # What nobody wrote by hand costs its row alone.
    table("w.csv", "recording,label,description", ["r0,joy,", "r1,,\"" + "so glad " * 20000 + "\"", "r2," + "a" * 40000 + ","])
    said = run("talks", "--labels", "w.csv", "--kinds", "label")
    assert sum("more than 32 KiB" in x for x in said) == 2 and {c["recording"] for c in clips()} == {"r0"}, said

    # What MERR, EMER and MER-Caption publish.
    merr = {"r0": {"pseu_emotion": "happy", "AU_list": ["AU12"], "visual_prior_list": ["Lip corner puller"], "audio_prior_list": "loud", "peak_index": "3",
                   "text": "that was the best day", "smp_reason_caption": "She seems relieved and happy."}, "r1": {"pseu_emotion": 7}, "r2": 5}
    json.dump(merr, open("MERR_fine_grained.json", "w"))
    said = run("talks", "--labels", "MERR_fine_grained.json", "--kinds", "label,words,description", "--longest", "60")
    got = {c["kind"]: c["answer"] for c in clips() if c["recording"] == "r0"}
    assert got["label"] == "happy" and "relieved" in got["words"] and got["description"] == "She seems relieved and happy." and sum("r2" in x or ":3:" in x for x in said), (got, said)
    table("gt-eng.csv", "names,emotions,subtitles,reasons", ['r1,sad,"no","He looks sad, even desperate, though not angry."'])
    run("talks/r1", "--labels", "gt-eng.csv", "--kinds", "label,words", "--longest", "60")
    got = {c["kind"]: c["answer"] for c in clips()}
    assert got["label"] == "sad" and "desperate" in got["words"] and "angry" not in got["words"], got
    table("track2_train_mercaptionplus.csv", "name,openset", ["r2,\"['happy', 'grateful']\""])
    table("track3_train_mercaptionplus.csv", "name,reason", ["r2,The woman is pleased."])
    run("talks/r2", "--labels", "track2_train_mercaptionplus.csv", "--labels", "track3_train_mercaptionplus.csv", "--kinds", "words,description", "--longest", "60")
    assert [c["answer"] for c in clips()] == ["happy, grateful", "pleased", "The woman is pleased."], [c["answer"] for c in clips()]
    open("l.jsonl", "w").write('{"recording": "r3", "label": "anger"}\n{broken\n')
    said = run("talks/r3", "--labels", "l.jsonl", "--kinds", "label", "--longest", "60")
    assert len(said) == 1 and "l.jsonl:2" in said[0] and len(clips()) == 1

    # A list for a label is words, an empty one nothing; a number is no label, "banana" no part; markers in what was said are no streams.
    table("e.csv", "name,emotions,split", ['r0,"[]",', 'r1,"[\'happy\', \'calm\']",Valid', "r2,3,", "r3,joy,banana", "r4,<face>,TEST"])
    said = run("talks", "--labels", "e.csv", "--kinds", "label,words", "--longest", "60")
    assert [re.search(r"e.csv:(\d+)", x).group(1) for x in said if "e.csv" in x] == ["2", "4", "5"], said
    assert [(c["recording"], c["split"], c["kind"], c["answer"]) for c in clips()][:2] == [("r1", "valid", "words", "happy, calm"), ("r4", "test", "label", "face")], clips()
    spoken = json.load(open("talks/r0/timeline.json"))
    for utterance in next(k for k in spoken["tiers"] if k["id"] == "utterances")["intervals"]:
        utterance["label"] = "I am <face> here <voice>"
    os.makedirs("spoken/r0")
    json.dump(spoken, open("spoken/r0/timeline.json", "w"))
    table("s.csv", "recording,label", ["r0,joy"])
    run("spoken", "--labels", "s.csv", "--kinds", "label", "--longest", "60")
    assert clips()[0]["prompt"].count("<face>") == 1 and "(face) here (voice)" in clips()[0]["prompt"], clips()[0]["prompt"]

    # One recording in two parts, whose participant only one table names; and what is no list of clips is not written over.
    table("g.csv", "recording,label,participant", [f"r{i},anger,p{i}" for i in range(6)])
    table("h.csv", "recording,label", ["r5,joy", *(f"r{i},joy" for i in range(5))])
    said = run("talks", "--labels", "g.csv", "--labels", "h.csv", code=4)
    assert "name its participant in every table" in said[-1], said
    for target in ("s.csv", "l.jsonl"):
        before = open(target, "rb").read()
        done = subprocess.run([affect, "tune-data", "talks/r3", "--labels", "l.jsonl", "-o", target], capture_output=True, text=True)
        assert done.returncode == 6 and "is there already" in done.stderr and open(target, "rb").read() == before, (target, done)

    # What cannot be: one line, and nothing is written over.
    keep = open("c.jsonl", "rb").read()
    table("n.csv", "who,label", ["r0,joy"])
    table("o.csv", "name,label", ["other,joy"])
    for arguments, code in ((["talks", "--labels", "n.csv"], 4), (["talks", "--labels", "o.csv"], 4), (["talks", "--labels", "none.csv"], 3), (["none", "--labels", "l.csv"], 3),
                            (["talks", "--labels", "l.csv", "--kinds", "poem"], 2), (["talks"], 2)):
        said = run(*arguments, code=code)
        assert said[-1].startswith("affect tune-data: ") and open("c.jsonl", "rb").read() == keep, (arguments, said)
    print(f"{len(made_clips)} clips, {claims} claims, all supported")
