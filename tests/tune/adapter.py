"""`affect explain|ask --llm MODEL.gguf --adapter FOLDER`: prompts of tokens and embeddings through llama.cpp give the same tokens as src/nn; what `affect tune` taught of
the clips of `affect tune-data` is said of recordings that it has not seen, by what their streams hold, and checked. usage: adapter.py AFFECT TUNE_TOOL BUILD"""
import ctypes
import json
import os
import subprocess
import sys
import tempfile

import tiny

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reason"))
import tiny_gguf

affect, tool, build = (os.path.abspath(a) for a in sys.argv[1:4])
if not os.path.exists(build + "/lib/libaffect-llama.so"):  # a build for sanitizers takes what the other one has
    build = os.path.abspath("build")
library = build + "/lib/libaffect-llama.so"
if not os.path.exists(library):
    print("skipped: no libaffect-llama.so (make llama)")
    sys.exit(77)
os.environ["AFFECT_LLAMA"] = library
INTS, FLOATS = ctypes.POINTER(ctypes.c_int32), ctypes.POINTER(ctypes.c_float)


class Part(ctypes.Structure):
    _fields_ = [("tokens", INTS), ("embeddings", FLOATS), ("count", ctypes.c_int)]


class Mixed(ctypes.Structure):
    _fields_ = [("parts", ctypes.POINTER(Part)), ("part_count", ctypes.c_int), ("most_tokens", ctypes.c_int), ("stop", ctypes.c_void_p), ("user", ctypes.c_void_p)]


class Reply(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("length", ctypes.c_size_t), ("prompt_tokens", ctypes.c_int), ("reused_tokens", ctypes.c_int),
                ("answer_tokens", ctypes.c_int), ("complete", ctypes.c_int), ("tokens", INTS)]


class Api(ctypes.Structure):
    _fields_ = [("interface", ctypes.c_int), ("version", ctypes.c_char_p),
                ("open", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)),
                ("close", ctypes.CFUNCTYPE(None, ctypes.c_void_p))] + [(name, ctypes.c_void_p) for name in ("context", "count", "answer", "logits", "vocabulary", "tokens")] + [
        ("adapt", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)), ("width", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)),
        ("go_on", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(Mixed), ctypes.POINTER(Reply), ctypes.c_char_p))]


def mixed(api, model, parts, most):
    """parts: lists of tokens, and arrays of embeddings."""
    keep, why, reply = [], ctypes.create_string_buffer(256), Reply()
    own = (Part * len(parts))()
    for i, p in enumerate(parts):
        keep.append(np.ascontiguousarray(p, np.float32 if isinstance(p, np.ndarray) else np.int32))
        if isinstance(p, np.ndarray):
            own[i] = Part(None, keep[-1].ctypes.data_as(FLOATS), len(p))
        else:
            own[i] = Part(keep[-1].ctypes.data_as(INTS), None, len(p))
    failed = api.go_on(model, Mixed(own, len(parts), most, None, None), reply, why)
    return why.value if failed else [reply.tokens[i] for i in range(reply.answer_tokens)]


