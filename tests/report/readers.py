#!/usr/bin/python3
"""What other programs read out of the files that affect writes.

readers.py WHAT MAKE_FIXTURE AFFECT SOURCE_ROOT, where WHAT is json, csv, textgrid, eaf, vtt, svg, figure,
openface, film, page or long. Exit 77 (skipped) where the program that judges is not installed."""
import csv, http.server, json, os, re, shutil, subprocess, sys, tempfile, threading, time
import xml.etree.ElementTree as ET

WHAT, MAKE_FIXTURE, AFFECT, ROOT = sys.argv[1:5]
FOLDER = tempfile.mkdtemp(prefix="affect-readers-")
KINDS = ("talk", "hard", "empty")


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def need(program):
    if not shutil.which(program):
        skip(f"no {program} here")


def affect(*arguments, code=0):
    result = subprocess.run([AFFECT, *arguments], capture_output=True)
    assert result.returncode == code, (arguments, result.returncode, result.stderr)
    return result.stdout


def fixture(kind, hours=1):
    path = f"{FOLDER}/{kind}.json"
    subprocess.run([MAKE_FIXTURE, kind, path, str(hours)], check=True)
    return path


def rendered(kind, form):
    """The timeline of a fixture as Python values, and the folder with its files."""
    source, folder = fixture(kind), f"{FOLDER}/{kind}"
    affect("report", source, "-o", folder, "--format", form, "--quiet")
    with open(source, encoding="utf-8") as text:
        return json.load(text), folder


def seconds(value):
    return f"{value:.3f}"


# ---- JSON ----

def json_fits_its_schema():
    try:
        import jsonschema
    except ImportError:
        skip("no python3-jsonschema here")
    with open(f"{ROOT}/docs/timeline.schema.json") as text:
        schema = json.load(text)
    checker = jsonschema.Draft202012Validator if hasattr(jsonschema, "Draft202012Validator") else jsonschema.Draft7Validator
    checker.check_schema(schema)
    for kind in KINDS:
        timeline, folder = rendered(kind, "json")
        checker(schema).validate({**timeline, "tracks": [{**t, "rows": t["rows"][::7]} for t in timeline["tracks"]]})
        with open(f"{FOLDER}/{kind}.json", "rb") as a, open(f"{folder}/timeline.json", "rb") as b:
            written = b.read()
            assert a.read() == written, "reading and writing again changed the bytes"
        raw = re.search(r"[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", written.decode())
        assert not raw, f"what a terminal takes for a command is not escaped: {raw}"
        for track in timeline["tracks"]:
            for row in track["rows"]:
                assert len(row) == 2 + len(track["channels"])
    for broken in ({"schema": "affect-timeline/3"}, {"extra": 1}, {"tracks": [{}]}):
        assert not checker(schema).is_valid({**timeline, **broken}), broken


# ---- what each modality says, as tiers (the page's rows) ----

ROWS = {"face": "face_looks", "voice": "voice_sounds", "words": "words_say"}


