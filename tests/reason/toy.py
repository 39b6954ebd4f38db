"""`affect explain --llm` with a model that really answers (toy_model.py, trained here in seconds): what it says is right, is checked and is kept; the
same model made a liar is found out. usage: toy.py AFFECT BUILD"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import toy_model

affect, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
if not os.path.exists(build + "/lib/libaffect-llama.so"):  # a build for sanitizers takes what the other one has
    build = os.path.abspath("build")
os.environ["AFFECT_LLAMA"] = library = build + "/lib/libaffect-llama.so"
if not os.path.exists(library):
    print("skipped: no", library, "(make llama)")
    sys.exit(77)


def explain(*arguments):
    done = subprocess.run([affect, "explain", "t.json", "--send", "events", "--prompt", "toy.txt", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr[-2000:])
    return done.stdout, done.stderr


def put(s):
    with open("t.json", "w") as f:
        json.dump(toy_model.timeline(s), f)


def right(s):
    """The claims that hold of a scene, as explanation.c prints them."""
    who = int(s["person"])
    return [{"text": f"There is a clear {s['kind']}.", "kind": "event", "person": who, "modality": s["modality"], "direction": None, "t0": float(s["onset"]),
             "t1": float(s["offset"]), "evidence": [s["event"]], "verdict": "supported", "reason": ""},
            {"text": f"The expression is one of {s['label']}.", "kind": "state", "person": who, "modality": "fused", "direction": None, "t0": float(s["t0"]),
             "t1": float(s["t1"]), "evidence": [s["episode"]], "verdict": "supported", "reason": ""}]


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    with open("toy.txt", "w") as f:
        f.write(toy_model.TEMPLATE)
    tokens = toy_model.Tokens()
    learned = toy_model.train(tokens)
    toy_model.write("toy.gguf", tokens, *learned)
    r = random.Random(4711)
    scenes = [toy_model.scene(r) for _ in range(12)]
    put(scenes[0])
    assert explain("--show-prompt")[0] == toy_model.prompt(scenes[0]), "prompt.c writes other prompts than the model was trained on"

    def asked(*more):
        out, error = explain("--json", "--llm-model", "toy", *more)
        return json.loads(out), error

    # In this process: each claim is what the prompt says, and survives the check.
    for s in scenes:
        put(s)
        e, error = asked("--llm", "toy.gguf")
        assert e["claims"] == right(s) and e["generator"] == "toy" and not error, (s, e, error)
    # Votes at a temperature, and hidden modalities: what rests on evidence stays.
    for more in (["--votes", "3"], ["--mask"]):
        e, error = asked("--llm", "toy.gguf", *more)
        assert e["claims"] == right(s) and not error, (more, e, error)

    # A liar: it says 1 for person 2 and the other way round, and a frown for a smile.
    E, W, said = learned
    place = {t: i for i, t in enumerate(said)}
    for a, b in (("1", "2"), ("3", "4"), ("smile", "frown"), ("pause", "laugh")):
        a, b = (place[tokens.number["\u2581" + w]] for w in (a, b))
        W["o"][:, [a, b]] = W["o"][:, [b, a]]
    toy_model.write("liar.gguf", tokens, E, W, said)
    for s in scenes[:4]:
        put(s)
        out, error = explain("--json", "--llm", "liar.gguf")
        assert out == explain("--json")[0] and re.search("none of its 2 claims holds", error) and error.count("\n") == 1, (out, error)
    print("ok")
