"""Files of annotation programs: written here by hand (numpy, struct) in the layout of each program's own code or manual, read by
the command, written back, and read again here. usage: formats.py AFFECT"""
import csv
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import numpy

affect = os.path.abspath(sys.argv[1])
work = tempfile.TemporaryDirectory()
os.chdir(work.name)
failed = 0


def check(name, good, *seen):
    global failed
    if not good:
        failed += 1
        print("FAILED", name, *(repr(s)[:400] for s in seen))


def run(*arguments):
    r = subprocess.run([affect, *arguments], capture_output=True, text=True, timeout=60)
    return r.returncode, r.stdout, r.stderr


def convert(source, form, to, *more):
    code, _, error = run("data", "convert", *([source] if isinstance(source, str) else source), "--format", form, "-o", to,
                         "--force", *more)
    check(f"{source} to {form}: {error}", code == 0)
    return error


def write(path, text):
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())


def traces(path, *more):
    convert(path, "json", "seen.json", *more)
    with open("seen.json") as f:
        return json.load(f)["traces"]


def samples(trace):
    return numpy.array([[t, numpy.nan if v is None else v] for t, v, *_ in trace["samples"]])


# ---- CARMA: preamble, percent signs, one row a bin with its end; NaN where nobody moved ----
carma = ("Time of Rating,30-Nov-2026 10:00:00\nMultimedia File,2F10_08.avi\nLower Label,very negative\nUpper Label,very positive\n"
         "Minimum Value,-100\nMaximum Value,100\nNumber of Steps,9\nSecond,Rating\n%%%%%%,%%%%%%\n"
         "1,7.8010475\n2,0.930772222\n3,NaN\n4,14.39790278\n")
write("carma.csv", carma)
one, = traces("carma.csv")
check("carma scale", (one["low"], one["high"], one["recording"], one["rater"]) == (-100, 100, "2F10_08.avi", "carma"), one)
check("carma bins are centred", numpy.allclose(samples(one)[:, 0], [.5, 1.5, 2.5, 3.5]), one)
check("carma values", numpy.allclose(samples(one)[:, 1], [7.8010475, .930772222, numpy.nan, 14.39790278], equal_nan=True), one)
convert("carma.csv", "carma", "back.csv")
back = list(csv.reader(open("back.csv")))
want = list(csv.reader(io.StringIO(carma)))
check("carma back: the rows", [[float(x) for x in r] for r in back[9:]].__repr__() == [[float(x) for x in r] for r in want[9:]].__repr__(), back)
check("carma back: the keys", [r[0] for r in back[:9]] == [r[0] for r in want[:9]] and back[4:6] == want[4:6], back)
# the layout before version 10
old = ("Filename,Lower Label,Upper Label,Minimum Value,Midpoint Value,Maximum Value,Number of Steps,Second,Rating\n" +
       "".join(f"C:\\Users\\z\\2F10_08.avi,low,high,-100,0,100,9,{s},{v}\n" for s, v in ((1, 7.8), (2, .93), (3, 8.8))))
write("old.csv", old)
one, = traces("old.csv")
check("old carma", numpy.allclose(samples(one), [[.5, 7.8], [1.5, .93], [2.5, 8.8]]) and one["recording"] == "2F10_08.avi", one)

# ---- DARMA: two axes and a button ----
write("darma.csv", "Time of Rating,30-Nov-2026,,\nMultimedia File,talk.mp4,,\nMagnitude,1000,,\nSecond,Affiliation,Dominance,Button\n"
      "%%%%%%,%%%%%%,%%%%%%,%%%%%%\n0.5,10,-20,0\n1,30,NaN,1\n1.5,50,60,0\n")
two = traces("darma.csv")
check("darma axes", [t["dimension"] for t in two] == ["Affiliation", "Dominance"] and two[0]["low"] == -1000, two)
check("darma bins of half a second", numpy.allclose(samples(two[1]), [[.25, -20], [.75, numpy.nan], [1.25, 60]], equal_nan=True), two)
convert("darma.csv", "darma", "back.csv")
again = traces("back.csv")
check("darma back", again == [dict(t, rater="back") for t in two], again, two)
code, _, error = run("gold", "darma.csv")
check("gold says that there are two dimensions", code == 2 and "--dimension" in error and error.count("\n") == 1, code, error)
check("gold of one", run("gold", "darma.csv", "--dimension", "Affiliation", "--method", "mean")[0] == 0)

# ---- PAGAN: milliseconds of the video, unbounded, a closing row of value 0, participants in any order ----
rows = []
for who in ("p2", "p1"):
    for k in range(5):
        rows.append(f"clip.mp4,7_3,{who},s-{who},{1700000000000 + k},{k * 250},{(k * k - 3) * (10 if who == 'p1' else 1)}")
    rows.append(f"clip.mp4,7_3,{who},s-{who},1700000001001,1000,0")
