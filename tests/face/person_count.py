"""How many people the user says there are: a hint that joins the most alike, and never makes more.
usage: person_count.py COMPOSE AFFECT DATA; exit 77 without data."""
import json
import os
import subprocess
import sys
import tempfile

compose, affect, data = (os.path.abspath(p) for p in sys.argv[1:4])
CLIPS = [f"java_sed/video/{c}.mp4" for c in ("01-01-03_01", "02-01-03_01", "07-01-03_01", "03-01-04_01")]
if not all(os.path.exists(f"{data}/{c}") for c in CLIPS):
    print(f"skipped: no {data}/java_sed")
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    with open(f"{folder}/s.txt", "w") as f:
        f.write("size 640 360 25\n" + "".join(f"shot 2\nsee p{i} {c} full\n" for i, c in enumerate(CLIPS)))
    subprocess.run([compose, f"{folder}/s.txt", data, f"{folder}/s"], check=True)
    for hint, wanted in ((0, 4), (2, 2), (9, 4)):
        done = subprocess.run([affect, "analyze", f"{folder}/s.mp4", "--no-voice", "--no-words", "--person-count", str(hint), "--json", "--quiet"],
                              check=True, capture_output=True, text=True)
        timeline = json.loads(done.stdout)
        found = [t["person"] for t in timeline["tracks"] if t["id"].startswith("trajectory/")]
        assert len(found) == wanted, (hint, found)
        tier = next(t["intervals"] for t in timeline["tiers"] if t["id"] == "persons")
        assert {i["person"] for i in tier} == set(found)
        episodes = next(t["intervals"] for t in timeline["tiers"] if t["id"] == "episodes")
        for person in found:
            own = sorted((e["t0"], e["t1"]) for e in episodes if e["person"] == person)
            assert all(a[1] <= b[0] + 1e-9 for a, b in zip(own, own[1:])), own
