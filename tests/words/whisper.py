"""`--recogniser whisper:FILE` against whisper.cpp's own command on the same model and sound: the same words at the same times. The model is a
tiny one that says a fixed sentence whatever it hears (its positions spell it), so that also what must not be shown to it can be told.
usage: whisper.py AFFECT BUILD"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

import numpy as np

affect, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
if not os.path.exists(build + "/lib/libaffect-whisper.so"):  # a build for sanitizers takes what the other one has
    build = os.path.abspath("build")
library, command = build + "/lib/libaffect-whisper.so", build + "/whisper/bin/whisper-cli"
if not os.path.exists(library) or not os.path.exists(command):
    print("no", library, "or", command, "(make whisper)")
    sys.exit(77)
VOCABULARY, EOT, BEGIN, WIDTH = 51864, 50256, 50363, 64
os.environ["AFFECT_WHISPER"] = library
SENTENCE = ["He", " was", " so", " happy", ",", " when", " the", " letter", " came", "."]


def model(path, sentence, end_s):
    """ggml's format of Whisper (whisper.cpp, models/convert-pt-to-ggml.py), one layer each side; attention and multilayer perceptrons are small noise, the
    position says what comes next."""
    r = np.random.default_rng(3)
    tokens = [BEGIN] + list(range(1000, 1000 + len(sentence))) + [BEGIN + round(end_s * 50), EOT]
    vocabulary = [b" x%d" % i for i in range(50257)]
    vocabulary[220] = b" "
    for i, word in enumerate(sentence):
        vocabulary[1000 + i] = word.encode()
    embedding = r.normal(size=(VOCABULARY, WIDTH))
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    position = np.zeros((448, WIDTH))
    for i in range(448):
        position[i] = 12 * embedding[tokens[min(i, len(tokens) - 1)]]
    with open(path, "wb") as f:
        f.write(struct.pack("<12i", 0x67676d6c, VOCABULARY, 1500, WIDTH, 2, 1, 448, WIDTH, 2, 1, 80, 1))
        f.write(struct.pack("<2i", 80, 201) + np.abs(r.normal(size=(80, 201))).astype("<f4").tobytes())
        f.write(struct.pack("<i", len(vocabulary)))
        for word in vocabulary:
            f.write(struct.pack("<i", len(word)) + word)

        def put(name, values, half=False):
            values = np.asarray(values)
            f.write(struct.pack("<3i", values.ndim, len(name), 1 if half else 0) + struct.pack(f"<{values.ndim}i", *values.shape[::-1]))
            f.write(name.encode() + values.astype("<f2" if half else "<f4").tobytes())

        def small(*shape):
            return r.normal(scale=0.01, size=shape)

        def norm(name, gain=1.0):
            put(name + ".weight", np.full(WIDTH, gain))
            put(name + ".bias", np.zeros(WIDTH))

        def linear(name, rows, columns, bias=True):
            put(name + ".weight", small(rows, columns), True)
            if bias:
                put(name + ".bias", np.zeros(rows))

        def block(name, cross):
            for part in ["attn"] + (["cross_attn"] if cross else []):
                norm(f"{name}.{part}_ln")
                for matrix in ("query", "key", "value", "out"):
                    linear(f"{name}.{part}.{matrix}", WIDTH, WIDTH, matrix != "key")
            norm(name + ".mlp_ln")
            linear(name + ".mlp.0", 4 * WIDTH, WIDTH)
            linear(name + ".mlp.2", WIDTH, 4 * WIDTH)

        put("encoder.positional_embedding", small(1500, WIDTH))
        put("encoder.conv1.weight", small(WIDTH, 80, 3), True)
        put("encoder.conv1.bias", np.zeros((WIDTH, 1)))
        put("encoder.conv2.weight", small(WIDTH, WIDTH, 3), True)
        put("encoder.conv2.bias", np.zeros((WIDTH, 1)))
        norm("encoder.ln_post")
        block("encoder.blocks.0", False)
        put("decoder.positional_embedding", position)
        put("decoder.token_embedding.weight", embedding, True)
        norm("decoder.ln", 3.0)
        block("decoder.blocks.0", True)


def analyze(sound, recogniser, code=0, **environment):
    done = subprocess.run([affect, "analyze", sound, "--no-face", "--no-voice", "--json", "--recogniser", recogniser], capture_output=True, text=True,
                          env={**os.environ, **environment})
    assert done.returncode == code, (recogniser, done.returncode, done.stderr[-2000:])
    return json.loads(done.stdout) if code == 0 else done.stderr


def words(d):
    return [(w["label"], w["t0"], w["t1"]) for t in d["tiers"] if t["id"] == "words" for w in t["intervals"]]


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    model("tiny.bin", SENTENCE, 3.0)
    subprocess.run(["espeak-ng", "-w", "said.wav", "-s", "150", "he was so happy when the letter came at last"], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", "said.wav", "-ar", "16000", "-ac", "1", "-t", "3.2", "-c:a", "pcm_s16le", "s.wav"], check=True)
    subprocess.run([command, "-m", "tiny.bin", "-f", "s.wav", "-ojf", "-of", "theirs", "-t", "2", "-np", "-nfa"], check=True, capture_output=True)
    with open("theirs.json") as f:
        theirs = [t for s in json.load(f)["transcription"] for t in s["tokens"] if not t["text"].startswith("[_")]
    d = analyze("s.wav", "whisper:tiny.bin")
    assert "".join(t["text"] for t in theirs).strip() == "".join(SENTENCE), theirs
    said = next(t for t in d["tiers"] if t["id"] == "utterances")["intervals"]
    assert [u["label"] for u in said] == ["".join(SENTENCE)], said
    starts = [t["offsets"]["from"] / 1000 for t in theirs if t["text"].strip(",. ")]
    assert [w for w, _, _ in words(d)] == [t.strip() for t in SENTENCE if t.strip(",. ")], words(d)
    worst = max(abs(a - t0) for a, (_, t0, _) in zip(starts, words(d)))
    assert worst <= 0.2, (starts, words(d))
    assert all(a[2] <= b[1] + 1e-9 and a[1] <= a[2] for a, b in zip(words(d), words(d)[1:]))
    print(f"same words, times within {worst:.3f} s of whisper-cli's")
    assert analyze("s.wav", "whisper:tiny.bin") == d, "two runs differ"

    # Later in the recording, after silence: the clock goes on; and silence alone is never shown to it.
    subprocess.run(["sox", "s.wav", "late.wav", "pad", "25", "40"], check=True)
    late = words(analyze("late.wav", "whisper:tiny.bin"))
    assert len(late) == len(starts) and all(abs(b[1] - 25 - a[1]) < 0.3 for a, b in zip(words(d), late)), late
    subprocess.run(["sox", "-n", "-r", "16000", "-c", "1", "-b", "16", "hush.wav", "synth", "40", "whitenoise", "vol", "0.0005"], check=True)
    assert not words(analyze("hush.wav", "whisper:tiny.bin"))
    subprocess.run(["sox", "-n", "-r", "16000", "-c", "1", "-b", "16", "hum.wav", "synth", "60", "sine", "100", "vol", "0.1"], check=True)
    assert all(t0 < 20 for _, t0, _ in words(analyze("hum.wav", "whisper:tiny.bin"))), "words in a steady hum"
    # Forty seconds without a pause are heard in two pieces, and this model says its sentence once for each.
    subprocess.run(["sox", "s.wav", "long.wav", "repeat", "12"], check=True)
    heard = words(analyze("long.wav", "whisper:tiny.bin"))
    assert len(heard) == 2 * len(starts) and 18 < heard[len(starts)][1] < 28.5 and all(a[1] <= b[1] for a, b in zip(heard, heard[1:])), heard

    # More words than anybody says, and marks of sounds, are left out.
    model("fast.bin", [" yes"] * 200, 3.0)
    assert not words(analyze("s.wav", "whisper:fast.bin"))
    model("music.bin", [" [", "MUSIC", "]"], 3.0)
    assert not words(analyze("s.wav", "whisper:music.bin"))

    # Files that are none, and damaged ones: one line, never a crash.
    with open("tiny.bin", "rb") as f:
        whole = f.read()
    r = random.Random(1)
    cuts = [0, 3, 4, 20, 47, 48, 60, 64000, 70000, 300000, len(whole) // 2, len(whole) - 100, len(whole) - 1]
    damaged = [whole[:n] for n in cuts] + [b"GGUF" + whole[4:], b"\xff" * 5000, whole.replace(struct.pack("<i", 1) + b" ", struct.pack("<i", 1) + b"_", 1)]
    for at in [4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 52]:
        damaged.append(whole[:at] + struct.pack("<i", r.choice([-1, 0, 1 << 30])) + whole[at + 4:])
    for i, bytes_ in enumerate(damaged):
        with open("bad.bin", "wb") as f:
            f.write(bytes_)
        error = analyze("s.wav", "whisper:bad.bin", code=8)
        assert error.count("\n") == 1 and "bad.bin" in error, (i, error)
    for wrong in ("none.bin", ".", "/dev/zero"):
        assert analyze("s.wav", "whisper:" + wrong, code=8).count("\n") == 1
    error = analyze("s.wav", "whisper:tiny.bin", code=8, AFFECT_WHISPER=folder + "/nothing.so")
    assert "make whisper" in error and error.count("\n") == 1, error
    print("ok")