write("pagan.csv", "OriginalName,DatabaseName,Participant,SessionID,Timestamp,VideoTime,Value\n" + "\n".join(rows) + "\n")
both = traces("pagan.csv")
check("pagan sessions", [t["rater"] for t in both] == ["p1 s-p1", "p2 s-p2"] and all(t["relative"] for t in both), both)
check("pagan: values as they were, without the closing row", numpy.allclose(samples(both[1]), [[k / 4, k * k - 3] for k in range(5)]), both)
code, out, error = run("gold", "pagan.csv", "--method", "mean", "--step", ".25")
gold = numpy.genfromtxt(io.StringIO(out), delimiter=",", names=True)
check("gold of relative traces: each from 0 to 1", code == 0 and "normalised" in error and
      numpy.allclose(gold["value"], (numpy.arange(5) ** 2) / 16), out, error)
convert("pagan.csv", "pagan", "back.csv")
check("pagan back", [dict(t, rater=t["rater"]) for t in traces("back.csv")] == both, traces("back.csv"))
write("test.csv", "Timestamp,VideoTime,Value\r\n" + "".join(f"{k},{k * 100},{k}\r\n" for k in range(3)))
check("pagan's download of a test", numpy.allclose(samples(traces("test.csv")[0]), [[0, 0], [.1, 1], [.2, 2]]))
write("two.csv", "OriginalName,DatabaseName,Participant,SessionID,Timestamp,VideoTime,Value\na,1,p,s,1,0,1\na,1,p,s,1,100,2\nb,1,p,s,1,0,1\nb,1,p,s,1,100,4\n")
code, _, error = run("agreement", "two.csv")
check("agreement says that there are two recordings", code == 2 and "--recording" in error, code, error)

# ---- NOVA: continuous, discrete, free; as text and as records ----
header = '<?xml version="1.0" ?>\n<annotation ssi-v="3">\n  <info ftype="{}" size="4" />\n  <meta role="novice" annotator="anna" />\n  {}\n</annotation>\n'
scheme = '<scheme name="arousal" type="CONTINUOUS" sr="25" min="-1" max="1" mincolor="#FFFFFFFF" maxcolor="#FF4F81BD" />'
values = numpy.array([(-.021, 1), (-.017, 1), (numpy.nan, 0), (.011, .4)], dtype=[("score", "<f4"), ("conf", "<f4")])
for form in "ASCII", "BINARY":
    write("c.annotation", header.format(form, scheme))
    if form == "ASCII":
        numpy.savetxt("c.annotation~", values, fmt="%.4f", delimiter=";")
    else:
        values.tofile("c.annotation~")
    one, = traces("c.annotation")
    check("nova " + form, (one["dimension"], one["rater"], one["recording"], one["low"], one["high"]) == ("arousal", "anna", "novice", -1, 1), one)
    check("nova times and values " + form, numpy.allclose(samples(one), numpy.c_[numpy.arange(4) / 25, values["score"]], equal_nan=True, atol=1e-6), one)
    check("nova confidence " + form, numpy.allclose([s[2] for s in one["samples"]], values["conf"]), one)
    check("the other file may be named " + form, traces("c.annotation~")[0]["samples"] == one["samples"])
    for to in "nova", "nova-binary":
        convert("c.annotation", to, "back.annotation")
        root = xml.parse("back.annotation").getroot()
        kind = {"nova": "ASCII", "nova-binary": "BINARY"}[to]
        check("nova back: header", root.find("info").attrib == {"ftype": kind, "size": "4"} and
              float(root.find("scheme").get("sr")) == 25 and root.find("meta").get("annotator") == "anna", xml.tostring(root))
        got = numpy.fromfile("back.annotation~", dtype=values.dtype) if kind == "BINARY" else \
            numpy.loadtxt("back.annotation~", dtype=values.dtype, delimiter=";")
        check(f"nova back {form} {to}", numpy.allclose(got["score"], values["score"], equal_nan=True, atol=1e-6) and
              numpy.allclose(got["conf"], values["conf"]), got)

items = '<scheme name="laughter" type="DISCRETE"><item name="laugh" id="0" /><item name="speech" id="1" /></scheme>'
segments = [(2.96, 3.92, 1, 1), (8, 9.72, 1, .6), (29.2, 30.41, 0, 1), (31, 32, -1, 1)]
labels = ["speech", "speech", "laugh", "-1"]
discrete = numpy.array(segments, dtype=[("from", "<f8"), ("to", "<f8"), ("id", "<i4"), ("conf", "<f4")])


