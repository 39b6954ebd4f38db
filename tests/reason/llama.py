"""`affect explain --llm FILE.gguf`: a model in this process, by llama.cpp. The models are tiny ones that the test makes: with random weights, whose answers
are claims all the same since the grammar leaves nothing else, and one that says a fixed answer. usage: llama.py AFFECT BUILD"""
import ctypes
import json
import os
import pty
import random
import re
import struct
import subprocess
import sys
import tempfile

import tiny_gguf
from made import timeline

affect, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
if not os.path.exists(build + "/lib/libaffect-llama.so"):  # a build for sanitizers takes what the other one has
    build = os.path.abspath("build")
library = build + "/lib/libaffect-llama.so"
if not os.path.exists(library):
    print("skipped: no", library, "(make llama)")
    sys.exit(77)
os.environ["AFFECT_LLAMA"] = library


def explain(*arguments, code=0, **environment):
    done = subprocess.run([affect, "explain", *arguments], capture_output=True, text=True, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    assert done.returncode == code, (arguments, done.returncode, done.stderr[-2000:])
    return done.stdout, done.stderr


class Request(ctypes.Structure):
    _fields_ = [("prompt", ctypes.c_char_p), ("grammar", ctypes.c_char_p), ("most_tokens", ctypes.c_int), ("temperature", ctypes.c_float),
                ("seed", ctypes.c_uint32), ("stop", ctypes.c_void_p), ("user", ctypes.c_void_p), ("media", ctypes.c_void_p), ("media_count", ctypes.c_int)]


class Reply(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("length", ctypes.c_size_t), ("prompt_tokens", ctypes.c_int), ("reused_tokens", ctypes.c_int),
                ("answer_tokens", ctypes.c_int), ("complete", ctypes.c_int), ("tokens", ctypes.c_void_p)]


class Api(ctypes.Structure):
    _fields_ = [("interface", ctypes.c_int), ("version", ctypes.c_char_p),
                ("open", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)),
                ("close", ctypes.CFUNCTYPE(None, ctypes.c_void_p)), ("context", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)),
                ("count", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)),
                ("answer", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(Request), ctypes.POINTER(Reply), ctypes.c_char_p))]


