#!/usr/bin/env python3
"""Feature files of some 500 MB: `affect data info` (every value looked at: NaN, infinities, least, largest, mean) beside numpy and
pickle, which only load, and which load and take the same statistics. Processor time, least of several turns that alternate.

usage: bench/reading.py AFFECT [--megabytes 500] [--turns 3]"""
import argparse, os, pickle, resource, subprocess, sys, tempfile, time
import numpy as np

WORDS, WIDTH = 50, 768


def make(folder, megabytes):
    """The same numbers as MMSA's padded array, as many arrays by name (conversations' features), plain and packed."""
    n = megabytes * 1000000 // (4 * WORDS * WIDTH)
    x = np.random.default_rng(1).standard_normal((n, WORDS, WIDTH), dtype=np.float32)
    ids = [f"v{i}" for i in range(n)]
    padded = {"train": {"text": x, "id": ids, "regression_labels": np.linspace(-3, 3, n)}}
    for name, value, protocol in [("padded.pkl", padded, 4), ("named.pkl", {i: a for i, a in zip(ids, x)}, 2)]:
        with open(os.path.join(folder, name), "wb") as file:
            pickle.dump(value, file, protocol)
    np.savez(os.path.join(folder, "plain.npz"), text=x, labels=np.arange(n))
    np.savez(os.path.join(folder, "named.npz"), **{i: a for i, a in zip(ids, x)})
    np.savez_compressed(os.path.join(folder, "packed.npz"), text=x[: n // 5].round(2))
    return ["padded.pkl", "named.pkl", "plain.npz", "named.npz", "packed.npz"]


def arrays(value):
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "fiu":
            yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from arrays(v)


def peer(path, statistics):
    """Runs in a process of its own: prints the processor time without that of the imports."""
    began = time.process_time()
    if path.endswith(".npz"):
        with np.load(path) as archive:
            value = {k: archive[k] for k in archive.files}
    else:
        with open(path, "rb") as file:
            value = pickle.load(file)
    for a in arrays(value):
        if statistics:
            np.isnan(a).sum(), np.isposinf(a).sum(), np.isneginf(a).sum(), a.min(), a.max(), a.mean(dtype=np.float64)
    print(time.process_time() - began)


def ours(affect, path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([affect, "data", "info", path], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    p = argparse.ArgumentParser()
    p.add_argument("affect")
    p.add_argument("--megabytes", type=int, default=500)
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--peer", nargs=2)
    a = p.parse_args()
    if a.peer:
        return peer(a.peer[0], a.peer[1] == "statistics")
    with tempfile.TemporaryDirectory() as folder:
        for name in make(folder, a.megabytes):
            path = os.path.join(folder, name)
            best = {}
            for _ in range(a.turns):
                for what in "load", "statistics":
                    run = [sys.executable, __file__, a.affect, "--peer", path, what]
                    took = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
                    best[what] = min(took, best.get(what, took))
                took = ours(a.affect, path)
                best["ours"] = min(took, best.get("ours", took))
            print(f"{name:11} {os.path.getsize(path) / 1e6:4.0f} MB  affect data info {best['ours']:.2f} s, numpy loads in {best['load']:.2f} s "
                  f"({best['load'] / best['ours']:.1f} x), with the same statistics {best['statistics']:.2f} s ({best['statistics'] / best['ours']:.1f} x)")


main()