def intervals(path, *more):
    convert(path, "json", "seen.json", *more)
    with open("seen.json") as f:
        return [(i.get("tier", ""), i.get("label", ""), i["start"], i["end"], round(i.get("confidence", 1), 6)) for i in json.load(f)["intervals"]]


want = [("laughter", label, s[0], s[1], s[3]) for label, s in zip(labels, segments)]
for form in "ASCII", "BINARY":
    write("d.annotation", header.format(form, items))
    if form == "ASCII":
        write("d.annotation~", "".join(";".join(map(str, s)) + "\n" for s in segments))
    else:
        discrete.tofile("d.annotation~")
    check("nova discrete " + form, intervals("d.annotation") == want, intervals("d.annotation"))
    for to in "nova", "nova-binary":
        convert("d.annotation", to, "back.annotation")
        check(f"nova discrete back {form} {to}", intervals("back.annotation") == want, intervals("back.annotation"))

free = [(2, 2.56, "hi", 1), (2.72, 3.16, "<LAUGH>", 1), (4.56, 5.28, "tränen", .5)]
want = [("transcription", f[2], f[0], f[1], f[3]) for f in free]
for form in "ASCII", "BINARY":
    write("f.annotation", header.format(form, '<scheme name="transcription" type="FREE" color="#FFFFFFFF"/>'))
    if form == "ASCII":
        write("f.annotation~", "2;2.56;hi;1\n2.72;3.16;<LAUGH>;1;color=#FFFF0000\n4.56;5.28;tränen;0.5\n".encode("latin-1"))
    else:
        write("f.annotation~", b"".join(struct.pack("<ddI", f[0], f[1], len(f[2])) + f[2].encode("latin-1") + struct.pack("<f", f[3]) for f in free))
    check("nova free " + form, intervals("f.annotation") == want, intervals("f.annotation"))
# many labels are no classes: they go back as free text, in Latin-1 as NOVA reads it
write("many.csv", "tier,start,end,label\n" + "".join(f"t,{k},{k + 1},wörd {k}\n" for k in range(150)))
convert("many.csv", "nova-binary", "back.annotation")
check("nova free back", xml.parse("back.annotation").getroot().find("scheme").get("type") == "FREE" and
      "wörd 7".encode("latin-1") in open("back.annotation~", "rb").read() and
      [i[1] for i in intervals("back.annotation")] == [f"wörd {k}" for k in range(150)])

# ---- MuSe: milliseconds ----
write("12.csv", "timestamp,value,segment_id\n" + "".join(f"{k * 250},{numpy.sin(k):.6f},12\n" for k in range(8)))
one, = traces("12.csv")
check("muse", numpy.allclose(samples(one), [[k / 4, round(numpy.sin(k), 6)] for k in range(8)]), one)
convert("12.csv", "muse", "back.csv")
check("muse back", numpy.allclose(numpy.genfromtxt("back.csv", delimiter=",", skip_header=1)[:, :2],
                                  numpy.genfromtxt("12.csv", delimiter=",", skip_header=1)[:, :2]))

# ---- our own three, and npz as numpy reads it ----
convert(["c.annotation", "d.annotation"], "json", "all.json")
convert("all.json", "json", "again.json")
check("json back", open("all.json").read() == open("again.json").read())
convert("all.json", "csv", "one.csv", "--dimension", "arousal")
check("csv back", traces("one.csv")[0]["samples"] == traces("c.annotation")[0]["samples"], traces("one.csv"))
check("a table of both is refused", run("data", "convert", "all.json", "--format", "csv", "-o", "no.csv")[0] == 14, run("data", "convert", "all.json", "--format", "csv", "-o", "no.csv"))
convert("darma.csv", "npz", "two.npz")
with numpy.load("two.npz") as z:
    check("npz", z["times"].tolist() == [.25, .75, 1.25] and numpy.allclose(z["values"], [[10, -20], [30, numpy.nan], [50, 60]], equal_nan=True)
          and z["dimensions"].tolist() == ["Affiliation", "Dominance"] and z["raters"].tolist() == ["darma", "darma"], dict(z))
check("npz back", [samples(t).tolist().__repr__() for t in traces("two.npz")] == [samples(t).tolist().__repr__() for t in two])
numpy.savez("mine.npz", times=numpy.arange(3) / 10, values=numpy.ones((3, 2), "f4"))
check("npz of anybody", len(traces("mine.npz")) == 2)

