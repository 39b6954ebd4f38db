"""Many recordings in one call: the tables, what a killed run leaves, participants, shards, MPI.
usage: collection.py tables|resume|participants|shards|mpi AFFECT

The recordings are made here: speech by espeak-ng or tones, so that nothing but the program is needed."""

import filecmp
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PART, AFFECT = sys.argv[1], os.path.abspath(sys.argv[2])
HERE = Path(tempfile.mkdtemp(prefix="affect-collection-"))
TABLES = ["episodes.csv", "utterances.csv", "events.csv", "summary.csv", "by_participant.csv", "codebook.csv",
          "recordings.csv"]
failures = 0


def check(what, fine):
    global failures
    failures += not fine
    print(f"{what}: {'as it should be' if fine else 'FAILED'}")


def skip(why):
    print(f"skipped: {why}")
    shutil.rmtree(HERE)
    sys.exit(77)


def run(*arguments, code=0, environment=None, **more):
    env = {k: v for k, v in os.environ.items() if not re.match("SLURM_|OMPI_|PMI_|PMIX_", k)}
    done = subprocess.run([AFFECT, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**env, **(environment or {})}, **more)
    check(f"exit code of affect {' '.join(map(str, arguments))[:90]} is {code}", done.returncode == code)
    if done.returncode != code:
        print(done.stdout, done.stderr)
    return done.stderr


def speech(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not shutil.which("espeak-ng"):
        skip("no espeak-ng")
    subprocess.run(["espeak-ng", "-w", path], input=text, text=True, check=True)


def tone(path, seconds, hz=220):
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"sine=frequency={hz}:duration={seconds}", path],
                   check=True)


def same(a, b, *names):
    return [n for n in names or TABLES if not filecmp.cmp(a / n, b / n, shallow=False)]


if not shutil.which("ffmpeg"):
    skip("no ffmpeg")
os.chdir(HERE)
FAST = ["--no-words", "--no-face", "--format", "json"]


def make_inputs(count=6):
    for i in range(count):
        tone(HERE / f"in/r{i}.wav", 1 + i % 3, 150 + 40 * i)


