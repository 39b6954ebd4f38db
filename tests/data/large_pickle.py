"""A pickle of over 1 GiB of features: it is mapped, so that what is in memory at once is not the file's size. usage: large_pickle.py AFFECT"""
import json, os, pickle, shutil, subprocess, sys, tempfile
try: import numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
affect, folder = sys.argv[1], tempfile.mkdtemp()
if shutil.disk_usage(folder).free < 4 << 30: print("skipped: under 4 GiB of room in", folder); sys.exit(77)
path = os.path.join(folder, "aligned_50.pkl")
try:
    part = lambda n: {"text": np.full((n, 50, 768), .25, "f4"), "audio": np.ones((n, 50, 5), "f4"), "vision": np.zeros((n, 50, 20), "f4"), "regression_labels": np.linspace(-3, 3, n), "id": [f"v{i}" for i in range(n)]}
    rows = {"train": 5000, "valid": 1000, "test": 1000}
    with open(path, "wb") as f: pickle.dump({k: part(n) for k, n in rows.items()}, f, protocol=4)
    size = os.path.getsize(path)
    # The reader alone maps every page that it counts; what is the process's own is its anonymous memory.
    run = subprocess.Popen([affect, "data", "info", path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    own = 0
    while run.poll() is None:
        try: own = max([own] + [int(line.split()[1]) for line in open(f"/proc/{run.pid}/status") if line.startswith("RssAnon")])
        except (FileNotFoundError, ProcessLookupError): pass
        try: run.wait(.01)
        except subprocess.TimeoutExpired: pass
    report = json.loads(run.stdout.read())[0]
    good = run.returncode == 0 and size > 1 << 30 and report["root.train.text"] == "float32 (5000, 50, 768)" and 0 < own < 64 << 10
    print(f"{size / 2**30:.2f} GiB read, {own / 1024:.1f} MiB of own memory at most"); sys.exit(not good)
finally: shutil.rmtree(folder)