def with_rows(timeline):
    """The timeline with the tiers that are made of posteriors: stretches of the likeliest label. In nanoseconds, rounded half up
    to the milliseconds that are written."""
    ms = lambda ns: (ns + 500_000) // 1_000_000 / 1000
    said = [(round(u["t0"] * 1000), round(u["t1"] * 1000)) for t in timeline["tiers"] if t["id"] == "utterances" for u in t["intervals"]]
    tiers = {}
    for track in timeline["tracks"]:
        name = ROWS.get(track["modality"])
        if not name or not re.fullmatch(r"face/\d+/expression|voice/emotion|words/emotion", track["id"]) or not track["rows"]:
            continue
        list_, at = tiers.setdefault(name, []), [round(r[0] * 1000) * 1_000_000 for r in track["rows"]]
        last = None
        for i, row in enumerate(track["rows"]):
            values = [(v, -c) for c, v in enumerate(row[2:]) if v is not None]
            if not values:
                continue
            score, c = max(values)
            half = lambda j: min(abs(at[i] - at[j]) // 2, 1_000_000_000)
            home = next((u for u in said if u[0] * 1_000_000 <= at[i] <= u[1] * 1_000_000), None) if name == "words_say" else None
            t0 = home[0] * 1_000_000 if home else at[i] - (half(i - 1) if i else 0)
            t1 = home[1] * 1_000_000 if home else at[i] + (half(i + 1) if i + 1 < len(at) else 500_000_000)
            label = track["channels"][-c]
            if last and last["label"] == label and t0 - last["t1"] < 50_000_000:
                last["t1"], last["score"] = max(last["t1"], t1), max(last["score"], score)
            else:
                last = {"t0": t0, "t1": t1, "label": label, "score": score, "person": track["person"]}
                list_.append(last)
    more = [{"id": n, "modality": m, "intervals": sorted(({**i, "t0": ms(i["t0"]), "t1": ms(i["t1"])} for i in tiers[n]),
                                                         key=lambda i: (i["t0"], i["t1"]))}
            for m, n in sorted(ROWS.items(), key=lambda x: x[1]) if n in tiers]
    return {**timeline, "tiers": timeline["tiers"] + more}


# ---- CSV ----

def plain(cell):
    """A text cell without the apostrophe that keeps a spreadsheet from running it as a formula."""
    return cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell


def csv_says_what_the_timeline_says():
    for kind in KINDS:
        timeline, folder = rendered(kind, "csv")
        timeline = with_rows(timeline)
        def table(name):
            with open(f"{folder}/csv/{name}", newline="", encoding="utf-8") as text:
                raw = text.read()
            assert "\r\n" in raw
            return list(csv.reader(raw.splitlines(keepends=True), strict=True))
        index = table("index.csv")[1:]
        assert [row[2] for row in index] == [t["id"] for t in timeline["tracks"] + timeline["tiers"]]
        assert len({row[0].lower() for row in index}) == len(index)
        assert all(re.fullmatch(r"\w[\w.-]*\.csv", row[0], re.ASCII) for row in index), index
        assert {row[0] for row in index} | {"index.csv", "events.csv", "warnings.csv"} == set(os.listdir(f"{folder}/csv"))
        for row, track in zip(index, timeline["tracks"]):
            head, *rows = table(row[0])
            assert head == ["time", "confidence", *track["channels"]]
            assert len(rows) == len(track["rows"])
            for a, b in zip(rows, track["rows"]):
                assert a[0] == seconds(b[0]) and [float(x) if x else None for x in a[1:]] == b[1:], (a, b)
        for row, tier in zip(index[len(timeline["tracks"]):], timeline["tiers"]):
            rows = table(row[0])[1:]
            assert len(rows) == len(tier["intervals"])
            if tier["id"] in ROWS.values():  # of several persons: ids break ties of time
                rows, tier = sorted(rows, key=lambda r: (r[:2], r[4])), {"intervals": sorted(
                    tier["intervals"], key=lambda i: ([seconds(i["t0"]), seconds(i["t1"])], str(i["person"] or "")))}
            for a, b in zip(rows, tier["intervals"]):
                assert not re.match(r"[=+\-@\t\r]", a[2]), "a spreadsheet would run this"
                assert a[:2] + [plain(a[2])] == [seconds(b["t0"]), seconds(b["t1"]), b["label"]], (a, b)
        events = table("events.csv")[1:]
        assert [e[3] for e in events] == [e["kind"] for e in timeline["events"]]
        assert len(table("warnings.csv")) == 1 + len(timeline["warnings"])


# ---- Praat ----

PRAAT = """form Read
    sentence path
endform
Read from file: path$
start = Get start time
end = Get end time
writeInfoLine: "domain", tab$, fixed$ (start, 3), tab$, fixed$ (end, 3)
tiers = Get number of tiers
for tier to tiers
    name$ = Get tier name: tier
    interval = Is interval tier: tier
    appendInfoLine: "tier", tab$, name$, tab$, interval
    if interval
        n = Get number of intervals: tier
        for i to n
            a = Get start time of interval: tier, i
            b = Get end time of interval: tier, i
            label$ = Get label of interval: tier, i
            appendInfoLine: "mark", tab$, fixed$ (a, 3), tab$, fixed$ (b, 3), tab$, label$
        endfor
    else
        n = Get number of points: tier
        for i to n
            a = Get time of point: tier, i
            label$ = Get label of point: tier, i
            appendInfoLine: "mark", tab$, fixed$ (a, 3), tab$, fixed$ (a, 3), tab$, label$
        endfor
    endif
endfor
"""


def everything_with_a_place(timeline, least_ms=0):
    """(t0, t1, label) of all intervals, events and warnings."""
    out = []
    for tier in timeline["tiers"]:
        out += [(i["t0"], i["t1"], i["label"]) for i in tier["intervals"]]
    out += [(e["onset"], e["offset"], e["kind"]) for e in timeline["events"]]
    for w in timeline["warnings"]:
        out.append((w["t0"], w["t1"], w["text"]) if w["t0"] is not None else (0, timeline["duration"], w["text"]))
    return [(a, max(b, a + least_ms / 1000), label) for a, b, label in out]


def one_line(label):
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", label)


def praat_reads_the_textgrid():
    need("praat")
    script = f"{FOLDER}/read.praat"
    with open(script, "w") as out:
        out.write(PRAAT)
    for kind in KINDS:
        timeline, folder = rendered(kind, "textgrid")
        timeline = with_rows(timeline)
        result = subprocess.run(["praat", "--run", script, f"{folder}/timeline.TextGrid"], capture_output=True)
        assert result.returncode == 0, result.stderr.decode()
        lines = [line.split("\t") for line in result.stdout.decode("utf-8").splitlines()]
        _, start, end = lines[0]
        found, tiers, at, interval = [], [], None, False
        for line in lines[1:]:
            if line[0] == "tier":
                assert at in (None, end), f"{tiers[-1]} does not tile up to {end}"
                tiers.append(line[1])
                interval = line[2] == "1"
                at = start if interval else None
                continue
            a, b, label = line[1], line[2], "\t".join(line[3:])
            if interval:
                assert a == at, f"{tiers[-1]}: gap or overlap at {at}"
                at = b
            if label:
                found.append((float(a), float(b), label))
        assert len(set(tiers)) == len(tiers) > 0
        wanted = [(a, b, one_line(label)) for a, b, label in everything_with_a_place(timeline) if label]
        if kind != "hard":  # Praat changes some of the odd characters; their count must stay
            assert sorted(found) == sorted(wanted)
        assert len(found) == len(wanted), (len(found), len(wanted))
        for script_name in ("日本語のテキスト", "العربية نص", "हिन्दी · ไทย · 한국어 · עברית"):
            assert kind != "hard" or any(label == script_name for _, _, label in found), script_name


# ---- ELAN ----

# The structure that EAFv3.0.xsd prescribes: order of the children, attributes that must be there and
# those that may.
EAF = {
    "ANNOTATION_DOCUMENT": (["LICENSE", "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LOCALE", "LANGUAGE", "CONSTRAINT",
                             "CONTROLLED_VOCABULARY", "LEXICON_REF", "REF_LINK_SET", "EXTERNAL_REF"],
                            {"DATE", "AUTHOR", "VERSION"}, {"FORMAT", "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"}),
    "HEADER": (["MEDIA_DESCRIPTOR", "LINKED_FILE_DESCRIPTOR", "PROPERTY"], set(), {"MEDIA_FILE", "TIME_UNITS"}),
    "MEDIA_DESCRIPTOR": ([], {"MEDIA_URL", "MIME_TYPE"}, {"RELATIVE_MEDIA_URL", "TIME_ORIGIN", "EXTRACTED_FROM"}),
    "PROPERTY": ([], set(), {"NAME"}),
    "TIME_ORDER": (["TIME_SLOT"], set(), set()),
    "TIME_SLOT": ([], {"TIME_SLOT_ID"}, {"TIME_VALUE"}),
    "TIER": (["ANNOTATION"], {"TIER_ID", "LINGUISTIC_TYPE_REF"}, {"PARTICIPANT", "ANNOTATOR", "DEFAULT_LOCALE", "PARENT_REF", "EXT_REF", "LANG_REF"}),
    "ANNOTATION": (["ALIGNABLE_ANNOTATION", "REF_ANNOTATION"], set(), set()),
    "ALIGNABLE_ANNOTATION": (["ANNOTATION_VALUE"], {"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"}, {"EXT_REF", "LANG_REF", "CVE_REF", "SVG_REF"}),
    "ANNOTATION_VALUE": ([], set(), set()),
    "LINGUISTIC_TYPE": ([], {"LINGUISTIC_TYPE_ID"}, {"TIME_ALIGNABLE", "CONSTRAINTS", "GRAPHIC_REFERENCES", "CONTROLLED_VOCABULARY_REF", "EXT_REF", "LEXICON_REF"}),
}


def structure(node):
    children, must, may = EAF[node.tag]
    assert must <= set(node.attrib) <= must | may, (node.tag, node.attrib)
    places = [children.index(child.tag) for child in node]
    assert places == sorted(places), (node.tag, [c.tag for c in node][:5])
    for child in node:
        structure(child)


def eaf_has_the_structure_of_elan():
    for kind in KINDS:
        timeline, folder = rendered(kind, "eaf")
        timeline = with_rows(timeline)
        root = ET.parse(f"{folder}/timeline.eaf").getroot()
        structure(root)
        assert root.attrib["VERSION"] == "3.0" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", root.attrib["DATE"])
        assert root.find("HEADER").attrib["TIME_UNITS"] == "milliseconds"
        slots = {}
        for slot in root.find("TIME_ORDER"):
            assert re.fullmatch(r"[A-Za-z_][\w.-]*", slot.attrib["TIME_SLOT_ID"])
            slots[slot.attrib["TIME_SLOT_ID"]] = int(slot.attrib["TIME_VALUE"])
        times = [int(slot.attrib["TIME_VALUE"]) for slot in root.find("TIME_ORDER")]
        assert len(slots) == len(times) and times == sorted(times) and (not times or times[0] >= 0)
        types = {t.attrib["LINGUISTIC_TYPE_ID"]: t.attrib for t in root.iter("LINGUISTIC_TYPE")}
        ids, names, used, found = set(), set(), set(), []
        for tier in root.iter("TIER"):
            assert tier.attrib["TIER_ID"] not in names and types[tier.attrib["LINGUISTIC_TYPE_REF"]]["TIME_ALIGNABLE"] == "true"
            names.add(tier.attrib["TIER_ID"])
            end = 0
            for a in tier.iter("ALIGNABLE_ANNOTATION"):
                t0, t1 = slots[a.attrib["TIME_SLOT_REF1"]], slots[a.attrib["TIME_SLOT_REF2"]]
                assert a.attrib["ANNOTATION_ID"] not in ids and end <= t0 < t1, (tier.attrib, a.attrib, end, t0, t1)
                ids.add(a.attrib["ANNOTATION_ID"])
                used |= {a.attrib["TIME_SLOT_REF1"], a.attrib["TIME_SLOT_REF2"]}
                end = t1
                found.append((t0, t1, a.find("ANNOTATION_VALUE").text or ""))
        assert used == set(slots)
        wanted = [(max(0, round(a * 1000)), max(1, round(b * 1000)), label) for a, b, label in everything_with_a_place(timeline, least_ms=1)]
        assert len(found) == len(wanted)
        if kind == "talk":
            assert sorted(found) == sorted(wanted)
            assert {t.attrib.get("PARTICIPANT") for t in root.iter("TIER")} >= {"person 1", "person 2"}
    video = f"{FOLDER}/a clip.mp4"
    open(video, "wb").close()
    affect("report", f"{FOLDER}/talk.json", "-o", f"{FOLDER}/linked", "--format", "eaf", "--media", video, "--quiet")
    media = ET.parse(f"{FOLDER}/linked/timeline.eaf").getroot().find("HEADER/MEDIA_DESCRIPTOR").attrib
    assert media["RELATIVE_MEDIA_URL"] == "../a%20clip.mp4" and media["MIME_TYPE"] == "video/mp4", media
    assert media["MEDIA_URL"].startswith("file:///") and media["MEDIA_URL"].endswith("/a%20clip.mp4"), media


# ---- Chromium ----

def browser():
    try:
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        from browser import Browser
        return Browser()
    except FileNotFoundError:
        skip("no chromium here")


def chromium_parses_the_webvtt():
    b = browser()
    class Quiet(http.server.SimpleHTTPRequestHandler):
        extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".vtt": "text/vtt"}
        def __init__(self, *a):
            super().__init__(*a, directory=FOLDER)
        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for kind in KINDS:
            timeline, _ = rendered(kind, "vtt")
            with open(f"{FOLDER}/{kind}.html", "w") as page:
                page.write(f'<!doctype html><video><track default kind="metadata" src="{kind}/timeline.vtt"></video>')
            b.open(f"http://127.0.0.1:{server.server_port}/{kind}.html", "document.querySelector('track')?.readyState === 2")
            cues = b.run("[...document.querySelector('track').track.cues].map(c => [c.startTime, c.endTime, c.getCueAsHTML().textContent, c.text])")
            episodes = next((t["intervals"] for t in timeline["tiers"] if t["id"] == "episodes"), [])
            episodes = sorted(episodes, key=lambda e: (e["t0"], -e["t1"]))  # the order of cues that WebVTT defines
            assert len(cues) == len(episodes), (kind, len(cues), len(episodes))
            for (t0, t1, text, _), e in zip(cues, episodes):
                assert abs(t0 - e["t0"]) < 5e-4 and abs(t1 - e["t1"]) < 5e-4, (t0, t1, e)
                assert text.startswith(one_line(e["label"])), (text, e["label"])
                assert text.endswith(f"{round(e['score'] * 100)} %"), text
        assert "<v Person 2>" in open(f"{FOLDER}/talk/timeline.vtt").read()
    finally:
        server.shutdown()
        b.close()