def tables():
    """Ten recordings in one command give tables that pandas reads without a line of cleaning."""
    try:
        import pandas
    except ImportError:
        skip("no pandas")
    said = ["I am so happy to see you", "this is terrible and I hate it", "No, never again", "-5 degrees, = cold",
            "yes, \"quoted\", and a comma"]
    for i, text in enumerate(said):
        speech(HERE / f"in/talk{i}.wav", text)
    for i in range(3):
        tone(HERE / f"in/deep/tone{i}.wav", 1)
    tone(HERE / "in/deep/talk0.wav", 1)  # the same name in another folder
    for name, text in (("notes.txt", "no recording"), ("broken.mp4", "no film"), (".hidden.wav", "")):
        (HERE / "in" / name).write_text(text)
    errors = run("analyze", "in", "-o", "c", code=4)
    check("the broken one is said once, with the count of all",
          errors.count("broken.mp4: not a recording") == 1 and "1 of 10 recordings" in errors)
    check("the rest is there, nothing else", sorted(p.name for p in Path("c/recordings").iterdir()) ==
          ["deep_talk0", "deep_tone0", "deep_tone1", "deep_tone2", *(f"talk{i}" for i in range(5))])
    check("each has its report", all((p / "report.html").is_file() for p in Path("c/recordings").iterdir()))
    numbers = {"start", "end", "duration", "score", "runner_up_score", "valence", "valence_sd", "arousal", "dominance", "onset",
               "apex", "offset", "strength", "confidence", "words", "seen_s", "speech_s", "valence_mean", "bytes", "persons"}
    book = pandas.read_csv("c/codebook.csv")
    for name in TABLES:
        table = pandas.read_csv(f"c/{name}")
        bad = [c for c in table.columns if c in numbers and table[c].notna().any() and
               not pandas.api.types.is_numeric_dtype(table[c])]
        check(f"{name}: numbers are numbers {bad or ''}", not bad)
        if name != "codebook.csv":
            described = set(book[book.table == name].column)
            check(f"{name}: the codebook has each column", set(table.columns) == described)
        text = Path(f"c/{name}").read_text()
        check(f"{name}: no JSON in cells", "{" not in text and "[" not in text)
    check("the codebook gives every meaning", book.meaning.notna().all() and not book.meaning.str.contains("%").any())
    episodes, summary = pandas.read_csv("c/episodes.csv"), pandas.read_csv("c/summary.csv")
    check("an episode a row, with recording", set(summary.recording) == {p.name for p in Path("c/recordings").iterdir()})
    shares = summary.filter(like="share_").sum(axis=1)
    check("shares of labels make one", ((shares - 1).abs() < 1e-3)[summary.episodes > 0].all())
    for recording, group in episodes.groupby("recording"):
        timeline = json.loads(Path(f"c/recordings/{recording}/timeline.json").read_text())
        own = next(t["intervals"] for t in timeline["tiers"] if t["id"] == "episodes")
        check(f"{recording}: its episodes are those of the timeline",
              [(e["id"], e["label"], e["t0"]) for e in own] == list(zip(group.episode, group.label, group.start)))
        track = next(t for t in timeline["tracks"] if t["id"] == "trajectory/1")
        rows = [r[2 + track["channels"].index("valence")] for r in track["rows"]]
        rows = [v for v in rows if v is not None]
        row = summary[summary.recording == recording].iloc[0]
        series = pandas.Series(rows)
        check(f"{recording}: mean and deviation of valence", abs(series.mean() - row.valence_mean) < 1e-4 and
              (len(rows) < 2 or abs(series.std() - row.valence_sd) < 1e-4) and row.samples == len(rows))
    recordings = pandas.read_csv("c/recordings.csv").set_index("recording")
    check("what failed stands there with its reason", recordings.status["broken"] == "failed" and
          "not a recording" in recordings.error["broken"] and (recordings.status == "done").sum() == 9)
    page = Path("c/index.html").read_text()
    check("the page leads to the reports", 'href="recordings/talk0/report.html"' in page and "broken" in page)
    before = {n: Path(f"c/{n}").read_bytes() for n in TABLES}
    run("analyze", "in", "-o", "c", "--jobs", "1", code=4)
    check("a second run changes no table", all(Path(f"c/{n}").read_bytes() == before[n] for n in TABLES))
    run("analyze", "in", "-o", "one", "--jobs", "1", "--threads", "1", "-q", code=4)
    check(f"one job gives the same tables {same(Path('c'), Path('one'))}", not same(Path("c"), Path("one")))
    for other in (["--no-words"], ["--keep-offset"], ["--rate", "5"], ["--identity", "off"]):
        errors = run("analyze", "in", "-o", "c", *other, code=7)
        check(f"other options are refused, not mixed: {other}", "other options" in errors and "--force" in errors)
    errors = run("analyze", "in/talk0.wav", "in/nowhere.wav", "-o", "d", *FAST, code=3)
    check("a file that is not there fails alone", Path("d/recordings/talk0").is_dir() and "nowhere.wav" in errors)
    run("analyze", "in/talk1.wav", "-o", "d", *FAST)
    check("one more goes into the collection", set(pandas.read_csv("d/summary.csv").recording) == {"talk0", "talk1"})
    run("analyze", "in/talk0.wav", "in/talk1.wav", code=2)
    run("analyze", "in/talk0.wav", "-", "-o", "e", code=2)
    run("analyze", "empty-of-them", "in", "-o", "e", *FAST, code=4)  # the first that failed says how
    (HERE / "nothing").mkdir()
    run("analyze", "nothing", "-o", "f", code=3)