def through_the_shim():
    lib = ctypes.CDLL(library)
    lib.affect_llama.restype = ctypes.POINTER(Api)
    api, draw, why = lib.affect_llama().contents, np.random.default_rng(4), ctypes.create_string_buffer(256)
    for family in ("llama", "qwen2", "qwen3"):
        m = tiny.Tiny("m.gguf", family, seed=len(family), tied=False)
        m.adapter("a.gguf")
        with open("m.gguf", "rb") as f:
            model = api.open(f.fileno(), 1024, 1, None, None, why)
        assert model and api.width(model) == 64, why.value
        soft = draw.normal(size=(5, 64)).astype("<f4")
        a, b, c = ([int(t) for t in draw.integers(3, 300, n)] for n in (4, 3, 6))
        said = {}
        for adapter in ("-", "a.gguf"):
            if adapter != "-":
                assert api.adapt(model, b"a.gguf", why) == 0, why.value
            done = subprocess.run([tool, "soft", "m.gguf", adapter, "30", *map(str, a), *(str(-2 - i) for i in range(2)), *map(str, b), *(str(-2 - i) for i in range(2, 5)),
                                   *map(str, c)], input=soft.tobytes(), capture_output=True, check=True)
            ours = [int(t) for t in done.stdout.split()]
            if 2 in ours:  # the end of an answer
                ours = ours[:ours.index(2)]
            said[adapter] = theirs = mixed(api, model, [a, soft[:2], b, soft[2:], c], 30)
            assert theirs == ours and len(ours) > 5, (family, adapter, ours, theirs)
            assert mixed(api, model, [a, soft[:2], b, soft[2:], c], 30) == ours, "what was read before stays in the context"
            assert mixed(api, model, [a, -3 * soft[:2], b, soft[2:], c], 30) != ours, "embeddings are not looked at"
        assert said["-"] != said["a.gguf"]
        for bad in ([[300]], [[-1]], [], [list(range(3, 250)) * 5], [draw.normal(size=(2000, 64))]):
            assert isinstance(mixed(api, model, bad, 4), bytes), bad
        assert mixed(api, model, [a, soft[:2], b, soft[2:], c], 30) == said["a.gguf"], "after errors"
        for name, content in (("none.gguf", None), ("bad.gguf", b"GGUF" + b"\0" * 40)):
            if content:
                open(name, "wb").write(content)
            assert api.adapt(model, name.encode(), why) != 0 and why.value
        api.close(model)


def timeline(sign, seed, label="neutral", face=True):
    """The sign stands in the face's numbers alone."""
    r = np.random.default_rng(seed)

    def track(name, modality, person, channels, mean):
        rows = [[round(.1 * i, 3), 1, *np.round(mean + .2 * r.normal(size=len(channels)), 4).tolist()] for i in range(80)]
        return {"id": name, "modality": modality, "person": person, "model": "", "channels": channels, "rows": rows}
    episode = {"id": "e1", "t0": 0.0, "t1": 8.0, "label": label, "score": .8, "person": 1, "parent": None, "attributes": None}
    smile = {"id": "f1", "onset": 1.0, "apex": 1.5, "offset": 2.0, "kind": "smile", "modality": "face", "person": 1, "model": "", "strength": .8, "confidence": .9}
    return {"schema": "affect-timeline/2", "duration": 8.0, "properties": {}, "persons": [], "warnings": [],
            "tracks": ([track("face/1/aus", "face", 1, ["AU01", "AU12", "AU45"], sign)] if face else []) + [track("voice/prosody", "voice", None, ["f0_hz", "energy_db"], 0)],
            "tiers": [{"id": "episodes", "modality": "fused", "intervals": [episode]}], "events": [smile], "links": []}


