"""Still pictures: what is at the one instant counts. One person and several, by `analyze` and by `predict`.
usage: pictures.py AFFECT"""
import csv, json, os, shutil, subprocess, sys, tempfile

AFFECT = sys.argv[1]
STILLS = os.path.join(os.environ.get("AFFECT_DATA", "../shared/data"), "media/sadtalker/stills")
DEMO = os.path.join(os.path.dirname(os.path.realpath(AFFECT)), "../../demo/clip.mp4")  # what "make demo" composed: calm at 1 s, laughing at 15 s
if not (os.path.isdir(STILLS) or os.path.exists(DEMO)) or not shutil.which("ffmpeg"):
    print(f"skipped: no {STILLS} and no {DEMO}, or no ffmpeg")
    sys.exit(77)
FOLDER, failed = tempfile.mkdtemp(prefix="affect-pictures-"), 0


def check(what, fine):
    global failed
    failed += not fine
    print(f"{what}: {'as it should be' if fine else 'FAILED'}")


def analyze(path):
    run = subprocess.run([AFFECT, "analyze", path, "--no-words", "--no-voice", "--json", "--quiet"], stdout=subprocess.PIPE, check=True)
    timeline = json.loads(run.stdout)
    tracks = {t["id"]: t for t in timeline["tracks"]}
    episodes = next(t["intervals"] for t in timeline["tiers"] if t["id"] == "episodes")
    people = []
    for e in episodes:
        shares = dict(zip(tracks[f"face/{e['person']}/expression"]["channels"], tracks[f"face/{e['person']}/expression"]["rows"][0][2:]))
        box = tracks[f"face/{e['person']}/box"]["rows"][0][2:]
        people.append((box[0], e["label"], e["score"], shares, e["attributes"]))
    return timeline["duration"], sorted(people, key=lambda p: p[0])


def beside(name, *files):
    scales = "".join(f"[{i}]scale=-2:384[p{i}];" for i in range(len(files)))
    inputs = [a for f in files for a in ("-i", f)]
    subprocess.run(["ffmpeg", "-v", "error", *inputs, "-filter_complex", scales + "".join(f"[p{i}]" for i in range(len(files))) +
                    f"hstack={len(files)}", f"{FOLDER}/{name}"], check=True)
    return f"{FOLDER}/{name}"