def resume():
    """kill -9 in the middle, again and again: no half recording, and at the end the same tables."""
    make_inputs(8)
    run("analyze", "in", "-o", "whole", *FAST, "-q")
    done = 0
    for attempt in range(40):
        process = subprocess.Popen([AFFECT, "analyze", "in", "-o", "cut", *FAST, "-q", "--jobs", "2"])
        time.sleep(.05 + .04 * attempt)
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            break
        folders = [p for p in Path("cut/recordings").glob("[!.]*")] if Path("cut/recordings").is_dir() else []
        check(f"kill {attempt}: what is there is whole",
              all((p / "tables/recording.csv").is_file() and json.loads((p / "timeline.json").read_text()) for p in folders))
        check(f"kill {attempt}: nothing is lost", len(folders) >= done)
        done = len(folders)
    run("analyze", "in", "-o", "cut", *FAST, "-q")
    check(f"the same tables {same(Path('whole'), Path('cut'))}", not same(Path("whole"), Path("cut")))
    check("nothing hidden is left", not list(Path("cut/recordings").glob(".*")))
    tone(HERE / "in/r0.wav", 3, 900)  # another file of that name
    run("analyze", "in", "-o", "cut", *FAST, "-q")
    run("analyze", "in", "-o", "new", *FAST, "-q")
    check("a file that changed is analyzed again", not same(Path("new"), Path("cut")))


def participants():
    for i, text in enumerate(("What a day", "I am very happy about that", "no no no, never", "well, fine")):
        speech(HERE / f"in/r{i}.wav", text)
    Path("who.csv").write_text("recording,person,participant,condition,age\n"
                               "r0,1,P1,calm,31\nr1.wav,,P1,loud,31\nin/r2.wav,,P2,calm,40\n")
    import csv
    errors = run("analyze", "in", "-o", "c", *FAST, "--participants", "who.csv", "--format", "json")
    rows = list(csv.DictReader(open("c/summary.csv", newline="")))
    got = {r["recording"]: (r["participant"], r["condition"], r["age"]) for r in rows}
    check("joined by id, by file and by path; who is not named has an id of his own", got ==
          {"r0": ("P1", "calm", "31"), "r1": ("P1", "loud", "31"), "r2": ("P2", "calm", "40"), "r3": ("r3/1", "", "")})
    people = {r["participant"]: r for r in csv.DictReader(open("c/by_participant.csv", newline=""))}
    own = [r for r in rows if r["participant"] == "P1"]
    n = [int(r["samples"]) for r in own]
    mean = sum(k * float(r["valence_mean"]) for k, r in zip(n, own)) / sum(n)
    square = sum((k - 1) * float(r["valence_sd"]) ** 2 + k * (float(r["valence_mean"]) - mean) ** 2 for k, r in zip(n, own))
    check("a person in two recordings is one participant", people["P1"]["recordings"] == "2" and
          people["P1"]["samples"] == str(sum(n)) and abs(float(people["P1"]["valence_mean"]) - mean) < 2e-4 and
          abs(float(people["P1"]["valence_sd"]) - (square / (sum(n) - 1)) ** .5) < 2e-4)
    check("a condition that changes is no trait", people["P1"]["condition"] == "" and people["P1"]["age"] == "31")
    check("the other tables have it too", all(open(f"c/{t}").readline().startswith("participant,condition,age,recording,person")
                                              for t in ("episodes.csv", "utterances.csv", "events.csv")))
    check("and the codebook", "summary.csv,condition," in Path("c/codebook.csv").read_text())
    Path("more.csv").write_text("recording,person,participant\nr0,1,A\nghost,,B\n")
    errors = run("collection", "merge", "c", "--participants", "more.csv", "-o", "d")
    check("who is in no recording is said", "more.csv:3: ghost is in no recording" in errors)
    check("tables may go elsewhere", Path("d/summary.csv").is_file())
    for text, words in (("recording,participant\nr0,A\nr0,B\n", "has a row already"), ("who,x\na,b\n", "a column recording"),
                        ("recording,label\nr0,x\n", "give it another"), ("recording,person\nr0,Ann\n", "number of a person")):
        Path("bad.csv").write_text(text)
        errors = run("analyze", "in", "-o", "c", *FAST, "--participants", "bad.csv", code=4)
        check(f"a table with mistakes: {words}", words in errors)