def svg_is_a_picture():
    for kind in KINDS:
        _, folder = rendered(kind, "svg")
        root = ET.parse(f"{folder}/timeline.svg").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        text = open(f"{folder}/timeline.svg").read()
        assert "<script" not in text and "nan" not in text.lower().replace("nano", "")
        assert not re.search(r"(href|src|url)\s*[=(]", text)
    for person in (1, 2):
        assert f"Person {person}" in open(f"{FOLDER}/talk/timeline.svg").read()


NAMED = ("class", "style", "var(", "currentColor", "<style")


def ink(picture):
    """Mean and darkest brightness of a picture, and whether it has colours."""
    shown = subprocess.run(["convert", picture, "-background", "white", "-flatten", "-format",
                            "%[fx:mean] %[fx:minima] %[fx:mean.r-mean.b]", "info:"], capture_output=True, text=True, check=True)
    return [float(v) for v in shown.stdout.split()]


def figure_is_fit_for_a_paper():
    """Colours are literal, axes numbered, a stretch and persons can be chosen; librsvg draws what browsers do."""
    need("rsvg-convert"), need("convert")
    timeline, folder = rendered("talk", "svg")
    source, text = f"{FOLDER}/talk.json", open(f"{folder}/timeline.svg").read()
    assert not [n for n in NAMED if n in text], "a colour is not literal"
    for paint in re.findall(r'(?:fill|stroke)="([^"]*)"', text):
        assert re.fullmatch(r"#[0-9a-f]{6}|none", paint), paint
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    for e in root.iter():
        if e.tag in (space + "path", space + "text"):
            assert "fill" in e.attrib, ET.tostring(e)
    numbers = [e.text for e in root.iter(space + "text")]
    assert numbers.count("+1") == numbers.count("\u22121") >= 2 and "0:10" in numbers, "axes have no numbers"
    subprocess.run(["rsvg-convert", f"{folder}/timeline.svg", "-o", f"{FOLDER}/whole.png"], check=True)
    mean, darkest, colour = ink(f"{FOLDER}/whole.png")
    assert mean > .8 and darkest < .3 and abs(colour) > .002, (mean, darkest, colour)  # paper, ink, colours
    affect("report", source, "-o", f"{FOLDER}/part", "--format", "svg,pdf,png", "--from", "0:10", "--to", "20", "--persons", "2", "-q")
    part = open(f"{FOLDER}/part/timeline.svg").read()
    labels = [e.text for e in ET.fromstring(part).iter(space + "text")]
    assert "Person 2" in labels and "Person 1" not in labels and "0:10" in labels and "0:20" in labels and "0:09" not in labels
    inside = {i["label"] for t in timeline["tiers"] if t["id"] == "episodes" for i in t["intervals"]
              if i["person"] == 2 and i["t0"] < 20 and i["t1"] > 10}
    outside = {i["label"] for t in timeline["tiers"] if t["id"] == "episodes" for i in t["intervals"]} - inside
    assert not outside & set(labels), outside & set(labels)
    xs = [float(x) for d in re.findall(r' d="([^"]*)"', part) for x in re.findall(r"[ML](-?[\d.]+) ", d)]
    assert xs and min(xs) >= 0 and max(xs) <= 1088
    for kind in ("pdf", "png"):
        first = open(f"{FOLDER}/part/timeline.{kind}", "rb").read()
        assert first.startswith(b"%PDF-" if kind == "pdf" else b"\x89PNG"), kind
        assert affect("report", source, "--format", kind, "--from", "10", "--to", "0:20.0", "--persons", "2") == first, "not the same bytes"
    assert ink(f"{FOLDER}/part/timeline.png")[0] > .8
    for wrong in (["--from", "x"], ["--from", "1:70"], ["--from", "20", "--to", "10"], ["--persons", "a"], ["--persons", "0"],
                  ["--from", "1", "--format", "html"], ["--from", "1", "--format", "svg,csv"]):
        affect("report", source, "-o", f"{FOLDER}/wrong", "-q", *wrong, code=2)
    affect("report", source, "-o", f"{FOLDER}/wrong", "-q", "--persons", "77", code=11)
    for kind in KINDS[1:]:
        affect("report", fixture(kind), "-o", f"{FOLDER}/{kind}-figure", "--format", "svg,pdf,png", "-q")
        subprocess.run(["rsvg-convert", f"{FOLDER}/{kind}-figure/timeline.svg", "-o", f"{FOLDER}/x.png"], check=True)


