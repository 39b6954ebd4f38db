"""A pickle of over 2 GiB of features: it is mapped, so that what is in memory at once is not the file's size. The arrays
are holes of the file but for some numbers, so that a slow disk has nothing to write. usage: large_pickle.py AFFECT"""
import json, os, pickle, resource, shutil, struct, subprocess, sys, tempfile, time
try: import numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, folder = sys.argv[1], kept.name
path, most = os.path.join(folder, "aligned_50.pkl"), 64 << 10  # KiB of the process's own

class Hole:
    """Pickles as numpy's array of that shape, with a mark where its bytes go."""
    count = 0
    def __init__(self, shape, numbers=()):
        self.shape, self.numbers, self.mark = shape, numbers, b"<hole %08d of this file>" % Hole.count; Hole.count += 1; holes.append(self)
    def __reduce__(self): return np.core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), (1, self.shape, np.dtype("<f4"), False, self.mark)
holes, rows = [], {"train": 10000, "valid": 2000, "test": 2200}
part = lambda n: {"text": Hole((n, 50, 768), [(0, 2.5), (7, float("nan")), (n * 50 * 768 // 2, float("-inf")), (n * 50 * 768 - 1, -1.5)]), "audio": Hole((n, 50, 5)), "vision": Hole((n, 50, 20)), "regression_labels": np.linspace(-3, 3, n), "id": [f"v{i}" for i in range(n)]}
try:
    rest, size = pickle.dumps({k: part(n) for k, n in rows.items()}, 3), 0
    with open(path, "wb") as f:
        for h in holes:
            before, rest = rest.split(b"C" + bytes([len(h.mark)]) + h.mark); bytes_ = 4 * int(np.prod(h.shape))
            f.write(before + b"\x8e" + struct.pack("<Q", bytes_)); start = f.tell()
            for i, x in h.numbers: f.seek(start + 4 * i); f.write(struct.pack("<f", x))
            f.seek(start + bytes_)
        f.write(rest)
    size = os.path.getsize(path); began = time.time()
    # Every page that the reader counts is the system's to drop; what is the process's own is its anonymous memory.
    run = subprocess.Popen([affect, "data", "info", path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    own = 0
    while run.poll() is None:
        try: own = max([own] + [int(line.split()[1]) for line in open(f"/proc/{run.pid}/status") if line.startswith("RssAnon")])
        except (FileNotFoundError, ProcessLookupError): pass
        try: run.wait(.02)
        except subprocess.TimeoutExpired: pass
    x = json.loads(run.stdout.read())[0]; v = x["root.train.text values"]; n = rows["train"] * 50 * 768
    print(f"{size} bytes ({size / 2**30:.2f} GiB) read in {time.time() - began:.0f} s, {own / 1024:.1f} MiB of own memory at most")
    want = (0, True, "float32 (10000, 50, 768)", n, 1, 1, -1.5, 2.5, rows["test"])
    got = (run.returncode, size > 2 << 30, x["root.train.text"], v["values"], v["nan"], v["minus_inf"], v["min"], v["max"], x["test rows"])
    if got != want: print("FAILED", got, want)
    if not 0 < own < most: print("FAILED: own memory", own, "KiB")
    sys.exit(got != want or not 0 < own < most)
finally: shutil.rmtree(folder)