def shards():
    make_inputs(7)
    run("analyze", "in", "-o", "whole", *FAST, "-q")
    for i in (1, 2, 3):
        run("analyze", "in", "-o", "parts", *FAST, "--shard", f"{i}/3")
        if i == 2:
            errors = run("collection", "merge", "parts", code=3)
            check("what is missing is counted", "are not analyzed yet" in errors)
    run("collection", "merge", "parts")
    check(f"three shards, the same tables {same(Path('whole'), Path('parts'))}", not same(Path("whole"), Path("parts")))
    sizes = [len(list(p.glob("recordings/[!.]*"))) for p in sorted(Path("parts").glob("shard-*"))]
    check(f"the work is shared: {sizes}", sorted(sizes) == [2, 2, 3])
    page = Path("parts/index.html").read_text()
    link = re.search(r'href="([^"]*r0[^"]*)"', page)
    check("the page finds them", bool(link) and Path("parts", link.group(1)).parent.is_dir())
    slurm = {"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "1"}
    array = {"SLURM_ARRAY_TASK_ID": "15", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_STEP": "5", "SLURM_ARRAY_TASK_COUNT": "4"}
    for environment, part in ((slurm, "2-of-3"), (array, "3-of-4"), ({**array, **slurm}, "8-of-12"),
                              ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3"}, "4-of-4"),
                              ({"PMI_SIZE": "2", "PMI_RANK": "0"}, "1-of-2")):
        out = f"env-{part}"
        run("analyze", "in", "-o", out, *FAST, "-q", environment=environment)
        check(f"the launcher says which part: {part}", [p.name for p in Path(out).glob("shard-*")] == [f"shard-{part}"])
    run("analyze", "in", "-o", "batch", *FAST, "-q", environment={"SLURM_NTASKS": "8", "SLURM_PROCID": "0"})
    check("a batch script is no part", Path("batch/summary.csv").is_file())
    for bad in ("0/3", "4/3", "2", "a/b", "1/0"):
        check(f"--shard {bad}", "--shard wants I/N" in run("analyze", "in", "-o", "x", *FAST, "--shard", bad, code=2))
    run("analyze", "in", "-o", "x", *FAST, code=2, environment={"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "9"})


def mpi():
    """Four ranks on one host; one is killed, the run is repeated: the tables of one process."""
    if not shutil.which("mpirun"):
        skip("no mpirun")
    make_inputs(8)
    (HERE / "in/broken.mp4").write_text("no film")  # a rank that ends with an error would end the others
    run("analyze", "in", "-o", "whole", *FAST, "-q", code=4)
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "AFFECT": AFFECT}
    launch = ["mpirun", "--oversubscribe", "--mca", "btl", "self,vader", "-n", "4"]
    work = [AFFECT, "analyze", "in", "-o", "parts", *FAST, "-q", "--jobs", "1"]
    killing = 'if [ "$OMPI_COMM_WORLD_RANK" = 2 ]; then "$@" & sleep .15; kill -9 $!; exit 9; else exec "$@"; fi'
    cut = subprocess.run([*launch, "sh", "-c", killing, "sh", *work], env=environment, capture_output=True, text=True)
    check("one rank was killed", cut.returncode != 0)
    again = subprocess.run([*launch, *work], env=environment, capture_output=True, text=True)
    check("the run is repeated", again.returncode == 0)
    if again.returncode:
        print(again.stdout, again.stderr)
    check("four shards", len(list(Path("parts").glob("shard-*-of-4"))) == 4)
    run("collection", "merge", "parts", code=3)
    check(f"the same tables as one process {same(Path('whole'), Path('parts'))}", not same(Path("whole"), Path("parts")))


try:
    {"tables": tables, "resume": resume, "participants": participants, "shards": shards, "mpi": mpi}[PART]()
finally:
    os.chdir("/")
    shutil.rmtree(HERE, ignore_errors=True)
sys.exit(1 if failures else 0)
