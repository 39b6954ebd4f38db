"""`affect explain --llm FILE.gguf --mmproj FILE`: pictures and sound for a model in the worker. Tiny random weights: what llama.cpp's own server answers under greedy
sampling is what the worker answers; pictures matter; what two prompts share, pictures too, is read once; hostile projectors cost one line. usage: mmproj.py AFFECT BUILD"""
import array
import base64
import io
import json
import math
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import urllib.request
import wave
import zlib

import tiny_gguf
from made import timeline
from toy_server import Server

affect, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
if not os.path.exists(build + "/lib/libaffect-llama.so"):  # a build for sanitizers takes what the other one has
    build = os.path.abspath("build")
library, server_program = build + "/lib/libaffect-llama.so", build + "/llama/bin/llama-server"
for needed in (library, server_program):
    if not os.path.exists(needed):
        print("skipped: no", needed, "(make test-llm)")
        sys.exit(77)
os.environ["AFFECT_LLAMA"] = library
program = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(affect))), "affect-llama")
OPEN, COUNT, ANSWER, STOP, PROGRESS, OPENED, COUNTED, ANSWERED, FAILED = range(1, 10)  # reason/llama_pipe.h
GRAMMAR = 'root ::= [a-z]{20,20} " " ("yes" | "no")\n'


