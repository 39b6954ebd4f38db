"""affect explain: every claim holds and cites, the JSON fits its schema, nothing of a modality that is not there, English.
usage: explain.py AFFECT ROOT"""
import collections
import copy
import json
import os
import re
import subprocess
import sys
import tempfile

from made import KINDS, timeline

affect, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])


def run(*arguments, code=0):
    done = subprocess.run([affect, *arguments], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    assert code == 0 or done.stderr.count("\n") == 1, done.stderr
    return done.stdout if code == 0 else done.stderr


def write(name, value):
    with open(name, "w") as f:
        f.write(value if isinstance(value, str) else json.dumps(value))


with open(root + "/docs/explanation.schema.json") as f:
    schema = json.load(f)
try:
    import jsonschema
    validator = (getattr(jsonschema, "Draft202012Validator", None) or jsonschema.Draft7Validator)(schema)
except ImportError:
    assert not os.environ.get("AFFECT_REQUIRE_ALL"), "python3-jsonschema"
    validator = None

openings, claims_in, cited = collections.Counter(), [], []
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for seed in range(20):
        d, _ = timeline(seed)
        write("t.json", d)
        text = run("explain", "t.json", "--json", "-o", "e.json") or open("e.json").read()
        assert run("explain", "t.json", "--json") == text, "not the same twice"
        e = json.loads(text)
        if validator:
            validator.validate(e)
        ids = {v["id"] for t in d["tiers"] for v in t["intervals"]} | {v["id"] for v in d["events"]}
        assert all(c["evidence"] and set(c["evidence"]) <= ids for c in e["claims"]), "a claim without evidence"
        # The evidence graph: what is cited and what links tie to that, each once, and no link to anything else.
        nodes, tied = {n["id"]: n for n in e["evidence"]["nodes"]}, {(k["from"], k["to"], k["kind"]) for k in e["evidence"]["links"]}
        cites = {i for c in e["claims"] for i in c["evidence"]}
        want = {(k["from"], k["to"], k["kind"]) for k in d["links"] if {k["from"], k["to"]} & cites and {k["from"], k["to"]} <= ids}
        assert {i for i, n in nodes.items() if n["cited"]} == cites and tied == want and len(nodes) == len(e["evidence"]["nodes"]), (seed, tied ^ want)
        assert set(nodes) == cites | {i for k in want for i in k[:2]}
        for v in d["events"]:
            n = nodes.get(v["id"])
            assert not n or (n["type"], n["label"], n["person"]) == ("events", v["kind"], v["person"]) and abs(n["strength"] - v["strength"] * v["confidence"]) < 1e-3
        checked = json.loads(run("check", "t.json", "e.json", "--json"))
        assert checked["evidence"] == e["evidence"]
        if validator:
            validator.validate(checked)
        bad = [c for c in checked["claims"] if c["verdict"] != "supported"]
        assert not bad and checked["faithfulness"] == 1, bad[:2]
        cited.append(checked["utilisation"])
        episodes = next(t["intervals"] for t in d["tiers"] if t["id"] == "episodes")
        claims_in.append(len(e["claims"]) / len(episodes))
        assert {k["episode"] for k in e["labels"]} == {v["id"] for v in episodes}
        for k in e["labels"]:
            assert 1 <= len(k["labels"]) <= 4 and abs(sum(x["score"] for x in k["labels"]) - 1) < 0.01, k
        prose = run("explain", "t.json")
        openings[" ".join(prose.split()[:2])] += 1
        plain = re.sub(r"\[[^]]*\]", "", prose)
        assert "_" not in plain, re.findall(r"\S*_\S*", plain)
        for number, after in re.findall(r"(\d\.\d) (\S+)", plain):
            assert after.startswith("s"), (number, after)
        # A modality that is taken away is not spoken of, as generated.
        for gone in KINDS:
            less = copy.deepcopy(d)
            dead = {v["id"] for v in less["events"] if v["modality"] == gone}
            less["events"] = [v for v in less["events"] if v["modality"] != gone]
            if gone == "words":
                dead |= {v["id"] for t in less["tiers"] if t["id"] == "utterances" for v in t["intervals"]}
                less["tiers"] = [t for t in less["tiers"] if t["id"] != "utterances"]
            less["links"] = [k for k in less["links"] if not {k["from"], k["to"]} & dead]
            write("less.json", less)
            about = [c for c in json.loads(run("explain", "less.json", "--json"))["claims"] if c["modality"] == gone or re.search(rf"\b{gone}\b", c["text"])]
            assert not about, about
    assert max(openings.values()) <= 3, openings
    assert min(claims_in) >= 2, claims_in
    print(f"{sum(claims_in) / 20:.1f} claims an episode, {100 * sum(cited) / 20:.0f} % of strong events cited, {len(openings)} openings of 20")

    # A user's own labels, and only those.
    write("six.txt", "happy\nsad\nangry\n\nworried\nsurprise\nneutral\n")
    six = {"happy", "sad", "angry", "worried", "surprise", "neutral"}
    d, _ = timeline(3)
    write("t.json", d)
    e = json.loads(run("explain", "t.json", "--json", "--labels", "six.txt"))
    episodes = {v["id"]: v for t in d["tiers"] for v in t["intervals"]}
    own = {"happiness": "happy", "sadness": "sad", "anger": "angry", "fear": "worried", "neutral": "neutral"}
    for k in e["labels"]:
        assert {x["word"] for x in k["labels"]} <= six and k["labels"][0]["word"] == own[episodes[k["episode"]]["label"]], k
    # Relief needs a fall of arousal after negative valence.
    def two(before, after):
        d = json.loads(json.dumps(timeline(0)[0]))
        place = lambda i, a, b, va: {"id": f"e{i}", "t0": a, "t1": b, "label": "pleased" if va[0] > 0 else "tense", "score": 0.5, "person": 1, "parent": None,
                                     "attributes": {"labels": ["pleased" if va[0] > 0 else "tense"], "label_scores": [0.5], "valence": va[0], "valence_sd": 0.1, "arousal": va[1], "arousal_sd": 0.1}}
        return {**d, "tiers": [{"id": "episodes", "modality": "fused", "intervals": [place(1, 0, 10, before), place(2, 10, 20, after)]}], "events": [], "links": [], "tracks": []}
    write("t.json", two((-0.6, 0.6), (0.45, -0.3)))
    words = [x["word"] for x in json.loads(run("explain", "t.json", "--json"))["labels"][1]["labels"]]
    assert "relieved" in words, words
    write("t.json", two((0.6, 0.6), (0.45, -0.3)))
    assert "relieved" not in [x["word"] for x in json.loads(run("explain", "t.json", "--json"))["labels"][1]["labels"]]

    # What a user can get wrong.
    write("t.json", timeline(1)[0])
    good = {"schema": "affect-explanation/1", "claims": [{"text": "a", "kind": "event", "person": None, "modality": "face", "direction": None, "t0": 0, "t1": 1, "evidence": ["f1"]}]}
    for change, pattern in [({"kind": "guess"}, "'kind' must be"), ({"modality": "smell"}, "'modality'"), ({"direction": "up"}, "'direction'"), ({"t0": -1}, "'t0'"),
                            ({"t0": 2}, "'t1' must be at or after"), ({"t1": "1"}, "'t1'"), ({"person": 0}, "'person'"), ({"evidence": "f1"}, "'evidence'"),
                            ({"evidence": [1]}, "'evidence'"), ({"text": None}, "'text'"), ({"evidence": ["x"] * 65}, "'evidence'")]:
        write("e.json", {**good, "claims": [{**good["claims"][0], **change}]})
        assert pattern in run("check", "t.json", "e.json", code=4), change
    for text, pattern in [("", "line"), ("{", "line"), ("[]", "schema"), ('{"schema":"affect-explanation/2","claims":[]}', "schema"),
                          ('{"schema":"affect-explanation/1","claims":{}}', "claims"), ('{"schema":"affect-explanation/1","claims":[3]}', "claim 1")]:
        write("e.json", text)
        assert pattern in run("check", "t.json", "e.json", code=4), text
    write("e.json", {**good, "claims": good["claims"] * 10001})
    run("check", "t.json", "e.json", code=13)
    run("check", "t.json", "none.json", code=3)
    run("check", "t.json", code=2)
    run("explain", code=2)
    run("explain", "t.json", "--labels", "none", code=3)
    write("empty.txt", "\n \n")
    run("explain", "t.json", "--labels", "empty.txt", code=4)
    write("e.json", {**good, "claims": []})
    assert "0 claims" in run("check", "t.json", "e.json")
