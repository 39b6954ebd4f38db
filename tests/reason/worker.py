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
