"""What `affect data info` says of an array's values is what numpy finds: every type, both orders, odd lengths, with NaN and infinities
anywhere. usage: spread_test.py AFFECT"""
import json, os, subprocess, sys, tempfile
try: import numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
affect, failed, tried = sys.argv[1], 0, 0
rng = np.random.default_rng(3)
with tempfile.TemporaryDirectory() as folder:
    cases = []
    for n in 0, 1, 7, 2047, 2048, 2049, 10000:
        for kind in "<f4", "<f8", ">f4", ">i8", "<f2", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "?": cases.append(rng.integers(0 if kind[-2:-1] in "u" or kind == "?" else -100, 100, n).astype(kind))
    for n, places in (5, [0]), (5, [4]), (2048, [0]), (2048, [2047]), (6000, [2050]), (6000, [5999]), (6000, range(6000)), (4096, range(2048)):
        for odd in np.nan, np.inf, -np.inf:
            x = rng.normal(5, 1, n).astype("f4"); x[list(places)] = odd; cases.append(x)
    cases += [np.asfortranarray(rng.normal(size=(60, 50, 3))), rng.normal(size=(90, 70)).T]
    paths = [os.path.join(folder, f"{i:03}.npy") for i in range(len(cases))]
    for path, x in zip(paths, cases): np.save(path, x)
    for path, x in zip(paths, cases):
        run = subprocess.run([affect, "data", "info", path, "--json"], capture_output=True, text=True)
        got = json.loads(run.stdout)[0]["array values"]; x = x.astype("f8").ravel(); finite = x[np.isfinite(x)]; tried += 1
        want = {"values": x.size, "nan": int(np.isnan(x).sum()), "inf": int((x == np.inf).sum()), "minus_inf": int((x == -np.inf).sum())}
        if finite.size: want |= {"min": finite.min(), "max": finite.max()}
        mean = got.pop("mean", None)
        if got != want or (mean is None) != (not finite.size) or (finite.size and abs(mean - finite.mean()) > 1e-9 * (1 + abs(finite).max())):
            failed += 1; print("FAILED", np.load(path).dtype, np.load(path).shape, got, want, mean)
print(f"{tried - failed} of {tried} arrays are described as numpy sees them"); sys.exit(failed != 0)
