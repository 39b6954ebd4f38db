"""Hostile files: each ends in a clear one-line error (or is read right) within a second of processor time and 512 MiB of address
space. Then test_data_files on one file of every kind. usage: hostile_test.py AFFECT TEST_DATA_FILES"""
import io, json, os, pickle, pickletools, resource, struct, subprocess, sys, tempfile, zipfile
sys.path.insert(0, os.path.dirname(__file__))
import sheets
try: import numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, tool, folder = sys.argv[1], sys.argv[2], kept.name
sanitized = b"__asan_init" in open(affect, "rb").read()  # its shadow memory needs terabytes of address space, and it is slow
passed = failed = 0; slowest = (0, "")
def check(name, good, detail=""):
    global passed, failed
    passed += bool(good); failed += not good
    if not good: print("FAILED", name, str(detail)[:400])
def at(name): return os.path.join(folder, name)
def made(name, data): open(at(name), "wb").write(data if isinstance(data, bytes) else data.encode()); return at(name)
def limits():
    if not sanitized: resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
def run(path):
    global slowest
    def used(): u = resource.getrusage(resource.RUSAGE_CHILDREN); return u.ru_utime + u.ru_stime
    start = used()
    try: r = subprocess.run([affect, "data", "info", path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, preexec_fn=limits)
    except subprocess.TimeoutExpired: return -1, b"", "timed out", 60
    took = used() - start; slowest = max(slowest, (took, os.path.basename(path))); return r.returncode, r.stdout, r.stderr.decode("utf-8", "replace"), took
def hostile(name, path, codes=(4, 13), word=""):
    code, out, err, took = run(path)
    check(name, code in codes and len(err.splitlines()) == (code != 0) and len(err) < 4096 and word in err and (took < 1 or sanitized), f"exit {code}, {took:.2f} s, {len(err.splitlines())} lines: {err[:300]}")
    os.unlink(path)
def good(name, path):
    code, out, err, took = run(path); check(name, code == 0 and (took < 1 or sanitized), f"exit {code}, {took:.2f} s: {err}")
    return json.loads(out)[0] if code == 0 else {}
M = 1 << 20

# ---- pickle
def pkl(name, data, *a): hostile("pickle: " + name, made("h.pkl", data), *a)
for n, what in (30, "tuples"), (90, "more tuples"): pkl("exponential memo of " + what, b"\x80\x02Nq\x000" + b"".join(b"(" + b"h%c" % k * 10 + b"tq%c0" % (k + 1) for k in range(n)) + b"h%c." % n, (13,), "shares values")
pkl("exponential dictionary", b"\x80\x02Nq\x000" + b"".join(b"}(K\x01h%cK\x02h%cuq%c0" % (k, k, k + 1) for k in range(90)) + b"h\x5a.", (13,))
big = np.zeros(1 << 16); body = pickle.dumps(big, 2)[:-1]
pkl("one array two million times", body + b"q\xc80](" + b"h\xc8" * (2 * M) + b"e.", (13,))
pkl("a cyclic list", pickle.dumps((lambda l: (l.append(l), l)[1])([]), 2), (4,)); pkl("a cyclic dictionary", pickle.dumps((lambda d: (d.update(x=d), d)[1])({}), 4), (4,))
pkl("a cycle through a tuple", (lambda l: (l.append((l,)), pickle.dumps(l, 2))[1])([]), (4,))
pkl("a cycle through an array of objects", (lambda a: (a.__setitem__(0, [a]), pickle.dumps(a, 2))[1])(np.empty(1, object)), (4,))
good("a million nested lists", made("d.pkl", b"]" * M + b"a" * (M - 1) + b".")); pkl("a million nested lists left open", b"]" * M, (4,))
good("a million nested tuples", made("d.pkl", b")" + b"\x85" * M + b"."))
for what, one in ("marks", b"("), ("empty lists", b"]"), ("empty dictionaries", b"}"), ("nothings", b"N"), ("tuples", b")"), ("integers", b"M\xff\xff"), ("floats", b"G" + b"\0" * 8), ("texts", b"U\0"), ("bytes", b"C\0"): pkl(f"four MiB of {what}", one * (4 * M // len(one)) + b".", (4, 13))
pkl("a repeated value", b"N" + b"2" * (4 * M) + b".", (4,))
for what, op in ("LONG4", b"\x8b\xff\xff\xff\x7f"), ("a negative LONG4", b"\x8b\xff\xff\xff\xff"), ("LONG1", b"\x8a\xff\0"), ("FRAME", b"\x95" + b"\xff" * 8), ("a large FRAME", b"\x95" + struct.pack("<Q", 1 << 40)), ("BINUNICODE8", b"\x8d" + b"\xff" * 7 + b"\x7f"), ("BINBYTES8", b"\x8e" + b"\xff" * 8), ("BYTEARRAY8", b"\x96" + b"\xff" * 8), ("BINBYTES", b"B\xff\xff\xff\xff"), ("BINSTRING", b"T\xff\xff\xff\xff"), ("UNICODE without end", b"Vabc"), ("INT without end", b"I12"): pkl(what, op + b".", (4,))
pkl("LONG_BINPUT", b"Nr\xff\xff\xff\xff.", (13,)); pkl("LONG_BINGET", b"j\xff\xff\xff\xff.", (4,)); pkl("PUT", b"Np99999999999\n.", (4, 13)); pkl("a negative PUT", b"Np-1\n.", (4, 13))
good("eight MiB of LONG4", made("l.pkl", b"\x8b" + struct.pack("<i", 8 * M) + b"\x7f" * (8 * M) + b".")); pkl("a LONG text of a MiB", b"L" + b"9" * M + b"L\n.", (0, 4)); pkl("a FLOAT text of a MiB", b"F" + b"9" * M + b"\n.", (0, 4))
array = lambda kind, shape, data=b"", more=b"": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01(" + b"".join(b"\x8a\x09" + struct.pack("<q", n) + b"\0" for n in shape) + b"tcnumpy\ndtype\nU" + bytes([len(kind)]) + kind + b"K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U" + bytes([len(data)]) + data + b"tb."
for what, kind, shape in ("a gigantic shape", b"f8", (1 << 40,)), ("a shape beyond 64 bits", b"f8", (1 << 32, 1 << 33)), ("a negative shape", b"f8", (-1,)), ("seventeen axes", b"f4", (1,) * 17), ("no bytes an element", b"S0", (1 << 50,)), ("texts of no letters", b"U0", (1 << 50,)), ("a huge element", b"U2000000000", (4,)): pkl(what, array(kind, shape, b"\0" * 32), (4, 13, 14))
x = np.arange(6).reshape(2, 3)
for kind in ">f4", ">f8", ">i2", ">u8", ">f2", "<i4": d = good("byte order " + kind, made("o.pkl", pickle.dumps(x.astype(kind), 2))); check("values of " + kind, [d.get("root values", {}).get(k) for k in ("min", "max", "mean")] == [0, 5, 2.5], d)
class Slots:
    def __reduce_ex__(self, protocol): return (os.system, ("true",))
for op, name in {b"P1\n.": "PERSID", b"NQ.": "BINPERSID", b"(ios\nsystem\n.": "INST", b"(cbuiltins\nlist\no.": "OBJ", b"cbuiltins\ndict\n)}\x92.": "NEWOBJ_EX", b"\x82\x01.": "EXT1", b"\x83\x01\x01.": "EXT2", b"\x84\x01\x01\x01\x01.": "EXT4", b"\x97.": "NEXT_BUFFER", b"\x98.": "READONLY_BUFFER",
                 b"cos\nsystem\n.": "GLOBAL", b"\x8c\x02os\x8c\x06system\x93.": "STACK_GLOBAL", b"cbuiltins\nint\nK\x01\x85R.": "REDUCE", b"cos\nsystem\n)\x81.": "GLOBAL", pickle.dumps(Slots(), 4): "os", b"\x80\x06N.": "PROTO"}.items(): pkl("refuses " + name, op, (14,), name)
for op in pickletools.opcodes:  # every opcode alone, with any operand: never more than a line
    for rest in b"\0" * 9, b"\xff" * 9, b"x\nx\n": pkl(f"{op.name} + {rest!r}", b"(N" + op.code.encode("latin1") + rest + b".", (0, 4, 13, 14))

# ---- npy and npz
def npy(header, data=b"", version=1): h = header.encode(); return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(h)) + h + data
head = lambda kind, shape, order="False": "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (kind, order, shape)
for what, header in {"gigantic": head("<f8", "(99999999999, 99999999999)"), "beyond 64 bits": head("<f8", "(4294967296, 4294967296)"), "all of memory": head("<f8", "(2305843009213693951,)"), "negative": head("<f8", "(-1,)"), "many axes": head("<f8", "(" + "1, " * 40 + ")"), "no bytes": head("<U0", "(999999999999,)"), "a huge element": head("<U999999999", "(9,)"), "longer than its file": head("<f4", "(2,)"), "structured": head("<f4", "(2,)").replace("'<f4'", "[('a', '<f4')]"), "complex": head("<c16", "(1,)"), "without a shape": "{'descr': '<f4', 'fortran_order': False}", "empty": "", "unbalanced": "{'descr': '<f4", "a shape without end": head("<f4", "(1, 2")[:-4], "a list": "[1]" * 20000}.items(): hostile("npy: " + what, made("h.npy", npy(header, b"\0" * 7)), (4, 13, 14))
hostile("npy: a header of 4 GiB", made("h.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff" + b" " * 99)); hostile("npy: version 9", made("h.npy", npy(head("<f4", "(1,)"), b"1234", 9)))
hostile("npy: objects that would run", made("h.npy", npy(head("|O", "(1,)"), b"cos\nsystem\n.")), (14,), "system"); hostile("npy: objects without end", made("h.npy", npy(head("|O", "(1,)"), b"]" * 1000)))
for kind in ">f4", ">i8", ">u2", "<f2", ">f2", "|i1":
    f = io.BytesIO(); np.save(f, np.asfortranarray(x.astype(kind))); d = good("npy order " + kind, made("o.npy", f.getvalue())); check("npy values of " + kind, [d.get("array values", {}).get(k) for k in ("min", "max", "mean")] == [0, 5, 2.5], d)
def archive(name, members, **more):
    with zipfile.ZipFile(at(name), "w", zipfile.ZIP_DEFLATED, **more) as z:
        for k, v in members.items(): z.writestr(k, v)
    return at(name)
def patched(name, path, **fields):
    b = bytearray(open(path, "rb").read()); w = b.rindex(b"PK\1\2")
    for k, v in fields.items(): o, n = {"size": (24, 4), "packed": (20, 4), "offset": (42, 4), "method": (10, 2), "flags": (8, 2), "label": (28, 2)}[k]; b[w + o:w + o + n] = v.to_bytes(n, "little")
    return made(name, bytes(b))
one = {"a.npy": npy(head("<f4", "(2,)"), b"\0" * 8)}
zeros = npy(head("|u1", "(%d,)" % (300 * M)), bytes(300 * M)); hostile("npz: 300 MiB of zeros", archive("z.npz", {"a.npy": zeros}), (13,), "bomb")
zeros = npy(head("|u1", "(%d,)" % (100 * M)), bytes(100 * M)); hostile("npz: three times 100 MiB of zeros", archive("z3.npz", {f"{k}.npy": zeros for k in range(3)}), (13,), "bomb"); zeros = None
for what, fields, codes in ("a size that cannot be", dict(size=0x7fffffff), (4, 13)), ("past the end", dict(packed=1 << 20, size=1 << 20), (4,)), ("a header elsewhere", dict(offset=7), (4,)), ("another method", dict(method=12), (4, 14)), ("encrypted", dict(flags=1), (4, 14)), ("a long name", dict(label=65535), (4,)), ("a wrong size", dict(size=99999), (4,)): hostile("npz: " + what, patched("p.npz", archive("q.npz", one), **fields), codes)
b = open(archive("q.npz", {"%d.npy" % k: npy(head("|u1", "(%d,)" % (M,)), bytes(M)) for k in range(1)}), "rb").read(); w, e = b.rindex(b"PK\1\2"), b.rindex(b"PK\5\6")
many = b[:w] + b[w:e] * 60000 + b[e:e + 8] + struct.pack("<HHII", 60000, 60000, (e - w) * 60000, w) + b"\0\0"; hostile("npz: 60,000 members that are one", made("m.npz", many), (4,), "over each other")
hostile("npz: no directory", made("h.npz", b"PK\3\4" + b"x" * 70000), (4,)); hostile("npz: a signature every four bytes", made("h.npz", b"PK\5\6" * 50000), (4,)); good("npz: no member", archive("e.npz", {}))
hostile("npz: pickled code inside", archive("c.npz", {"a.npy": npy(head("|O", "()"), b"cposix\nsystem\n.")}), (14,), "posix.system")

# ---- workbooks
sheet = lambda inside: (sheets.write(at("s.xlsx"), [["a"]], extra=inside), at("s.xlsx"))[1]
hostile("xlsx: 300 MiB of blanks", sheet(" " * (300 * M)), (13,)); hostile("xlsx: deep", sheet("<a>" * 200000), (4,)); hostile("xlsx: a row of four thousand million", sheet('<sheetData><row r="4294967295"><c r="A4294967295"><v>1</v></c></row></sheetData>'), (0, 4, 13)); hostile("xlsx: a column without end", sheet('<sheetData><row r="1"><c r="ZZZZZZZZZZZZZZ1"><v>1</v></c></row></sheetData>'), (0, 4, 13))
hostile("xlsx: a member of another name", archive("n.xlsx", {"xl/../../x": "a"}), (4,))

# ---- text
def text(name, suffix, data, codes=(0, 4, 13)): hostile(suffix + ": " + name, made("h" + suffix, data), codes)
text("commas", ".csv", b"," * (2 * M)); text("lines", ".csv", b"a,b\n" + b"\n" * (8 * M)); text("an open quote", ".csv", b'a,b\n"' + b"x" * (8 * M), (0, 4)); text("zeros", ".csv", bytes(4 * M), (0, 4)); text("quotes", ".csv", b'"' * (4 * M)); text("short rows of many columns", ".csv", b",".join(b"c%d" % k for k in range(100000)) + b"\n" + b"1\n" * 100000); text("an endless line", ".csv", b"x" * (8 * M))
text("bytes of no text", ".tsv", bytes(range(256)) * 4000); text("a tab a byte", ".tsv", b"\t" * (2 * M))
text("deep", ".jsonl", b'{"a":' + b"[" * M + b"\n", (4,)); text("keys", ".jsonl", b"{" + b",".join(b'"k%d":1' % k for k in range(50000)) + b"}\n" + b"{}\n" * 50000); text("rows of other keys", ".jsonl", b"".join(b'{"k%d":1}\n' % k for k in range(50000))); text("numbers", ".jsonl", b'{"a":1e999,"b":-' + b"9" * M + b"}\n"); text("no object", ".jsonl", b"[1]\n", (4,)); text("escapes", ".jsonl", b'{"a":"\\ud800"}\n'); text("a zero", ".jsonl", b'{"a":"\\u0000"}\n')
text("sparse rows", ".arff", b"@relation r\n" + b"".join(b"@attribute a%d numeric\n" % k for k in range(20000)) + b"@data\n" + b"{}\n" * 200000, (13,)); text("a million names", ".arff", b"@relation r\n@attribute a {" + b",".join(b"v%d" % k for k in range(200000)) + b"}\n@data\n" + b"v199999\n" * 50000, (0,)); text("attributes", ".arff", b"@relation r\n" + b"@attribute a numeric\n" * 100000 + b"@data\n"); text("an open brace", ".arff", b"@relation r\n@attribute a {" + b"x" * M, (4,))

text("deep", ".json", b'{"episodes":' + b"[" * M, (4,)); text("keys", ".json", b'{"a":{"wav":1,"emo":2}' + b"".join(b',"k%d":{}' % k for k in range(100000)) + b"}", (0,)); text("no set", ".json", b"[1]", (14,)); text("scenes of another kind", ".json", b'{"episodes":[1,null,{"scenes":{"utterances":[]}},{"scenes":[[],{"utterances":[1,{"speakers":7,"emotion":[]}]}]}]}', (0,))

# ---- every kind: each allocation fails, each length
rows = [["id", "emotion", "score"]] + [[f"u{k}", ["joy", "sad \u00e4"][k % 2], k / 4] for k in range(5)]; files = []
def keep(name, data): files.append(made(name, data))
csv = "\n".join(",".join(str(v) for v in r) for r in rows) + "\n"; keep("t.csv", csv); keep("t.tsv", csv.replace(",", "\t")); keep("meld.csv", "Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,StartTime,EndTime\n\"a, b\",R,joy,positive,0,0,\"00:00:01,000\",\"00:00:02,000\"\n"); keep("go.tsv", "well\t0,3\tx1\nno\t27\tx2\n"); keep("neu.txt", "9\tYes .\n9\tNo .\n")
keep("t.jsonl", "".join(json.dumps(dict(zip(rows[0], r))) + "\n" for r in rows[1:])); keep("box.jsonl", json.dumps({"key": "k", "dataset": "emodb", "wav": "a.wav", "length": 2.5, "emo": "anger"}) + "\n")
said = lambda n, e: {"utterance_id": n, "speakers": ["Joey"], "transcript": "Hi.", "tokens": [["Hi", "."]], "emotion": e}
keep("emotion-detection-trn.json", json.dumps({"episodes": [{"episode_id": "s01_e02", "scenes": [{"scene_id": "s01_e02_c01", "utterances": [said("u1", "Joyful"), said("u1", "Mad")]}]}]})); keep("box.json", json.dumps({"k": {"dataset": "emodb", "wav": "a.wav", "length": 2.5, "emo": "anger"}}))
keep("label.csv", "video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode\nv1,1,hm,-1,,,,Negative,train\nv1,1,oh,1,,,,Positive,test\n"); keep("TaskA_ann1.csv", "Time(sec),Data\n0.03,0.5\n0.03,0.5\n0.01,0.6\n")
keep("t.arff", "@relation r\n@attribute 'a b' string\n@attribute c numeric\n@attribute d {x, 'y z'}\n@data\n'u 1',2,'y z'\n{0 u2, 2 x}\n")
sheets.write(at("t.xlsx"), rows); files.append(at("t.xlsx")); sheets.write(at("stored.xlsx"), rows, inline=True, method=zipfile.ZIP_STORED); files.append(at("stored.xlsx"))
for name, a in ("f4", np.ones((3, 2), "f4")), ("big", np.arange(4, dtype=">i8")), ("text", np.array(["ab", "\u00fc"])), ("objects", np.array({"a": {"emo": "joy", "val": 1.0}}, object)): np.save(at(name + ".npy"), a); files.append(at(name + ".npy"))
for save, name in (np.savez, "plain.npz"), (np.savez_compressed, "packed.npz"): save(at(name), x=np.ones(5), train_corpus={"v1": {"emo": "sad", "val": -1.5}}); files.append(at(name))
part = {"text": np.zeros((2, 2, 3), "f4"), "audio": np.ones((2, 2)), "vision": np.ones((2, 2)), "regression_labels": np.array([-1., 1]), "id": ["a$_$1", "b$_$2"], "annotations": ["Negative", "Positive"], "audio_lengths": [2, 0]}
for p in 0, 2, 4, 5: keep(f"mmsa{p}.pkl", pickle.dumps({"train": part, "valid": part, "test": part}, p))
keep("columns_table.pkl", pickle.dumps({"id": ["a", "b"], "score": np.array([1.5, 2]), "name": np.array(["x", "\u00e4"])})); keep("rows_table.pkl", pickle.dumps([{"id": "a", "n": 1}, {"n": 2, "id": "b"}]))
ids = {"Ses01F": ["a", "b"], "Ses02M": ["d"]}; f = {k: [np.ones(4)] * len(v) for k, v in ids.items()}; keep("dialogue.pkl", pickle.dumps((ids, ids, {"Ses01F": [0, 1], "Ses02M": [5]}, f, f, f, ids, ["Ses01F"], ["Ses02M"]), 2))
try:
    import h5py
    with h5py.File(at("x.csd"), "w") as h:
        for k in "ab": h[f"S/data/{k}/features"] = np.ones((3, 2), "f4"); h[f"S/data/{k}/intervals"] = np.array([[0, 1], [1, 2], [2, 3.]])
        h["S/metadata/root name"] = '"S"'
    with h5py.File(at("x.h5"), "w") as h: h["a/b"] = np.arange(6.).reshape(2, 3); h["w"] = "text"; h.attrs["rate"] = 30.0
    files += [at("x.csd"), at("x.h5")]
except ImportError as e: print("HDF5 not tried:", e)
r = subprocess.run([tool, *files]); check("test_data_files", r.returncode == 0, r.returncode)
print(f"slowest {slowest[0]:.2f} s ({slowest[1]}); {passed} passed, {failed} failed"); sys.exit(failed > 0)