# ---- ELAN and Praat, and what does not fit ----
write("marks.csv", "recording,tier,rater,start,end,label,confidence\n,mood,anna,0.5,1.25,\"joy, \"\"big\"\"\",\n,mood,anna,2,3,calm,\n,gaze,anna,0,4,away,\n")
want = sorted((i[:4] for i in intervals("marks.csv")), key=lambda i: (i[0], i[2]))
for form, name in ("eaf", "x.eaf"), ("textgrid", "x.TextGrid"), ("csv", "y.csv"):
    convert("marks.csv", form, name)
    got = sorted((i[:4] for i in intervals(name)), key=lambda i: (i[0], i[2]))
    check(f"{form} back", got == want, got, want)
check("ELAN holds no traces", run("data", "convert", "carma.csv", "--format", "eaf", "-o", "no.eaf")[0] != 0 and not os.path.exists("no.eaf"))
error = convert("all.json", "eaf", "part.eaf")
check("what is not written is said", "1 traces and 0 intervals are not written" in error, error)
write("free.csv", "time,a,b\n0,1,2\n0.5,3,4\n1.7,5,6\n")
code, _, error = run("data", "convert", "free.csv", "--format", "nova", "--rater", "a", "-o", "no.annotation")
check("NOVA wants a rate", code == 14 and "--step" in error and not os.path.exists("no.annotation~"), code, error)
convert("free.csv", "nova", "yes.annotation", "--rater", "a", "--step", ".1")
check("and gets one", numpy.allclose(numpy.loadtxt("yes.annotation~", delimiter=";")[:6, 0], [1, 1.4, 1.8, 2.2, 2.6, 3]))
code, _, error = run("data", "convert", "free.csv", "--format", "carma", "-o", "no.csv")
check("CARMA holds one", code == 14 and "--rater" in error, code, error)
convert("free.csv", "carma", "binned.csv", "--rater", "a")
check("means of seconds", [r for r in csv.reader(open("binned.csv"))][-2:] == [["1", "2"], ["2", "5"]], open("binned.csv").read())
check("nothing is overwritten", run("data", "convert", "free.csv", "--format", "csv", "-o", "marks.csv")[0] == 7, run("data", "convert", "free.csv", "--format", "csv", "-o", "marks.csv"))

# ---- the scorer and `data info` read them too ----
t = numpy.arange(0, 30, .25)
write("g.csv", "timestamp,value,segment_id\n" + "".join(f"{int(x * 1000)},{numpy.sin(x)},1\n" for x in t))
write("p.annotation", header.format("ASCII", scheme.replace('sr="25"', 'sr="4"')))
numpy.savetxt("p.annotation~", numpy.c_[numpy.sin(t) * .9, numpy.ones(len(t))], delimiter=";")
code, out, error = run("score", "continuous", "--gold", "g.csv", "--pred", "p.annotation", "--column", "value", "--json", "--bootstrap", "0")
x, y = numpy.sin(t), numpy.sin(t) * .9
ccc = 2 * numpy.mean((x - x.mean()) * (y - y.mean())) / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
check("score of a NOVA file against a MuSe file", code == 0 and f"{ccc:.6f}"[:6] in out, ccc, out[:600], error)
for name, what in ("carma.csv", "CARMA"), ("darma.csv", "DARMA"), ("pagan.csv", "PAGAN"), ("12.csv", "MuSe"), ("c.annotation", "NOVA"), ("d.annotation", "NOVA"):
    code, out, error = run("data", "info", name)
    check(f"data info {name}", code == 0 and what in out, out, error)

# ---- damage: one line, a documented code, nothing left behind ----
for name, text in (("cut.annotation", b"<annotation><sch"), ("entity.annotation", b'<!DOCTYPE a [<!ENTITY b "c">]><annotation/>'),
                   ("rate.annotation", header.format("ASCII", scheme.replace("25", "0")).encode()),
                   ("packed.annotation", header.format("BIN_LZ4", scheme).encode()), ("none.annotation", b"<annotation></annotation>")):
    write(name, text)
    write(name + "~", b"1;1\n")
    code, _, error = run("data", "convert", name, "-o", "x.out")
    check(f"{name} {code} {error}", code in (4, 14) and error.count("\n") == 1 and not os.path.exists("x.out"))
write("alone.annotation", header.format("ASCII", scheme))
check("the values are missing", run("data", "info", "alone.annotation")[0] == 3)
write("back.csv", carma.replace("4,14.39790278", "2,14"))
check("seconds that go back", run("gold", "back.csv")[0] == 4)
write("cut.annotation", header.format("BINARY", items))
write("cut.annotation~", discrete.tobytes()[:-3])
check("a record is cut off", "left out" in convert("cut.annotation", "json", "x.json"))
left = [f for f in os.listdir(".") if f.startswith(".")]
check("nothing is left behind", not left, left)
print("annotation formats:", "FAILED" if failed else "passed")
sys.exit(failed > 0)
