"""What data/pickle reads equals what Python's pickle reads, for every protocol, for numpy of both module layouts, for
Python 2's form and for real files; everything that would execute is refused. usage: pickle_parity.py TOOL [DATA]"""
import collections, json, math, os, pickle, subprocess, sys, tempfile
try:
    import numpy as np
except ImportError as e:
    print("skipped:", e); sys.exit(77)
TOOL, DATA = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
passed = failed = 0

def number(x):
    x = float(x)
    return "nan" if math.isnan(x) else "inf" if x == math.inf else "-inf" if x == -math.inf else x

def plain(v):
    if v is None or isinstance(v, bool): return v
    if isinstance(v, np.ndarray):
        kind = {"O": "object", "S": "bytes", "U": "text"}.get(v.dtype.kind, v.dtype.name)
        return {"dtype": kind, "shape": list(v.shape), "items": [plain(x) if kind == "object" else plain(x) if kind in ("bytes", "text") else number(x) for x in v.flatten()]}
    if isinstance(v, np.generic): v = v.item()
    if isinstance(v, bool): return v
    if isinstance(v, int): return v if -2**63 <= v < 2**63 else float(v)
    if isinstance(v, float): return number(v)
    if isinstance(v, str): return v.encode().hex()
    if isinstance(v, (bytes, bytearray)): return bytes(v).hex()
    if isinstance(v, (set, frozenset)): return ["set"] + [plain(x) for x in v]
    if isinstance(v, dict): return ["dict"] + [plain(x) for kv in v.items() for x in kv]
    if isinstance(v, type): return None
    return ["list" if isinstance(v, list) else "tuple"] + [plain(x) for x in v]