try:
    joy, calm = f"{STILLS}/happy1.png", f"{STILLS}/people_0.png"
    if not os.path.isdir(STILLS):
        joy, calm = f"{FOLDER}/joy.png", f"{FOLDER}/calm.png"
        for path, at in ((joy, "15"), (calm, "1")):
            subprocess.run(["ffmpeg", "-v", "error", "-ss", at, "-i", DEMO, "-frames:v", "1", path], check=True)
    for path, label, region in ((joy, "happiness", ("pleased", "excited")), (calm, "neutral", ("neutral",))):
        duration, people = analyze(path)
        check(f"{os.path.basename(path)} is one {label} person", duration == 0 and [p[1] for p in people] == [label] and people[0][2] > .5)
        best = max(people[0][3], key=people[0][3].get)
        check("the label is the network's, and the region is where valence and arousal say",
              best == label and people[0][4]["region"] in region and "cue_face" in people[0][4])
    run = subprocess.run([AFFECT, "analyze", joy, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    whole = json.loads(run.stdout)
    check("nothing is made ready for sound that is not there, which is said", all(t["modality"] in ("face", "fused") for t in whole["tracks"]) and
          sum("has no sound" in w["text"] for w in whole["warnings"]) == 1)
    run = subprocess.run([AFFECT, "analyze", joy, "-q", "-o", f"{FOLDER}/points", "-f", "openface,json"], check=True)
    with open(f"{FOLDER}/points/openface.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    x, y = ([float(rows[0][f"{axis}_{i}"]) for i in range(68)] for axis in "xy")
    mean = lambda v, a, b: sum(v[a:b]) / (b - a)
    check("landmarks lie where OpenFace's do: the jaw from left to right with the chin lowest, brows over eyes over nose over lips, inner lips inside",
          len(rows) == 1 and all(b > a - .02 * (x[16] - x[0]) for a, b in zip(x[:16], x[1:17])) and max(y) == y[8] and x[17:27] == sorted(x[17:27]) and x[36] < x[39] < x[42] < x[45] and
          mean(y, 17, 27) < mean(y, 36, 48) < y[30] < mean(y, 48, 68) and y[27:31] == sorted(y[27:31]) and x[31:36] == sorted(x[31:36]) and
          x[48] < x[60] < x[64] < x[54] and y[51] < y[62] <= y[66] < y[57] and y[37] < y[41] and y[44] < y[46] and rows[0]["X_0"] == "")
    image = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", joy], stdout=subprocess.PIPE, check=True)
    width, height = map(int, image.stdout.split(b",")[:2])
    box = [v * s for v, s in zip(next(t["rows"][0][2:] for t in json.load(open(f"{FOLDER}/points/timeline.json"))["tracks"] if t["id"] == "face/1/box"),
                                 (width, height) * 2)]
    check("and are pixels", box[0] - 1 <= min(x) and max(x) <= box[0] + box[2] + 1 and box[1] - 1 <= min(y) and max(y) <= box[1] + box[3] + 1)
    whole = subprocess.run([AFFECT, "analyze", joy, "-q", "-o", f"{FOLDER}/plain", "-f", "json"], check=True)
    run = subprocess.run([AFFECT, "report", f"{FOLDER}/plain/timeline.json", "-f", "openface"], stdout=subprocess.PIPE, check=True)
    check("only where they are asked for", b"x_0" not in run.stdout and b"AU12_r" in run.stdout)
    run = subprocess.run([AFFECT, "report", f"{FOLDER}/plain/timeline.json", "-f", "svg,openface", "--from", "0", "-o", f"{FOLDER}/part"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    check("what --from is not for is said by name", run.returncode == 2 and b"not what is in openface" in run.stderr)
    for name, order in (("two.png", (joy, calm)), ("three.jpg", (calm, joy, calm))):
        _, people = analyze(beside(name, *order))
        check(f"{name}: each person has his own label", [p[1] for p in people] == ["happiness" if p is joy else "neutral" for p in order])
    several = f"{FOLDER}/three.jpg"
    run = subprocess.run([AFFECT, "predict", "face.emotion", "--json", several], stdout=subprocess.PIPE, check=True)
    faces = [json.loads(line) for line in run.stdout.splitlines()]
    check("predict finds the faces", [f["label"] for f in faces] == ["neutral", "happiness", "neutral"] and
          all(f["box"][0] < g["box"][0] for f, g in zip(faces, faces[1:])))
    grey = f"{FOLDER}/48.png"  # a face alone, as data sets have them, is taken as it is
    subprocess.run(["ffmpeg", "-v", "error", "-i", joy, "-vf", "scale=48:48,format=gray", grey], check=True)
    run = subprocess.run([AFFECT, "predict", "face.emotion", "--json", grey], stdout=subprocess.PIPE, check=True)
    check("a small crop has one face", len(run.stdout.splitlines()) == 1)
    nobody = f"{FOLDER}/nobody.png"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=640x360", "-frames:v", "1", nobody], check=True)
    run = subprocess.run([AFFECT, "predict", "face.emotion", nobody], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check("no face is said", b"no face was found" in run.stderr)
    # The page of a picture: boxes on the faces, and nothing that wants time.
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../report"))
    from browser import Browser, alone
    if shutil.which("chromium") or shutil.which("chromium-browser"):
        alone()
        for path, count in ((several, 3), (joy, 1)):
            subprocess.run([AFFECT, "analyze", path, "--no-words", "--no-voice", "--quiet", "-o", f"{FOLDER}/page", "--force"], check=True)
            page = Browser()
            try:
                page.open(f"file://{FOLDER}/page/report.html", "document.querySelector('.faces rect') !== null")
                boxes = page.run("[...document.querySelectorAll('.faces rect')].map(b => { const r = b.getBoundingClientRect(),"
                                 "p = document.querySelector('#stage img').getBoundingClientRect(); return r.left >= p.left && r.right <= p.right"
                                 "&& r.top >= p.top && r.bottom <= p.bottom && r.width > 10; })")
                hidden = page.run("['#timeline', '#moments', '.transport'].every(s => !document.querySelector(s).offsetHeight)")
                cards = page.run("document.querySelectorAll('.face-card').length")
                check(f"the page of {count}", boxes == [True] * count and hidden and cards == count and not page.problems)
            finally:
                page.close()
    else:
        print("the page was NOT OPENED: no Chromium here")
finally:
    shutil.rmtree(FOLDER)
sys.exit(failed > 0)