def run(*arguments, code=0, **environment):
    done = subprocess.run([affect, *arguments], capture_output=True, text=True, timeout=200, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    assert done.returncode == code, (arguments, done.returncode, done.stderr[-1500:])
    return done.stdout, done.stderr


def save(name, value):
    with open(name, "w") as f:
        json.dump(value, f)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    through_the_shim()

    # Teaching: what the answer's first line says stands in the face's stream and nowhere else.
    os.makedirs("talks")
    words = ["thoughtful", "tired"]
    for i in range(10):
        save(f"talks/r{i}.json", timeline(2 * (i % 2) - 1, i))
    open("l.csv", "w").write("recording,label,words,split\n" + "".join(f"r{i},{words[i % 2]},{words[i % 2]},{'valid' if i >= 8 else 'train'}\n" for i in range(10)))
    run("tune-data", "talks", "--labels", "l.csv", "--kinds", "explanation,question", "--claims", "1", "-o", "c.jsonl")
    tiny_gguf.write("m.gguf", context=1024)
    open("r.ini", "w").write("[streams]\nnames = face voice\n[projector]\ntokens = 2\nhidden = 16\n[lora]\nrank = 16\ntargets = attn_q attn_k attn_v attn_output ffn_gate "
                             "ffn_up ffn_down\n[train]\nepochs = 20\nbatch = 2\nrate = .005\npatience = 0\ndrop = 0\n")
    run("tune", "r.ini", "--base", "m.gguf", "--data", "c.jsonl", "-o", "tuned", "-q")
    card = json.load(open("tuned/card.json"))
    assert card["validation"]["exact"] == 1 and card["streams"][0]["channels"] == ["AU01", "AU12", "AU45"] and card["streams"][0]["rate_hz"] == 5, card

    # Recordings that it has not seen: the words follow the stream, the claim passes the check and is its own.
    tuned = ("--llm", "m.gguf", "--adapter", "tuned")
    state = "as calm and tired from 0.0 s to 8.0 s"
    for i in range(20, 26):
        save("t.json", timeline(2 * (i % 2) - 1, i))
        out, error = run("explain", "t.json", "--json", "--llm-model", "mine", *tuned)
        e = json.loads(out)
        assert not error and e["generator"] == "mine" and [c["verdict"] for c in e["claims"]] == ["supported"] and state in e["claims"][0]["text"], (e, error)
        assert [w["word"] for w in e["labels"][0]["labels"]] == [words[i % 2]], (i, e["labels"])
    out, error = run("ask", "t.json", "When is there a smile?", "--json", *tuned)
    a = json.loads(out)
    assert not error and a["kind"] == "claims" and a["evidence"] == ["f1"] and "1.5 s" in a["text"] and a["confidence"] is None, (a, error)
    assert "(sure" not in run("ask", "t.json", "When is there a smile?", *tuned)[0]
    assert json.loads(run("ask", "t.json", "does she love him?", "--json", *tuned)[0])["refused"]
    assert run("ask", "t.json", "When is there a smile?", "--no-llm", *tuned)[0] == run("ask", "t.json", "When is there a smile?")[0]
    shown = run("explain", "t.json", "--show-prompt", *tuned)[0]
    assert shown == json.loads(open("c.jsonl").readline())["prompt"], shown

    # A modality that is not there, or other channels: it still answers. What does not hold is dropped, and our own account stands in with one warning.
    save("t.json", timeline(1, 30, face=False))
    assert state in run("explain", "t.json", *tuned)[0]
    save("t.json", {**timeline(1, 30), "tracks": [{**t, "channels": t["channels"][::-1]} for t in timeline(1, 30)["tracks"]]})
    assert state in run("explain", "t.json", *tuned)[0]
    save("t.json", timeline(1, 30, label="anger"))
    out, error = run("explain", "t.json", *tuned)
    assert out == run("explain", "t.json")[0] and error.count("\n") == 1 and "did not help: " in error, error
    save("t.json", timeline(1, 30))
    assert state in run("explain", "t.json", "--mask", *tuned)[0]

    # What is wrong is said in one line: of what was asked for as a mistake, of files as a warning before our own account.
    own = run("explain", "t.json")[0]
    for arguments in (("--llm", "http://127.0.0.1:1/v1", "--adapter", "tuned", "--yes"), (*tuned, "--votes", "3"), (*tuned, "--labels-first")):
        assert "an adapter goes with a model's file" in run("explain", "t.json", *arguments, code=11)[1], arguments
    assert "wants a tuned model" in run("ask", "t.json", "When is there a smile?", "--llm", "m.gguf", code=11)[1]
    tiny.Tiny("wide.gguf", "llama", width=32, heads=2, kv_heads=2, vocabulary=320)
    os.makedirs("empty")
    os.makedirs("broken")
    save("broken/card.json", {"streams": [{"name": "face", "features": 3}]})
    open("broken/projector.safetensors", "wb").write(open("tuned/projector.safetensors", "rb").read()[:500])
    os.makedirs("cut")
    for name in ("card.json", "projector.safetensors", "adapter.gguf"):
        raw = open("tuned/" + name, "rb").read()
        open("cut/" + name, "wb").write(raw[:len(raw) - 100] if name == "adapter.gguf" else raw)
    for model, adapter, why in (("wide.gguf", "tuned", "a model of width 64, and this one's is 32"), ("m.gguf", "empty", "card.json"), ("m.gguf", "none", "card.json"),
                                ("m.gguf", "broken", "projector.safetensors"), ("m.gguf", "cut", "adapter.gguf")):
        out, error = run("explain", "t.json", "--llm", model, "--adapter", adapter)
        assert out == own and error.count("\n") == 1 and why in error, (model, adapter, error)
    out, error = run("explain", "t.json", *tuned, AFFECT_LLAMA="/nowhere.so")
    assert out == own and error.count("\n") == 1 and "make llama" in error, error
print("ok")