def openface_is_what_its_scripts_read():
    try:
        import numpy, pandas
    except ImportError:
        skip("no pandas here")
    sample = os.path.join(os.environ.get("AFFECT_DATA", "../shared/data"), "media/pyfeat/OpenFace_Test.csv")
    timeline, folder = rendered("talk", "openface")
    table = pandas.read_csv(f"{folder}/openface.csv")
    assert list(table.columns[:5]) == ["frame", "face_id", "timestamp", "confidence", "success"]
    if os.path.exists(sample):
        theirs = {c.strip() for c in pandas.read_csv(sample, nrows=1).columns}
        known = {c for c in theirs if not re.match(r"(eye_lmk_)?[xyXYZ]_\d|p_", c)}
        assert known <= set(table.columns), known - set(table.columns)
    boxes = {t["person"]: t for t in timeline["tracks"] if t["id"].endswith("/box")}
    assert boxes and len(table) == sum(len(t["rows"]) for t in boxes.values())
    assert (table.timestamp.diff().dropna() >= 0).all() and (table.success == 1).all()
    for person, box in boxes.items():
        rows = table[table.face_id == person - 1]
        assert numpy.allclose(rows.timestamp, [r[0] for r in box["rows"]], atol=1e-9)
        for track, columns in ((f"face/{person}/pose", {"yaw": ("pose_Ry", -1), "pitch": ("pose_Rx", -1), "roll": ("pose_Rz", 1)}),
                               (f"face/{person}/aus", {"AU12": ("AU12_r", None), "AU04": ("AU04_r", None)})):
            own = next((t for t in timeline["tracks"] if t["id"] == track), None)
            for channel, (column, sign) in columns.items() if own else ():
                if channel not in own["channels"]:
                    continue
                at = {r[0]: r[2 + own["channels"].index(channel)] for r in own["rows"]}
                expected = numpy.array([at.get(t, numpy.nan) for t in rows.timestamp], float)
                if sign:
                    expected = sign * numpy.radians(expected)
                assert numpy.allclose(rows[column], expected, atol=.0051, equal_nan=True), column
                if not sign:
                    present = rows[column.replace("_r", "_c")]
                    assert ((present == 1) == (expected >= 1)).all() or numpy.isclose(expected, 1, atol=.01).any()
    for kind in KINDS[1:]:
        pandas.read_csv(f"{rendered(kind, 'openface')[1]}/openface.csv")