def through_the_shim():
    """The begin that two prompts share is read once, and the answer is the same as without that; grammars that are none are refused."""
    lib = ctypes.CDLL(library)
    lib.affect_llama.restype = ctypes.POINTER(Api)
    api, why = lib.affect_llama().contents, ctypes.create_string_buffer(256)
    with open("tiny.gguf", "rb") as f:
        model = api.open(f.fileno(), 1024, 1, None, None, why)
        other = api.open(f.fileno(), 1024, 1, None, None, why)
    assert model and api.context(model) == 1024, why.value

    def ask(m, prompt, grammar=b'root ::= [a-z]{20,20} " " ("yes" | "no")\n', most=100, temperature=0.0, seed=1):
        reply = Reply()
        failed = api.answer(m, Request(prompt, grammar, most, temperature, seed, None, None, None, 0), reply, why)
        return None if failed else (reply.text, reply.prompt_tokens, reply.reused_tokens, reply.complete)
    common = b"these words are the begin of every prompt " * 5
    first = ask(model, common + b"one")
    second, alone = ask(model, common + b"two"), ask(other, common + b"two")
    assert re.fullmatch(rb"[a-z]{20} (yes|no)", first[0]) and first[2] == 0 and first[3] == 1, first
    assert second[0] == alone[0] and alone[2] == 0 and second[2] >= len(common) / 2 and second[1] == alone[1] == api.count(model, common + b"two"), (second, alone)
    assert ask(model, common, most=5)[3] == 0
    assert len({ask(model, common, temperature=2.0, seed=s)[0] for s in range(8)}) > 4, "seeds"
    for bad in (b"", b"root ::= (", b"other ::= [a]\n", b"root ::= missing\n"):
        assert ask(model, common, grammar=bad) is None and why.value, bad
    assert ask(model, b"long " * 2000) is None and b"context" in why.value, why.value
    assert ask(model, common + b"two")[0] == alone[0], "after errors"
    api.close(model)
    api.close(other)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    d, _ = timeline(2)
    with open("t.json", "w") as f:
        json.dump(d, f)
    alone = explain("t.json", "--json")[0]
    tiny_gguf.write("tiny.gguf")
    through_the_shim()

    event = next(e for e in d["events"] if e["kind"] == "smile")

    def holds_it(e):
        return e["person"] == event["person"] and e["t0"] <= event["apex"] <= e["t1"]
    one = {**d, "tiers": [{**t, "intervals": [e for e in t["intervals"] if holds_it(e)]} if t["id"] == "episodes" else t for t in d["tiers"]]}
    with open("one.json", "w") as f:
        json.dump(one, f)
    alone_one = explain("one.json", "--json")[0]

    # Random weights: every answer is an object of claims (or the line would say that it is none), and none of them holds: an interval may end before it begins.
    out, error = explain("one.json", "--json", "--llm", "tiny.gguf")
    assert out == alone_one and error.count("\n") == 1 and re.search(r"none of its \d+ claims holds;|claim 1: 't1' must be", error), error

    out, error = explain("one.json", "--json", "--llm", "tiny.gguf", "--labels-first")  # words of any letters, in the form that is asked for
    assert out == alone_one and error.count("\n") == 1 and re.search(r"none of its \d+ claims holds;|claim 1: 't1' must be", error), error

    # A model that says one thing that is true of one episode: it is kept; of the others our own account stands in.
    claim = {"text": "There is a smile.", "kind": "event", "person": event["person"], "modality": "face", "direction": None, "t0": event["onset"],
             "t1": event["offset"], "evidence": [event["id"]]}
    tiny_gguf.write("smile.gguf", says=json.dumps({"claims": [claim]}))
    out, error = explain("t.json", "--json", "--llm", "smile.gguf", "--llm-model", "smiler")
    assert explain("t.json", "--json", "--llm", "smile.gguf", "--llm-model", "smiler") == (out, error), "two runs differ"
    e, own = json.loads(out), json.loads(alone)
    assert e["generator"] == "smiler" and all(c["verdict"] == "supported" for c in e["claims"]), (out, error)
    said = [c for c in e["claims"] if c["text"] == claim["text"]]
    assert said and all(c["evidence"] == claim["evidence"] for c in said), e["claims"]
    assert len(e["claims"]) > len(own["claims"]) / 2 and error.count("\n") == 1 and re.search(r"nothing that holds of \d+ of 10 episodes", error), error
    # No socket, and no file but the model's is opened after it, least of all for writing.
    subprocess.run(["strace", "-f", "-o", "trace", "-e", "trace=%network,open,openat,creat,unlink,rename,mkdir", affect, "explain", "t.json", "--llm", "smile.gguf"],
                   check=True, capture_output=True)
    with open("trace") as f:
        trace = f.read().splitlines()
    opened = next(i for i, line in enumerate(trace) if "smile.gguf" in line)
    assert not [line for line in trace if re.search(r"socket\(|connect\(|bind\(|O_WRONLY|O_RDWR|O_CREAT", line.split(" = ")[0])], trace
    allowed = ("libaffect-llama.so", "/etc/ld.so", "/lib/", "/usr/lib/", "/proc/", "/sys/", "/dev/null", library)
    assert not [line for line in trace[opened + 1:] if "open" in line and '"' in line and "ENOENT" not in line and not any(a in line for a in allowed)], trace[opened:]

    # On a terminal the loading is shown.
    primary, secondary = pty.openpty()
    subprocess.run([affect, "explain", "t.json", "--llm", "smile.gguf"], check=True, stdout=subprocess.DEVNULL, stderr=secondary, stdin=subprocess.DEVNULL)
    os.close(secondary)
    shown = b""
    while b"did not" not in shown and b"nothing that holds" not in shown:
        shown += os.read(primary, 65536)
    assert b"loading the model" in shown and b"asking the model" in shown, shown[:500]

    # Files that are none, and damaged ones: our own account and one line, never a crash.
    with open("smile.gguf", "rb") as f:
        whole = f.read()
    head = whole.index(b"output.weight") + 40
    r = random.Random(1)
    damaged = [whole[:n] for n in (0, 3, 4, 23, 24, 100, head // 2, head, len(whole) // 2, len(whole) - 1)] + [b"ggml" + whole[4:], b"\xff" * 5000]
    for name in ("llama.context_length", "llama.embedding_length", "llama.block_count", "llama.feed_forward_length", "llama.attention.head_count",
                 "llama.attention.head_count_kv", "llama.rope.dimension_count", "llama.vocab_size", "general.alignment", "tokenizer.ggml.bos_token_id",
                 "tokenizer.ggml.eos_token_id", "llama.attention.layer_norm_rms_epsilon"):
        at = whole.index(tiny_gguf.string(name)) + 8 + len(name) + 4
        damaged += [whole[:at] + struct.pack("<I", v) + whole[at + 4:] for v in (0, 3, 1 << 31, 0xffffffff, r.randrange(1 << 32))]
    for name in ("tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        at = whole.index(tiny_gguf.string(name)) + 8 + len(name)
        for skip, form, v in ((4, "<I", 5), (4, "<I", 10), (8, "<Q", 1), (8, "<Q", 1 << 60), (0, "<I", 4)):
            damaged.append(whole[:at + skip] + struct.pack(form, v) + whole[at + skip + struct.calcsize(form):])
    for _ in range(60):
        b = bytearray(whole)
        for _ in range(r.choice([1, 2, 8])):
            b[r.randrange(head)] = r.randrange(256)
        damaged.append(bytes(b))
    for words in (b"llama\x08", b"<0x41>", b"</s>", b"blk.0.attn_q", b"token_embd"):
        damaged.append(whole.replace(words, b"\x00" * len(words)))
    damaged.append(whole[:-4] + struct.pack("<f", float("nan")))
    assert claim["text"] in explain("one.json", "--llm", "smile.gguf")[0]
    refused = 0
    for i, b in enumerate(damaged):
        with open("bad.gguf", "wb") as f:
            f.write(b)
        out, error = explain("one.json", "--json", "--llm", "bad.gguf")
        assert error.count("\n") <= 1 and (json.loads(out)["claims"]), (i, error)
        refused += "did not help" in error
        assert "did not help" not in error or (out == alone_one and "bad.gguf" in error), (i, error)
    assert refused > len(damaged) / 2, (refused, len(damaged))
    print(refused, "of", len(damaged), "damaged files refused")
    for wrong in ("none.gguf", "folder.gguf", "link.gguf"):
        if wrong == "folder.gguf":
            os.mkdir(wrong)
        if wrong == "link.gguf":
            os.symlink("/dev/zero", wrong)
        out, error = explain("one.json", "--json", "--llm", wrong)
        assert out == alone_one and error.count("\n") == 1 and wrong in error and "no such file" in error, error
    out, error = explain("one.json", "--json", "--llm", "tiny.gguf", AFFECT_LLAMA=folder + "/nothing.so")
    assert out == alone_one and "make llama" in error and error.count("\n") == 1, error
    print("ok")
