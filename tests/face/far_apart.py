"""Pictures 2 s apart, as of a slow camera or a slide show: each face is seen in every one, and is one person throughout.
usage: far_apart.py AFFECT DATA; exit 77 without data."""
import json
import os
import subprocess
import sys
import tempfile

affect, data = (os.path.abspath(p) for p in sys.argv[1:3])
CLIP = f"{data}/java_sed/video/06-01-03_01.mp4"
PICTURES = 8
if not os.path.exists(CLIP):  # then what "make demo" composed
    CLIP = os.path.join(os.path.dirname(os.path.realpath(affect)), "../../demo/clip.mp4")
if not os.path.exists(CLIP):
    print(f"skipped: no {data}/java_sed, and no {CLIP}")
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    slow = f"{folder}/slow.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", CLIP, "-an", "-vf", "select='not(mod(n,10))',setpts=N*2/TB", "-r", "0.5", "-frames:v", str(PICTURES), slow], check=True)
    done = subprocess.run([affect, "analyze", slow, "--json", "--quiet"], check=True, capture_output=True, text=True)
    timeline = json.loads(done.stdout)
boxes = [t for t in timeline["tracks"] if t["id"].endswith("/box")]
assert len(boxes) == 1, [t["id"] for t in boxes]
times = [row[0] for row in boxes[0]["rows"]]
assert len(times) == PICTURES, times
assert all(abs(b - a - 2) < .05 for a, b in zip(times, times[1:])), times
present = next(t["intervals"] for t in timeline["tiers"] if t["id"] == "persons")
assert {i["person"] for i in present} == {boxes[0]["person"]}, present
assert [t for t in timeline["tracks"] if t["id"].endswith("/affect") and t["rows"]], "nothing is said of what the face shows"
