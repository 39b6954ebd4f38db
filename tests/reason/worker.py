"""affect explain --llm FILE.gguf where llama.cpp crashes, aborts, leaves, is killed for its memory or never comes back: the account without a model, one warning that
says what happened, in time, and no process that stays. usage: worker.py AFFECT BROKEN_SHIM"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tiny_gguf
from made import timeline

affect, shim = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])


def explain(*arguments, how=None):
    environment = {**os.environ, "AFFECT_LLAMA": f"{os.getcwd()}/{how}.so"}
    began = time.monotonic()
    done = subprocess.run([affect, "explain", "t.json", "--json", *arguments], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, (how, done)
    return done.stdout, done.stderr, time.monotonic() - began


def workers():
    """Those that were started on a library of this folder."""
    found = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{p}/cmdline") as f:
                words = f.read().split("\0")
        except OSError:
            continue
        if words[0] == "affect-llama" and len(words) > 1 and os.path.dirname(words[1]) == os.getcwd():
            found.append(int(p))
    return found


with tempfile.TemporaryDirectory() as folder:
    os.chdir(os.path.realpath(folder))
    with open("t.json", "w") as f:
        json.dump(timeline(2)[0], f)
    tiny_gguf.write("tiny.gguf")
    alone = explain()[0]
    said = {"segv": "Segmentation fault", "abort": "Aborted", "exit": "status 3", "memory": "killed, perhaps for the memory"}
    for when in ("open", "count", "answer"):
        for what, words in said.items():
            how = f"{what}-{when}"
            shutil.copy(shim, how + ".so")
            out, error, _ = explain("--llm", "tiny.gguf", how=how)
            assert out == alone and error.count("\n") == 1 and "did not help" in error and words in error, (how, error)
    # What says that it cannot is no crash.
    shutil.copy(shim, "plain.so")
    out, error, _ = explain("--llm", "tiny.gguf", how="plain")
    assert out == alone and "it has nothing to say" in error and error.count("\n") == 1, error
    # Pictures and sound reach it at their places, of what the projector takes; refused, they are left away once, in one line, and the question is asked again.
    tiny_gguf.write_projector("mm.gguf")
    d = timeline(2)[0]
    episode = next(e for t in d["tiers"] if t["id"] == "episodes" for e in t["intervals"]
                   if any(v["modality"] == "face" and v["person"] == e["person"] and e["t0"] <= v["apex"] < e["t1"] for v in d["events"]))
    with open("t.json", "w") as f:
        json.dump({**d, "tiers": [{**t, "intervals": [episode]} if t["id"] == "episodes" else t for t in d["tiers"]]}, f)
    here = explain()[0]
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=96x64:r=10:d=60", "-f", "lavfi", "-i", "sine=d=60", "-c:v", "ffv1", "talk.mkv"], check=True)
    seen = ["--llm", "tiny.gguf", "--mmproj", "mm.gguf", "--media", "talk.mkv"]
    faces = min(3, sum(v["modality"] == "face" and v["kind"] != "blink" and v["person"] == episode["person"] and episode["t0"] <= v["apex"] < episode["t1"] for v in d["events"]))
    for how, more, (pictures, sounds) in (("sees", [], (faces, 1)), ("sees-eyes", [], (faces, 0)), ("sees", ["--send", "text,events,audio"], (0, 1)), ("sees", ["--attach", "pictures"], (faces, 0))):
        shutil.copy(shim, how + ".so")
        out, error, _ = explain(*seen, *more, how=how)
        n = pictures + sounds
        assert out == here and error.count("\n") == 2 and f"({pictures} pictures and {sounds} sounds in {n} of {n} places)" in error, (how, error)
        assert "0 pictures and 0 sounds in 0 of 0 places" in error and error.count("is asked without") == 1, error
    out, error, _ = explain(*seen, "--send", "text,events", how="sees")
    assert out == here and error.count("\n") == 1 and "0 pictures and 0 sounds in 0 of 0 places" in error, error
    # A projector that makes it crash, and files that are none, in one line.
    shutil.copy(shim, "segv-project.so")
    out, error, _ = explain(*seen, how="segv-project")
    assert out == here and error.count("\n") == 1 and "Segmentation fault" in error, error
    with open("mm.gguf", "rb") as f:
        whole = f.read()
    for bad in (b"", b"GGUF", whole[:200], whole[:-100], b"\xff" * 1000, whole.replace(b"v.patch_embd.weight", b"v.patch_embd.weigh\xff")):
        with open("mm.gguf", "wb") as f:
            f.write(bad)
        out, error, _ = explain(*seen, how="plain")
        assert out == here and error.count("\n") == (2 if len(bad) == len(whole) else 1) and ("the projector mm.gguf: " in error or len(bad) == len(whole)), error
    with open("t.json", "w") as f:
        json.dump(timeline(2)[0], f)

    # Told to stop in time, and stopped.
    shutil.copy(shim, "slow.so")
    out, error, took = explain("--llm", "tiny.gguf", "--timeout", "0.1", how="slow")
    assert out == alone and "within 0.1 s" in error and error.count("\n") == 1 and took < 30, (error, took)
    # Who interrupts does not wait for it: it is told, and ended where it does not listen.
    for how, most in (("slow", 5), ("hang-answer", 30)):
        shutil.copy(shim, how + ".so")
        client = subprocess.Popen([affect, "explain", "t.json", "--json", "--llm", "tiny.gguf"], env={**os.environ, "AFFECT_LLAMA": f"{os.getcwd()}/{how}.so"},
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        while not workers():
            assert client.poll() is None
            time.sleep(0.01)
        time.sleep(0.5)
        began = time.monotonic()
        client.send_signal(signal.SIGINT)
        out, error = client.communicate(timeout=60)
        assert client.returncode == 130 and not out and time.monotonic() - began < most, (how, client.returncode, out, error)
        assert not workers(), how
    # Killed from outside without a chance to say so: the other end of the pipe is gone, and so is it.
    client = subprocess.Popen([affect, "explain", "t.json", "--llm", "tiny.gguf"], env={**os.environ, "AFFECT_LLAMA": f"{os.getcwd()}/slow.so"}, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    while not workers():
        time.sleep(0.01)
    client.kill()
    client.wait()
    for _ in range(500):
        if not workers():
            break
        time.sleep(0.02)
    assert not workers()
    # Without the program it says so.
    os.environ["AFFECT_LLAMA_PROGRAM"] = folder + "/none"
    out, error, _ = explain("--llm", "tiny.gguf", how="plain")
    assert out == alone and "AFFECT_LLAMA_PROGRAM" in error and error.count("\n") == 1, error
print("ok")