def run(data, *flags):
    with tempfile.NamedTemporaryFile(suffix=".pkl") as f:
        f.write(data); f.flush()
        return subprocess.run([TOOL, f.name, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)

def check(name, good, detail=""):
    global passed, failed
    passed += good; failed += not good
    if not good: print("FAILED", name, detail)

def equal(name, data, want):
    r = run(data)
    check(name, r.returncode == 0 and json.loads(r.stdout) == json.loads(json.dumps(plain(want))), r.stderr.decode() or r.stdout[:300])

rng = np.random.default_rng(1)
shared = [1, 2]
values = {
    "scalars": [None, True, False, 0, -1, 255, 256, 65535, 65536, -2**31, 2**31, 2**62, -2**63, 2**100, -2**100, 1.5, -0.0, math.inf, math.nan],
    "texts": ["", "plain", "ünïcödé 😀", "line\nend\\u0041 '\"", b"", b"\x00\xff\n", "x" * 300, b"y" * 70000, bytearray(b"abc")],
    "containers": {"a": [1, [2, (3,)]], "b": (), "c": {1: {2: set()}}, ("t", 1): [shared, shared], "d": {7}, "e": frozenset([8])},
    "ordered": collections.OrderedDict([("z", 1), ("a", [2.5])]), "default": collections.defaultdict(list, {"k": [1]}),
    "long list": list(range(3000)), "long dict": {str(i): i / 3 for i in range(2500)},
    "arrays": [np.arange(12).astype(t).reshape(3, 4) for t in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", ">f4", ">i8", "?")],
    "fortran": np.asfortranarray(rng.normal(size=(3, 5, 2))), "empty array": np.zeros((0, 7)), "scalar array": np.array(3.5), "nan": np.array([np.nan, np.inf, -np.inf]),
    "numpy scalars": [np.float32(1.25), np.int64(-7), np.bool_(True), np.str_("é"), np.bytes_(b"ab")],
    "strings": [np.array(["ab", "cde", "ü"]), np.array([b"ab", b"c"])], "objects": np.array([{"a": 1}, [2], None], dtype=object),
    "like MMSA": {"train": {"text": rng.normal(size=(4, 5, 3)).astype("f4"), "id": ["v$_$1", "v$_$2"], "regression_labels": rng.normal(size=4), "audio_lengths": [3, 4]}},
}
for name, value in values.items():
    for protocol in range(6): equal(f"{name}, protocol {protocol}", pickle.dumps(value, protocol), value)
every = bytes(range(256))
for n in list(range(20)) + [255, 256, 4096]:
    equal(f"{n} bytes of every value as Latin-1", pickle.dumps([(every * 20)[i:i + n] for i in (0, 120, 127, 128, 250)], 2), [(every * 20)[i:i + n] for i in (0, 120, 127, 128, 250)])
equal("numpy 2 module names", pickle.dumps(np.arange(3), 2).replace(b"numpy.core.multiarray", b"numpy._core.multiarray"), np.arange(3))
# Python 2 writes str with SHORT_BINSTRING and arrays with raw strings.
py2 = b"\x80\x02}q\x01U\x05videoq\x02]q\x03(K\x01G?\xf8\x00\x00\x00\x00\x00\x00es."
equal("Python 2 str keys", py2, {"video": [1, 1.5]})
py2 = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03(K\x01K\x02\x85cnumpy\ndtype\nq\x04U\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x00@tb."
equal("Python 2 array", py2, np.array([1, 2], "f4"))

class Evil:
    def __reduce__(self): return (os.system, ("echo executed",))
class Plain:
    pass
for name, data, word in [
    ("os.system", pickle.dumps(Evil(), 0), "system"), ("os.system 4", pickle.dumps(Evil(), 4), "system"),
    ("eval", b"cbuiltins\neval\n(S'1+1'\ntR.", "builtins.eval"), ("a class", pickle.dumps(Plain(), 2), "Plain"),
    ("INST", b"(ios\nsystem\n.", "INST"), ("OBJ", b"(cbuiltins\nlist\no.", "OBJ"), ("PERSID", b"P1\n.", "PERSID"), ("BINPERSID", b"NQ.", "BINPERSID"),
    ("EXT1", b"\x82\x01.", "EXT1"), ("NEWOBJ_EX", b"cbuiltins\ndict\n)}\x92.", "NEWOBJ_EX"), ("type call", b"cbuiltins\nint\nK\x01\x85R.", "int"),
    ("structured array", pickle.dumps(np.zeros(2, dtype=[("a", "f4")]), 2), "array type"), ("complex array", pickle.dumps(np.zeros(2, complex), 2), "c16"),
    ("getattr", b"cbuiltins\ngetattr\n.", "getattr"), ("protocol 9", b"\x80\x09N.", "protocol")]:
    r = run(data); check("refuses " + name, r.returncode == 14 and word in r.stderr.decode() and b"executed" not in r.stdout, (r.returncode, r.stderr))
loop = []; loop.append(loop)
laughs = [0]
for _ in range(60): laughs = [laughs] * 10
deep = b"]" * 200000 + b"a" * 199999 + b"."
for name, data, codes in [("cycle", pickle.dumps(loop, 2), (4,)), ("billion laughs", pickle.dumps(laughs, 2), (13,)), ("wild memo", b"Nr\xff\xff\xff\xff.", (13,)),
    ("huge shape", pickle.dumps(np.zeros(4), 2).replace(b"K\x04\x85", b"\x8a\x08" + b"\xff" * 7 + b"\x7f\x85", 1), (4,)), ("long text", b"X\xff\xff\xff\xff.", (4,)), ("empty", b"", (4,)), ("no stop", b"N", (4,)),
    *((f"no Latin-1 in {at + len(bad)} bytes", b"\x80\x02c_codecs\nencode\nX" + (at + len(bad)).to_bytes(4, "little") + b"a" * at + bad + b"X\x06\0\0\0latin1\x86R.", (4,))
      for at in (0, 3, 7, 8, 13) for bad in (b"\xc4\x80", b"\xc2", b"\xc3a", b"\x80", b"\xe2\x82\xac", b"\xc1\xbf", b"\xc2\xc2\x80")),
    ("two values", b"NN.", (4,)), ("pop of nothing", b"0.", (4,)), ("append to none", b"NNa.", (4,)), ("unmarked", b"e.", (4,)), ("wrong size", pickle.dumps(np.zeros(4), 2)[:-20] + b".", (4,))]:
    r = run(data); check("clear error for " + name, r.returncode in codes and len(r.stderr.splitlines()) == 1, (r.returncode, r.stderr[:200]))
r = run(deep, "--only-read"); check("200000 nested lists", r.returncode == 0, r.stderr)
full = pickle.dumps(values["like MMSA"], 4)
for cut in range(0, len(full), 7):
    r = run(full[:cut])
    if r.returncode != 4: check(f"cut at {cut}", False, r.stderr)
passed += 1

real = os.path.join(DATA, "mosi_acl2017", "audio.pickle")
if os.path.exists(real):
    want = pickle.load(open(real, "rb"), encoding="latin1"); r = subprocess.run([TOOL, real], stdout=subprocess.PIPE)
    got = json.loads(r.stdout)
    def loose(a, b): # Python's latin1 reading and ours differ in how bytes above 127 are kept: compare the rest
        if isinstance(a, list) and isinstance(b, list): return len(a) == len(b) and all(loose(x, y) for x, y in zip(a, b))
        return a == b
    check("the Python 2 pickle of MOSI", loose(got, json.loads(json.dumps(plain(want)))))
else: print("skipped: no", real)
# pandas: a frame is a dict of its columns, an index that says something first; a series a dict of one
try: import pandas as pd
except ImportError: pd = None; print("pandas is not here: its pickles are not tried")
if pd:
    def columns_of(v):
        if isinstance(v, pd.Series): v = pd.DataFrame({0 if v.name is None else v.name: v})
        out = {}
        if not isinstance(v.index, pd.RangeIndex): out["index" if v.index.name is None else v.index.name] = np.array(v.index)
        for name in v.columns: out[name] = v[name].to_numpy()
        return out
    rng = np.random.default_rng(5)
    mixed = pd.DataFrame({"a": [1, 2, 3], "b": [.5, np.nan, -np.inf], "c": ["x", 'y,"z"', None], "d": [True, False, True], "e": [3, 4, 5],
                          "f": np.array([1, 2, 3], "f4"), "g": np.array([1, 2, 3], "u1")})
    frames = {"mixed": mixed, "named index": mixed.set_index("c"), "index of numbers": mixed.set_index(pd.Index([5, 1, 9])),
              "index of floats": mixed.set_index(pd.Index([.5, 1, 9.25], name="t")), "rows turned": pd.DataFrame(rng.normal(size=(4, 3)).T, columns=list("wxyz")),
              "one column": mixed[["b"]], "numbered columns": pd.DataFrame(rng.integers(0, 9, (5, 3))), "no rows": mixed.iloc[:0], "sliced": mixed.iloc[::2][["e", "a", "d"]],
              "objects turned": pd.DataFrame(np.array([["a", None], ["b", 2], ["c", 3.5]], dtype=object).T), "columns inserted": mixed.assign(h=[7, 8, 9], i=list("pqr")),
              "float names": pd.DataFrame(np.eye(2), columns=[.5, 1.5]), "a series": mixed["b"], "a series without a name": pd.Series([1, 2]), "a series with an index": pd.Series(["p", "q"], index=[3, 4], name="v"),
              "range from 5": mixed.iloc[1:]}
    for name, v in frames.items():
        for protocol in 2, 3, 4, 5:
            r = run(pickle.dumps(v, protocol)); want = plain(columns_of(v))
            got = json.loads(r.stdout) if not r.returncode else r.stderr.decode()
            check(f"pandas {name} {protocol}", got == want, f"{str(got)[:200]} {str(want)[:200]}")
    r = run(pickle.dumps({"train": mixed, "more": [mixed["a"], mixed]}, 4)); check("frames in a tree", json.loads(r.stdout) == plain({"train": columns_of(mixed), "more": [columns_of(mixed["a"]), columns_of(mixed)]}))
    for name, v in {"times": pd.DataFrame({"t": pd.to_datetime(["2020-01-01"])}), "categories": pd.DataFrame({"c": pd.Categorical(["a", "b"])}),
                    "two levels": mixed.set_index(["a", "c"])}.items():
        r = run(pickle.dumps(v, 4)); check(f"pandas {name} is refused by name", r.returncode not in (0, -6, -11) and b"refused" in r.stderr, r.stderr[:200])
    whole = pickle.dumps(mixed.set_index("c"), 4)
    for k in range(300): # damage: an answer or an error, no crash
        broken = bytearray(whole)
        for at in rng.integers(0, len(whole), 1 + k % 3): broken[at] = rng.integers(0, 256) if k % 2 else broken[at] ^ 1 << int(rng.integers(0, 8))
        r = run(bytes(broken)); check(f"damage {k}", r.returncode >= 0 and (r.returncode == 0 or len(r.stderr) > 0), r.returncode)

print(f"{passed} passed, {failed} failed"); sys.exit(failed > 0)