class Worker:
    """affect-llama, spoken to as the program does."""

    def __init__(self, model, projector):
        def place():
            fds = [os.open(model, os.O_RDONLY), os.open(projector, os.O_RDONLY)]
            high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
        self.process = subprocess.Popen([program, library], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=place, close_fds=False)
        kind, body = self.ask(OPEN, struct.pack("<iii", 8192, 1, 1))
        assert kind == OPENED, body
        self.context, self.pictures, self.sound = struct.unpack("<iii", body)

    def ask(self, kind, body):
        self.process.stdin.write(struct.pack("<II", kind, len(body)) + body)
        self.process.stdin.flush()
        while True:
            kind, n = struct.unpack("<II", self.process.stdout.read(8))
            body = self.process.stdout.read(n)
            if kind != PROGRESS:
                return kind, body

    def answer(self, prompt, media=(), grammar=GRAMMAR, most=60):
        """(text, tokens of the prompt, tokens that were known), or the error."""
        p, g = prompt.encode() + b"\0", grammar.encode() + b"\0"
        kind, body = self.ask(ANSWER, struct.pack("<ifIIII", most, 0, 1, len(p), len(g), len(media)) + p + g + b"".join(struct.pack("<I", len(m)) + m for m in media))
        if kind != ANSWERED:
            return body.decode()
        prompt_tokens, reused, _, complete = struct.unpack("<iiii", body[:16])
        assert complete
        return body[16:].decode(), prompt_tokens, reused

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def picture(red, green, blue, side=40):
    """PNG."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    row = b"\0" + b"".join(bytes((red, green, blue * x // side)) for x in range(side))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(row * side)) + chunk(b"IEND", b"")


def sound(hertz):
    """WAV of a second."""
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(16000)
        w.writeframes(array.array("h", [int(9000 * math.sin(2 * math.pi * hertz * i / 16000)) for i in range(16000)]).tobytes())
    return out.getvalue()


def of_server(server, prompt, media):
    """What llama-server answers to the same prompt."""
    open_ = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    marker = json.load(open_(server.url + "/props", timeout=60))["media_marker"]
    text = prompt.replace("\x01", marker)
    body = {"prompt": {"prompt_string": text, "multimodal_data": [base64.b64encode(m).decode() for m in media]} if media else text, "n_predict": 60,
            "temperature": 0, "grammar": GRAMMAR, "cache_prompt": False}
    request = urllib.request.Request(server.url + "/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(open_(request, timeout=120))["content"]


def explain(*arguments, code=0):
    done = subprocess.run([affect, "explain", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == code, (arguments, done.returncode, done.stderr[-2000:])
    return done.stdout, done.stderr


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    tiny_gguf.write("tiny.gguf")
    tiny_gguf.write_projector("mm.gguf")
    tiny_gguf.write_projector("eye.gguf", sound=False)
    d, _ = timeline(2)
    with open("t.json", "w") as f:
        json.dump(d, f)

    red, green, low, high = picture(255, 0, 9), picture(0, 255, 200), sound(200), sound(900)
    shown = [("what is it\n", []), ("see \x01\nwhat is it\n", [red]), ("see \x01\nwhat is it\n", [green]), ("see \x01\nand \x01\nwhat\n", [green, red]),
             ("hear \x01\nwhat is it\n", [low]), ("hear \x01\nwhat is it\n", [high]), ("see \x01\nhear \x01\nwhat\n", [red, high])]
    worker = Worker("tiny.gguf", "mm.gguf")
    assert (worker.pictures, worker.sound) == (1, 1)
    own = [worker.answer(*s) for s in shown]
    server = Server(server_program, "tiny.gguf", "--mmproj", "mm.gguf", "--no-mmproj-offload")
    try:
        theirs = [of_server(server, *s) for s in shown]
    finally:
        server.end()
    assert [t for t, _, _ in own] == theirs, list(zip(own, theirs))
    assert own[1][0] != own[2][0] and own[4][0] != own[5][0], "what is shown makes no difference"
    # The begin that two prompts share is read once, with its pictures; another picture at the same place is read.
    first, again, other = [worker.answer(f"the same begin of both \x01\n{q}\n", [p]) for q, p in (("what", red), ("when", red), ("what", green))]
    assert again[2] >= first[1] - 8 and again[2] > other[2] > 5, (first, again, other)
    assert other[0] == worker.answer("the same begin of both \x01\nwhat\n", [green])[0] and first[0] == worker.answer("the same begin of both \x01\nwhat\n", [red])[0]
    # What is no picture, places without one and pictures without a place are errors, and the worker lives on.
    for prompt, media in (("see \x01\nwhat\n", [b"nonsense"]), ("what\n", [red]), ("\x01 \x01\nwhat\n", [red]), ("see \x01", [red]), ("see \x01\nwhat\n", [b""])):
        assert isinstance(worker.answer(prompt, media), str), (prompt, media)
    assert worker.answer(*shown[1])[0] == own[1][0]

    # The prompts of a recording's episodes share the instructions, which are read once, not with each.
    prompts = explain("t.json", "--llm", "tiny.gguf", "--show-prompt")[0]
    head = prompts[:60]
    prompts = [head + p for p in prompts.split(head)[1:]]
    assert len(prompts) > 5
    counts = [worker.answer(p, grammar='root ::= "a"\n') for p in prompts]
    common = struct.unpack("<i", worker.ask(COUNT, os.path.commonprefix(prompts).encode() + b"\0")[1])[0]
    assert common > 500 and all(known >= common - 2 for _, _, known in counts[1:]) and counts[0][2] < 50, (common, counts)
    worker.end()
    print("known of the prompts' tokens, from the second episode on:", round(sum(c[2] for c in counts[1:]) / sum(c[1] for c in counts[1:]), 3))

    # End to end: random weights say nothing that holds, in one line; a server takes no projector.
    one = {**d, "tiers": [{**t, "intervals": t["intervals"][:1]} if t["id"] == "episodes" else t for t in d["tiers"]]}
    with open("one.json", "w") as f:
        json.dump(one, f)
    alone = explain("one.json", "--json")[0]
    out, error = explain("one.json", "--json", "--llm", "tiny.gguf", "--mmproj", "eye.gguf")
    assert out == alone and error.count("\n") == 2 and "--media" in error and re.search(r"none of its \d+ claims holds|must be", error), error
    explain("one.json", "--llm", "http://127.0.0.1:1/v1", "--yes", "--mmproj", "mm.gguf", code=11)

    # Projectors that are none, of another model, and damaged ones: our own account and one clear line that names the file.
    tiny_gguf.write_projector("wide.gguf", width=96)
    with open("mm.gguf", "rb") as f:
        whole = f.read()
    head = whole.index(b"mm.a.fc.bias") + 40
    r = random.Random(1)
    damaged = [whole[:n] for n in (0, 3, 24, 100, head // 2, head, len(whole) // 2, len(whole) - 1)] + [b"ggml" + whole[4:]]
    for name in ("clip.vision.image_size", "clip.vision.patch_size", "clip.vision.block_count", "clip.vision.embedding_length", "clip.vision.attention.head_count",
                 "clip.audio.num_mel_bins", "clip.audio.block_count", "clip.audio.projection_dim"):
        at = whole.index(tiny_gguf.string(name)) + 8 + len(name) + 4
        damaged += [whole[:at] + struct.pack("<I", v) + whole[at + 4:] for v in (0, 1 << 31)]
    for words in (b"mlp", b"qwen2a", b"v.patch_embd", b"mm.0.weight", b"v.blk.0.attn_q"):
        damaged.append(whole.replace(words, b"x" * len(words)))
    for _ in range(4):
        b = bytearray(whole)
        for _ in range(r.choice([1, 2, 8])):
            b[r.randrange(head)] = r.randrange(256)
        damaged.append(bytes(b))
    alone, refused = explain("one.json", "--json")[0], 0
    for i, b in enumerate([None, *damaged]):
        name = "bad.gguf" if b is not None else "wide.gguf"
        if b is not None:
            with open(name, "wb") as f:
                f.write(b)
        out, error = explain("one.json", "--json", "--send", "text,events", "--llm", "tiny.gguf", "--mmproj", name)
        assert out == alone and "did not help" in error and all(line.startswith(("warning", "affect")) for line in error.splitlines()), (i, error)
        named = "projector" in error or "ended in its own process" in error
        refused += named
        assert error.count("\n") == 1, (i, error)
    assert refused > len(damaged) / 2, (refused, len(damaged))
    print(refused, "of", len(damaged) + 1, "projectors refused")
    out, error = explain("one.json", "--json", "--llm", "tiny.gguf", "--mmproj", "none.gguf")
    assert out == alone and error.count("\n") == 1 and "the projector none.gguf: there is no such file" in error, error
    print("ok")
