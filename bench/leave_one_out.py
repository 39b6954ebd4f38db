#!/usr/bin/env python3
"""Does a gold standard agree with a rater whom it has not seen? CEAP-360VR, each table of raters in turn.

usage: bench/leave_one_out.py AFFECT ../shared/data/ceap360vr [--raters N] [--methods latent,mean,ewe,dba]

For each of 8 videos, valence and arousal, N of the 32 raters (all; with N, evenly spaced) are left out one after the
other; `affect gold` makes a gold standard of the other 31, at the raters' own mean lag (--lag 0), and Pearson's
r and CCC with the rater left out are taken over the recording. Printed: the mean over raters and videos, and the
difference of latent from each other method, paired, with its 95 % interval over the videos (drawn anew 4,000 times).
A rater or a gold standard that never moves counts as 0.
"""
import argparse
import csv
import glob
import os
import subprocess
import tempfile

import numpy as np


def agreement(a, b):
    """Pearson's r and CCC."""
    cov = ((a - a.mean()) * (b - b.mean())).mean()
    spread = a.std() * b.std()
    below = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return (cov / spread if spread > 1e-12 else 0.0), (2 * cov / below if below > 1e-12 else 0.0)


def gold(affect, files, method, out):
    done = subprocess.run([affect, "gold", *files, "--method", method, "--lag", "0", "--force", "-o", out], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    with open(out, newline="") as file:
        rows = [(float(r["time"]), float(r["value"])) for r in csv.DictReader(file)]
    return np.array(rows).T


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("affect")
    parser.add_argument("folder")
    parser.add_argument("--raters", type=int, default=32)
    parser.add_argument("--methods", default="latent,mean,ewe,dba")
    given = parser.parse_args()
    methods = given.methods.split(",")
    found = {}  # dimension, method -> video -> [(r, ccc)]
    for path in sorted(glob.glob(f"{given.folder}/V*_10hz.tsv")):
        video, dimension, _ = os.path.basename(path).split("_")
        table = np.genfromtxt(path, delimiter="\t", skip_header=1)
        times, traces = table[:, 0], table[:, 1:].T
        left_out = sorted({round(k * (len(traces) - 1) / max(given.raters - 1, 1)) for k in range(given.raters)})
        with tempfile.TemporaryDirectory() as work:
            files = []
            for k, trace in enumerate(traces):
                files.append(f"{work}/{k}.csv")
                with open(files[-1], "w") as file:
                    file.write("time,value\n" + "".join(f"{t:g},{v:g}\n" for t, v in zip(times, trace) if np.isfinite(v)))
            for k in left_out:
                there = np.isfinite(traces[k])
                for method in methods:
                    t, v = gold(given.affect, files[:k] + files[k + 1 :], method, f"{work}/gold.csv")
                    at = np.interp(times[there], t, v)
                    found.setdefault((dimension, method), {}).setdefault(video, []).append(agreement(at, traces[k][there]))
    rng = np.random.default_rng(1)
    for dimension in ("valence", "arousal"):
        videos = sorted(found[dimension, methods[0]])
        mean = {m: np.array([np.mean(found[dimension, m][v], 0) for v in videos]) for m in methods}
        draws = rng.integers(0, len(videos), (4000, len(videos)))
        print(f"{dimension}: {len(videos)} videos, {len(left_out)} raters left out of each")
        for m in methods:
            line = f"  {m:7} r {mean[m][:, 0].mean():.4f}  CCC {mean[m][:, 1].mean():.4f}"
            if m != methods[0]:
                for k, name in enumerate(("r", "CCC")):
                    gap = mean[methods[0]][:, k] - mean[m][:, k]
                    low, high = np.quantile(gap[draws].mean(1), [0.025, 0.975])
                    line += f"   {methods[0]} - {m}, {name}: {gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
            print(line, flush=True)


if __name__ == "__main__":
    main()
