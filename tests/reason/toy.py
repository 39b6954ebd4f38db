"""`affect explain --llm` with a model that really answers (toy_model.py, trained here in seconds): what it says is right, is checked and is kept, in this process and
behind llama.cpp's own server on loopback; the same model made a liar is found out; a server that dies in the middle is survived.
usage: toy.py AFFECT BUILD"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import toy_model
from toy_server import Server

affect, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
if not os.path.exists(build + "/lib/libaffect-llama.so"):  # a build for sanitizers takes what the other one has
    build = os.path.abspath("build")
os.environ["AFFECT_LLAMA"] = library = build + "/lib/libaffect-llama.so"
server_program = build + "/llama/bin/llama-server"
for needed in (library, server_program):
    if not os.path.exists(needed):
        print("skipped: no", needed, "(make test-llm)")
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
    os.environ["no_proxy"] = "*"
    with open("toy.txt", "w") as f:
        f.write(toy_model.TEMPLATE)
    with open("words.txt", "w") as f:
        f.write("\n".join(toy_model.LABELS) + "\n")
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

    # The same behind llama.cpp's own server, by its own way from the schema to a grammar.
    server = Server(server_program, "toy.gguf")
    try:
        for s in scenes[:4]:
            put(s)
            for url in (server.url, server.url + "/v1"):
                e, error = asked("--llm", url, "--yes")
                assert e["claims"] == right(s) and not error, (s, e, error)
        for more in (["--votes", "3"], ["--mask"]):
            e, error = asked("--llm", server.url + "/v1", "--yes", *more)
            assert e["claims"] == right(s) and not error, (more, e, error)
        # Words first: the server makes a grammar of that schema too, and words come out of the list alone.
        for s in scenes[:4]:
            put(s)
            e, error = asked("--llm", server.url + "/v1", "--yes", "--labels-first", "--labels", "words.txt")
            named = [x["word"] for x in e["labels"][0]["labels"]] if e["labels"] else []
            assert named in ([], [s["label"]]) and e["claims"] == (right(s) if named else right(s)[:1]) and not error, (s, e, error)
    finally:
        server.end()

    # It dies while it answers: our own account, and one line.
    with open("long.txt", "w") as f:  # long enough to be asked in the middle of
        f.write(toy_model.TEMPLATE.replace("{EVIDENCE}", "words " * 3000 + "{EVIDENCE}"))
    own = explain("--json")[0]
    server = Server(server_program, "toy.gguf")
    try:
        client = subprocess.Popen([affect, "explain", "t.json", "--json", "--send", "events", "--prompt", "long.txt", "--llm", server.url, "--yes", "--timeout", "20"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        while b"launch_slot_" not in open("server.log", "rb").read() and client.poll() is None:
            time.sleep(0.01)
        assert client.poll() is None, "it answered too soon"
        server.process.send_signal(signal.SIGKILL)
        out, error = client.communicate(timeout=60)
        assert client.returncode == 0 and out == own and error.count("\n") == 1 and "did not help" in error, (client.returncode, out, error)
    finally:
        server.end()

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