def clip(path):
    need("ffmpeg")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=53.5", "-f", "lavfi",
                    "-i", "sine=frequency=330:duration=53.5", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "150k",
                    "-c:a", "libopus", "-shortest", path], check=True)


def film_shows_what_the_timeline_says():
    need("ffmpeg"), need("ffprobe")
    try:
        import numpy
    except ImportError:
        skip("no numpy here")
    video, source = f"{FOLDER}/clip.webm", fixture("talk")
    clip(video)
    timeline = json.load(open(source, encoding="utf-8"))

    def frame(path, time, size):
        raw = subprocess.run(["ffmpeg", "-v", "error", "-ss", str(time), "-i", path, "-frames:v", "1", "-vf", f"scale={size[0]}:{size[1]}",
                              "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True, check=True).stdout
        return numpy.frombuffer(raw, numpy.uint8).reshape(size[1], size[0]).astype(float)

    def streams(path):
        said = json.loads(subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", path],
                                         capture_output=True, check=True).stdout)
        return sorted(s["codec_name"] for s in said["streams"]), float(said["format"]["duration"])

    def render(name, *arguments):
        result = subprocess.run([AFFECT, "report", source, "-o", f"{FOLDER}/{name}", "--media", video, "-q", *arguments], capture_output=True)
        if result.returncode == 9:
            skip(f"no encoder here: {result.stderr}")
        assert result.returncode == 0, result.stderr
        return f"{FOLDER}/{name}"

    # A second with one face in view from its begin to its end.
    box = next(t for t in timeline["tracks"] if t["id"] == "face/1/box")
    row = box["rows"][len(box["rows"]) // 2]
    at, (x, y, w, h) = row[0], row[2:6]
    drawn = render("drawn", "--format", "video", "--from", f"{at:.3f}", "--to", f"{at + 2:.3f}", "--persons", "1")
    codecs, duration = streams(f"{drawn}/overlay.mp4")
    assert codecs == ["aac", "h264"] and abs(duration - 2) < .25, (codecs, duration)
    size = (160, 120)
    original, overlay = frame(video, at + .05, size), frame(f"{drawn}/overlay.mp4", .05, size)
    strip = numpy.abs(original - overlay)[-10:].mean()  # curves at the foot
    assert strip > 15, strip
    plain, blurred = render("plain", "--format", "html", "--proxy"), render("blurred", "--format", "html", "--proxy", "--blur-faces")
    codecs, duration = streams(f"{plain}/proxy.webm")
    assert codecs == ["opus", "vp8"] and abs(duration - 53.5) < .5, (codecs, duration)
    assert b"proxy.webm" in open(f"{plain}/report.html", "rb").read()

    def detail(path):  # differences of neighbours inside the face, against those of the whole picture
        picture = frame(path, at + .1, size)
        top, left = int(max(0, y) * 120), int(max(0, x) * 160)
        face = picture[top:int((y + h) * 120), left:int((x + w) * 160)]
        return numpy.abs(numpy.diff(face, axis=1)).mean()
    assert detail(f"{blurred}/proxy.webm") < .6 * detail(f"{plain}/proxy.webm"), (detail(f"{blurred}/proxy.webm"), detail(f"{plain}/proxy.webm"))
    for wrong in (["--format", "html", "--blur-faces"], ["--format", "csv", "--proxy"], ["--format", "video", "--from", "3", "--to", "2"]):
        affect("report", source, "-o", f"{FOLDER}/wrong", "--media", video, "-q", *wrong, code=2)
    affect("report", source, "--format", "video", code=2)
    affect("report", source, "-o", f"{FOLDER}/wrong", "--format", "video", "--media", f"{FOLDER}/none.mp4", "-q", code=3)
    assert not os.path.exists(f"{FOLDER}/wrong/overlay.mp4")


def the_page_plays():
    b = browser()
    video = f"{FOLDER}/clip.webm"
    clip(video)
    timeline, folder = rendered("talk", "svg")
    source = f"{FOLDER}/talk.json"
    affect("report", source, "-o", f"{FOLDER}/linked", "--format", "html", "--media", video, "--quiet")
    affect("report", source, "-o", f"{FOLDER}/embedded", "--format", "html", "--media", video, "--embed", "--quiet")
    affect("report", source, "-o", f"{FOLDER}/without", "--format", "html", "--media", f"{FOLDER}/none.mp4", "--quiet")
    ready = "document.documentElement.dataset.ready > 0"
    try:
        for name in ("linked", "embedded"):
            b.open(f"file://{FOLDER}/{name}/report.html#t=10&play", ready)
            b.wait("affectReport.player.media && affectReport.player.media.currentTime > 10.7")
            assert b.run("affectReport.player.media.videoWidth") == 160, name
            b.wait("document.querySelector('.w.on') !== null")
            lit = b.run("document.querySelector('.w.on').textContent")
            assert lit in [i["label"] for t in timeline["tiers"] if t["id"] == "words" for i in t["intervals"]], lit
            assert b.run("document.querySelector('.now .what').textContent") == "happiness"
            b.key(" ", "Space")
            b.wait("affectReport.player.media.paused")
            head = b.run("new DOMMatrix(getComputedStyle(document.getElementById('head')).transform).m41 / document.getElementById('overlay').clientWidth")
            assert abs(head - b.run("affectReport.player.media.currentTime") / 53.48) < .01, head
            assert not b.problems, b.problems
            outside = [u for u in b.requests if not u.startswith(("file://", "data:"))]
            assert not outside, outside
            wanted = {f"file://{FOLDER}/linked/report.html", f"file://{video}"} if name == "linked" else None
            assert wanted is None or {u.split("#")[0] for u in b.requests} == wanted, b.requests
        assert video not in open(f"{FOLDER}/embedded/report.html").read()

        # in a pause the transcript stands where the talk stopped
        pause = max(u["t1"] for t in timeline["tiers"] if t["id"] == "utterances" for u in t["intervals"])
        b.run("document.getElementById('transcript').style.maxHeight = '60px'; document.getElementById('transcript').style.minHeight = '0'")
        b.run(f"affectReport.seek(0); affectReport.seek({pause} + .5)")
        b.wait("document.getElementById('transcript').scrollTop > 0", 5)

        # keyboard, click, zoom, theme
        b.key("Home"); assert b.run("affectReport.position()") == 0
        b.key("ArrowRight"); b.key("ArrowRight"); assert abs(b.run("affectReport.position()") - 2) < .01
        b.key("]"); assert abs(b.run("affectReport.position()") - 8.2) < .01
        b.key("["); assert abs(b.run("affectReport.position()")) < .01
        b.key("+", "Equal", "+"); b.wait("affectReport.view.b - affectReport.view.a < 27")
        b.key("0", "Digit0", "0"); b.wait("affectReport.view.b - affectReport.view.a > 53")
        before = b.run("document.documentElement.dataset.theme")
        b.key("t", "KeyT", "t"); assert b.run("document.documentElement.dataset.theme") != before
        b.run("document.getElementById('grid').scrollIntoView()")
        box = b.run("(r => [r.left, r.top, r.width])(document.getElementById('overlay').getBoundingClientRect())")
        b.click(box[0] + box[2] / 2, box[1] + 60)
        assert abs(b.run("affectReport.position()") - 53.48 / 2) < .2
        b.run("document.querySelectorAll('.w')[3].click()")
        word = [i for t in timeline["tiers"] if t["id"] == "words" for i in t["intervals"]][3]
        assert abs(b.run("affectReport.position()") - word["t0"]) < .01
        b.run("document.getElementById('more').open = true")
        b.wait("document.querySelectorAll('#more-rows .row').length > 20")

        # Escape closes what was opened
        b.run("document.getElementById('keys-button').click()")
        assert not b.run("document.getElementById('keys').hidden")
        b.key("Escape")
        assert b.run("document.getElementById('keys').hidden && !document.getElementById('more').open && document.getElementById('tip').hidden")
        assert b.run("document.getElementById('keys-button').getAttribute('aria-expanded')") == "false"
        b.run("document.getElementById('more').open = true")

        # every control has a name, the plot is a slider that says where it stands
        nameless = b.run("[...document.querySelectorAll('button, input, [role], summary')].filter(e => e.offsetParent && !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim())).map(e => e.outerHTML)")
        assert not nameless, nameless
        assert "seconds" in b.run("document.getElementById('grid').getAttribute('aria-valuetext')")
        assert b.run("document.documentElement.scrollWidth <= innerWidth")
        b.size(390, 800)
        b.wait("document.documentElement.scrollWidth <= 390")
        cut = b.run("[...document.querySelectorAll('h1, h2, .facts, .tools button, .panel, .transport *, .legend li, .moment, .note, #made dd')]"
                    ".filter(e => e.offsetParent).map(e => [e.className || e.id || e.tagName, e.getBoundingClientRect()])"
                    ".filter(([, r]) => r.right > 390.5 || r.left < -.5).map(([n, r]) => `${n} ${r.left} ${r.right}`)")
        assert not cut, cut  # nothing is cut off at a phone's width
        b.pdf(f"{FOLDER}/page.pdf")
        assert os.path.getsize(f"{FOLDER}/page.pdf") > 20000

        # without the recording the clock runs all the same
        b.size(1280, 800)
        b.open(f"file://{FOLDER}/without/report.html#t=3&play", ready)
        b.wait("affectReport.position() > 3.5")
        assert "not beside this page" in b.run("document.getElementById('player-note').textContent")
        assert not b.problems, b.problems

        # a recording that the browser cannot play: that is said, and what to do, and nothing beside it
        with open(f"{FOLDER}/unplayable.mp4", "wb") as f:
            f.write(b"this is no film" * 100)
        affect("report", source, "-o", f"{FOLDER}/unplayable", "--format", "html", "--media", f"{FOLDER}/unplayable.mp4", "--quiet")
        b.open(f"file://{FOLDER}/unplayable/report.html", ready)
        b.wait("!document.getElementById('player-note').hidden")
        said = b.run("document.getElementById('player-note').textContent")
        assert said.startswith("This browser cannot play unplayable.mp4.") and "--proxy" in said and len(said) < 120, said
        assert b.run("document.getElementById('stage').textContent.trim()") == ""
        b.problems.clear()

        # nothing that a label says becomes part of the page
        for kind in ("hard", "empty"):
            rendered(kind, "html")
            b.open(f"file://{FOLDER}/{kind}/report.html", ready)
            assert not b.problems, b.problems
            assert b.run("document.scripts.length") == 2 and b.run("document.querySelectorAll('b:not(.tag):not(.row b):not(.clock b):not(.chip b):not(.reason b)').length") == 0
        assert b.run("affectReport.rows.length") == 2  # the empty one still says so

        # sentences with their verdicts, answers, and evidence to click on
        happy = [i for t in timeline["tiers"] if t["id"] == "episodes" for i in t["intervals"] if i["label"] == "happiness"][0]
        smile = [e for e in timeline["events"] if e["kind"] == "smile"][0]
        claim = {"text": "There is a smile.", "kind": "event", "person": smile["person"], "modality": "face", "direction": None, "t0": smile["onset"], "t1": smile["offset"],
                 "evidence": [smile["id"]]}
        with open(f"{FOLDER}/strange.json", "w") as f:
            json.dump({"schema": "affect-explanation/1", "claims": [claim, {**claim, "text": "<b>There</b> is a frown.</script>"}, {**claim, "evidence": ["<i>"]}]}, f)
        affect("report", source, "-o", f"{FOLDER}/checked", "--format", "html", "--quiet", "--explanation", f"{FOLDER}/strange.json",
               "--ask", "when does person 1 first smile?", "--ask", "does she love him?")
        b.open(f"file://{FOLDER}/checked/report.html", ready)
        assert b.run("[...document.querySelectorAll('.claim')].map(c => c.classList[1])") == ["supported", "contradicted", "unsupported"]
        assert b.run("document.querySelectorAll('.claim .reason').length") == 2 and b.run("document.getElementById('account-title').textContent") == "An explanation, checked"
        assert b.run("[...document.querySelectorAll('.answer')].map(a => a.className)") == ["answer", "answer refused"]
        assert b.run("document.querySelectorAll('.claim b b, .claim i').length") == 0 and b.run("document.scripts.length") == 2
        b.run("affectReport.setView(40, 45); document.querySelector('.answer .chip').click()")
        assert abs(b.run("affectReport.position()") - smile["apex"]) < .01 and b.run("document.querySelector('.answer .chip').dataset.id") == smile["id"]
        b.wait("!document.getElementById('mark').hidden && document.querySelectorAll('.row.events.m-face.marked').length === 1")
        where = b.run("(r => [r.left, r.right, r.top, r.bottom])(document.getElementById('mark').getBoundingClientRect())")
        plot = b.run("(r => [r.left, r.width])(document.getElementById('overlay').getBoundingClientRect())")
        lane = b.run("(r => [r.top, r.bottom])(document.querySelector('.row.marked svg').getBoundingClientRect())")
        a, z = b.run("affectReport.view.a"), b.run("affectReport.view.b")
        on_screen = [plot[0] + plot[1] * (smile[k] - a) / (z - a) for k in ("onset", "offset")]
        assert abs(where[0] - on_screen[0]) < 6 and abs(where[1] - max(on_screen[1], on_screen[0] + 4)) < 6, (where, on_screen)
        assert where[2] < lane[1] and lane[0] < where[3], (where, lane)
        b.key("Escape"); assert b.run("document.getElementById('mark').hidden")
        b.run("document.querySelector('#verdicts .contradicted').click()")
        assert b.run("[...document.querySelectorAll('.claim')].map(c => c.classList[1])") == ["contradicted"]
        affect("report", source, "-o", f"{FOLDER}/own", "--format", "html", "--quiet")
        b.open(f"file://{FOLDER}/own/report.html", ready)
        assert b.run("document.querySelectorAll('.claim').length") > 30 and b.run("document.querySelectorAll('.claim:not(.supported)').length") == 0
        b.run(f"[...document.querySelectorAll('.chip')].find(c => c.dataset.id === '{happy['id']}').closest('.claim').dispatchEvent(new Event('pointerenter'))")
        assert b.run(f"document.querySelectorAll('#evidence .dot.on[data-id={happy['id']}]').length") == 1 and b.run("document.querySelectorAll('#evidence .tie').length") > 0
        b.run(f"document.querySelector('#evidence .dot.on[data-id={happy['id']}]').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
        assert abs(b.run("affectReport.position()") - happy["t0"]) < .01 and not b.problems, b.problems
        affect("report", source, "-o", f"{FOLDER}/wrong", "--format", "html", "--explanation", f"{FOLDER}/none.json", code=3)

        # a stranger's timeline sends the page nowhere, and the policy would not let it go
        with open(f"{FOLDER}/hostile.json", "w") as f:
            f.write(re.sub(r'"input": *"[^"]*"', '"input": "https://127.0.0.1:9/a.mp4"', open(source).read()))
        assert "127.0.0.1:9" in open(f"{FOLDER}/hostile.json").read()
        affect("report", f"{FOLDER}/hostile.json", "-o", f"{FOLDER}/hostile", "--format", "html,eaf", "--quiet")
        assert "MEDIA_URL=\"https" not in open(f"{FOLDER}/hostile/timeline.eaf").read()
        b.open(f"file://{FOLDER}/hostile/report.html", ready)
        assert not b.problems and all(u.startswith("file://") for u in b.requests), (b.problems, b.requests)
        for tag in ("img", "video", "audio", "iframe", "script", "embed"):
            blocked = b.run("new Promise(done => { document.addEventListener('securitypolicyviolation', e => done(e.blockedURI));"
                            f"const x = document.createElement('{tag}'); x.src = 'https://127.0.0.1:9/' + '{tag}';"
                            "document.body.append(x); setTimeout(() => done(''), 3000); })")
            assert blocked.startswith("https://127.0.0.1:9"), (tag, blocked)
    finally:
        b.close()
    large = f"{FOLDER}/large.wav"  # a good recording of 300 MiB, most of it a hole
    subprocess.run(["sox", "-n", "-r", "16000", "-b", "16", large, "trim", "0", "1"], check=True)
    os.truncate(large, 300 << 20)
    result = subprocess.run([AFFECT, "report", source, "-o", f"{FOLDER}/large", "--format", "html", "--media", large, "--embed"], capture_output=True)
    os.unlink(large)
    assert result.returncode == 13 and b"too large to embed" in result.stderr and not os.path.exists(f"{FOLDER}/large/report.html"), result


def long_recordings_stay_usable():
    b = browser()
    source = fixture("long", 10)
    affect("report", source, "-o", f"{FOLDER}/long", "--format", "html,svg", "--quiet")
    size = os.path.getsize(f"{FOLDER}/long/report.html")
    print(f"10 h: timeline.json {os.path.getsize(source) / 1e6:.1f} MB, report.html {size / 1e6:.1f} MB, timeline.svg {os.path.getsize(f'{FOLDER}/long/timeline.svg') / 1e6:.2f} MB")
    assert size < 16e6
    try:
        start = time.time()
        b.open(f"file://{FOLDER}/long/report.html#t=18000", "document.documentElement.dataset.ready > 0")
        opened = time.time() - start
        redraw = b.run("(async () => { const t = performance.now(); for (let i = 0; i < 10; i++) { affectReport.setView(i * 100, 36000 - i * 100); await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame); } return (performance.now() - t) / 10; })()")
        seek = b.run("(() => { const t = performance.now(); for (let i = 0; i < 50; i++) affectReport.seek(i * 700); return (performance.now() - t) / 50; })()")
        nodes = b.run("document.querySelectorAll('#rows svg *').length")
        print(f"10 h: opens in {opened:.2f} s, redraws in {redraw:.0f} ms, seeks in {seek:.1f} ms, {nodes} nodes drawn")
        assert nodes < 2500  # what makes redrawing slow, whatever else the machine does
        assert opened < 30 and redraw < 3000 and seek < 500
        assert not b.problems, b.problems
    finally:
        b.close()


if WHAT in ("vtt", "page", "long"):  # what runs Chromium
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import browser as chromium
    chromium.alone()
try:
    {"json": json_fits_its_schema, "csv": csv_says_what_the_timeline_says, "textgrid": praat_reads_the_textgrid,
     "eaf": eaf_has_the_structure_of_elan, "vtt": chromium_parses_the_webvtt, "svg": svg_is_a_picture,
     "figure": figure_is_fit_for_a_paper, "film": film_shows_what_the_timeline_says, "openface": openface_is_what_its_scripts_read,
     "page": the_page_plays, "long": long_recordings_stay_usable}[WHAT]()
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
