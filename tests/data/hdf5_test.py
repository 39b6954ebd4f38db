"""data/hdf5 against h5py on files written here, and on damaged and hostile ones. usage: hdf5_test.py DUMP_TOOL AFFECT"""
import json, os, random, resource, subprocess, sys, tempfile
try: import h5py, numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
kept = tempfile.TemporaryDirectory()  # gone when the test ends
tool, affect, folder = sys.argv[1], sys.argv[2], kept.name
passed = failed = 0
def check(name, got, want):
    global passed, failed
    good = got == want; passed += good; failed += not good
    if not good: print("FAILED", name, repr(got)[:300], repr(want)[:300])
def at(name): return os.path.join(folder, name)
def run(*a):
    """With processor time, not the clock: the machine may be busy."""
    def used(): u = resource.getrusage(resource.RUSAGE_CHILDREN); return u.ru_utime + u.ru_stime
    start = used(); r = subprocess.run(a, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100); return r.returncode, r.stdout, r.stderr.decode(), used() - start
random.seed(1); rng = np.random.default_rng(1)
if run(tool, at("absent"), "--hdf5")[0] != 3: check("absent file", 0, 3)

# every element, against h5py
path = at("all.h5")
with h5py.File(path, "w") as f:
    for k in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 >f4 >i2 >f8".split(): f[f"types/{k.replace('>', 'big_')}"] = (rng.normal(size=(7, 3)) * 50).astype(k)
    f["bools"] = np.array([True, False, True]); f["scalar"] = 3.25; f["deep/er/cube"] = rng.normal(size=(5, 2, 4)); f["nothing"] = np.zeros((0, 4))
    f.create_dataset("packed", data=rng.normal(size=(1000, 7)).astype("f4"), chunks=(64, 7), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("lzf", data=np.arange(50.), chunks=(10,), compression="lzf"); f.create_dataset("lzf2", data=np.repeat(np.arange(4000) % 37, 11).reshape(-1, 4), chunks=(500, 4), compression="lzf", shuffle=True)
    f.create_dataset("lzf3", data=rng.normal(size=(300, 5)), chunks=(64, 5), compression="lzf"); f.create_dataset("lzf4", data=np.zeros(100000, "u1"), chunks=(50000,), compression="lzf")
    f.create_dataset("null", dtype=h5py.Empty("f4").dtype, data=h5py.Empty("f4"))
    f["odd"] = np.array([[np.nan, np.inf, -np.inf, 1]]); f["word"] = "gl\u00fcck"; f["words"] = np.array(["a", "bc", ""], dtype=h5py.string_dtype()); f["fixed"] = np.array([b"joy", b"anger"])
    f["compound"] = np.zeros(3, dtype=[("a", "f4"), ("b", "i4")]); f["soft"] = h5py.SoftLink("/scalar"); f["outer"] = h5py.ExternalLink("other.h5", "/x"); f["types/loop"] = f["types"]
    f.attrs["title"] = "set"; f["packed"].attrs["rate_hz"] = 30.0; f["packed"].attrs["pair"] = [1, 2]
code, out, err, took = run(tool, path, "--hdf5"); check("reads " + err, code, 0)
got = json.loads(out) if code == 0 else {}
def visit(name, item):
    x = got.get("/" + name, {})
    if isinstance(item, h5py.Group): check(name, x.get("content"), 0); return
    if item.shape is None: check(name, (x["shape"], x["items"]), ([0], [])); return
    check(name + " shape", x.get("shape"), list(item.shape))
    if item.dtype.kind in "fiub":
        check(name + " type", x["type"], "bool" if item.dtype == bool else item.dtype.newbyteorder("=").name)
        check(name, np.array([float(v) for v in x["items"]]).tobytes() if name != "odd" else [str(v) for v in x["items"]], item[()].astype("f8").tobytes() if name != "odd" else ["nan", "inf", "-inf", "1"])
    elif item.dtype.kind in "SO": check(name, x["items"], [v.decode() for v in np.ravel(np.array(item[()], dtype=object))])
    else: check(name + " not read", x["items"], [])
with h5py.File(path) as f: f.visititems(visit); names = []; f.visit(names.append)
check("attributes", (got["/"]["attributes"], got["/packed"]["attributes"]), ({"title": "set"}, {"rate_hz": "30", "pair": "1, 2"}))
check("not followed", [got[k]["problem"] for k in ("/soft", "/outer", "/types/loop")], [1, 1, 1])

# a computational sequence
def csd(path, segments, name="COVAREP"):
    with h5py.File(path, "w") as f:
        for k, (x, t) in segments.items():
            f.create_dataset(f"{name}/data/{k}/features", data=x, compression="gzip" if len(x) else None); f[f"{name}/data/{k}/intervals"] = t
        for k, v in {"root name": name, "computational sequence version": "1.0", "dimension names": ["a", "b"]}.items():
            d = f.create_dataset(f"{name}/metadata/{k}", (1,), dtype=h5py.string_dtype()); d[0] = json.dumps(v)
def info(path):
    code, out, err, took = run(affect, "data", "info", path, "--json"); check(path + err, code, 0); return json.loads(out)[0] if code == 0 else {}
grid = lambda n: np.stack([np.arange(n) * .5, np.arange(n) * .5 + .5], 1)
x = rng.normal(size=(40, 6)).astype("f4"); y = x[:10].copy(); y[0, 0] = np.nan; y[1:3, 1] = -np.inf
t = grid(10); t[4] = [2.1, 2.0]; t[7] = [3.2, 4.0]; t[9] = [0, .1]
csd(at("s.csd"), {"vid_1": (x, grid(40)), "vid_2[0]": (y, t), "vid_3": (x[:3], grid(4)), "vid_4": (x[:0], grid(0))})
d = info(at("s.csd"))
check("sequence", [d.get(k) for k in ("is", "computational sequence", "segments", "features", "intervals", "metadata root name", "metadata dimension names")], ["CMU-SDK computational sequence", "COVAREP", 4, "float32 (53, 6)", 54, '"COVAREP"', '["a", "b"]'])
a = np.concatenate([x, y, x[:3]]).astype("f8"); fin = a[np.isfinite(a)]
check("sequence values", [d["values"][k] for k in ("values", "nan", "minus_inf", "min", "max")] + [abs(d["values"]["mean"] - fin.mean()) < 1e-12], [318, 1, 2, fin.min(), fin.max(), True])
def faults(t): return [sum(t[:, 1] <= t[:, 0]), sum(t[1:, 0] < t[:-1, 0]), sum((t[1:, 0] >= t[:-1, 0]) & (t[1:, 0] < t[:-1, 1] - 1e-6))]
check("sequence oddities", [d.get(k, 0) for k in ("intervals that end before they start", "intervals out of order", "intervals that overlap the one before")], [int(v) for v in faults(t)])
check("sequence rows", (d.get("segments without a value"), d.get("segments with other numbers of intervals than of rows")), (1, 1))
d = info(path); check("plain file", (d["is"], d["/odd values"]["nan"], d["/packed"]), ("an HDF5 file", 1, "float32 (1000, 7), compressed"))

# bounded memory: 120 MB of doubles in chunks
big = at("big.h5")
with h5py.File(big, "w") as f: f.create_dataset("x", data=np.broadcast_to(np.arange(400, dtype="f4"), (40000, 400)), chunks=(256, 400))
code, out, err, took = run("/usr/bin/time", "-f", "%M", affect, "data", "info", big, "--json")
if code == 0: check(f"flat memory {err.split()[-1]} KiB", int(err.split()[-1]) < 60000 or "ASAN" in str(os.environ), True)

# a chunk is unpacked once, however large, and however many stand beside each other: processor time against h5py's own
values = np.zeros((300000, 100), "f4"); values[::1000] = rng.normal(size=(300, 100))
def seconds(what): start = used(); what(); return used() - start
def used(): return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
for what, chunks, rows in (("one chunk of 120 MB", (300000, 100), 300000), ("a hundred chunks beside each other", (30000, 1), 30000)):
    with h5py.File(at("chunks.h5"), "w") as f: f.create_dataset("x", data=values[:rows], chunks=chunks, compression="gzip")
    def peer():
        with h5py.File(at("chunks.h5"), "r") as f: x = f["x"][:].astype("f8"); x.min(), x.max(), x.mean()
    theirs, ours = seconds(peer), seconds(lambda: run(affect, "data", "info", at("chunks.h5")))
    check(f"{what}: {ours:.2f} s, h5py {theirs:.2f} s", ours < 8 * theirs + .5 or "ASAN" in str(os.environ), True)
for path in ("/dev/zero", at("fifo")):
    if path == at("fifo"): os.mkfifo(path)
    os.symlink(path, at("link.h5")); code, out, err, took = run("timeout", "10", affect, "data", "info", at("link.h5")); os.unlink(at("link.h5"))
    check(f"no file: {code} {err}", code, 3)

# the process that runs libhdf5 has given its rights up: twice a filter (the second forbids opening), and for good
if "ASAN" not in str(os.environ):
    code, out, err, took = run("strace", "-f", "-e", "trace=prctl,seccomp", affect, "data", "info", at("chunks.h5"))
    check("no new rights", (code, "PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) = 0" in err, sum("SECCOMP_SET_MODE_FILTER" in l and l.endswith("= 0") for l in err.splitlines())), (0, True, 2))

    # ... and it had nothing of ours: a program, with three descriptors and three lines of environment at most
    read_end, write_end = os.pipe(); os.set_inheritable(write_end, True)
    r = subprocess.run(["strace", "-f", "-v", "-s", "99", "-e", "trace=execve,close_range,fork,clone,clone3,vfork", affect, "data", "info", at("chunks.h5")], env={**os.environ, "SECRET": "x"}, pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    programs = [l for l in r.stderr.splitlines() if "execve(" in l and "affect-hdf5" in l]
    check("a program of its own", (len(programs), "SECRET" in "".join(programs), "close_range(3" in r.stderr), (1, False, True))
    os.close(read_end); os.close(write_end)

# damaged and hostile
small = at("small.csd"); csd(small, {"a": (x, grid(40)), "b": (x[:5], grid(5))}); good = open(small, "rb").read(); slow = 0
def damaged(name, data, codes=(0, 4, 13, 14)):
    global slow
    p = at("d.csd"); open(p, "wb").write(data); code, out, err, took = run(affect, "data", "info", p); slow = max(slow, took)
    check(f"{name}: {code} {err}", (code in codes, len(err.splitlines()) == (code != 0), took < 1.2), (True, True, True))
damaged("empty", b"", (4,)); damaged("text", b"not an HDF5 file\n" * 99, (4,)); damaged("signature alone", good[:8], (4,))
for n in range(0, len(good), max(1, len(good) // 10)): damaged(f"cut at {n}", good[:n], (4,))
for k in range(24):
    bad = bytearray(good)
    for _ in range(random.choice([1, 4, 30, 300])): bad[random.randrange(len(bad) if k % 3 else min(len(bad), 4096))] = random.randrange(256)
    damaged(f"mutant {k}", bytes(bad))
with h5py.File(at("g.h5"), "w") as f: f.create_dataset("x", shape=(1 << 40, 1 << 20), dtype="f8", chunks=(1, 1 << 20))
d = info(at("g.h5")); check("gigantic shape", "promises" in d.get("/x", ""), True)
with h5py.File(at("c.h5"), "w") as f: f.create_dataset("x", shape=(1 << 20, 1 << 12), dtype="f8", chunks=(1 << 15, 1 << 12), compression="gzip")
d = info(at("c.h5")); check("gigantic chunk", "too large" in d["/x"], True)
with h5py.File(at("deep.h5"), "w") as f: f["/".join("g" * 50)] = 1
check("deep", run(affect, "data", "info", at("deep.h5"))[0], 13)
print(f"slowest damaged file {slow:.2f} s; {passed} passed, {failed} failed"); sys.exit(failed > 0)
