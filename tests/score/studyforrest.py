"""Localisation on real annotations: nine observers of one film, each against each other (studyforrest).
usage: studyforrest.py AFFECT DATA. Prints the scores that docs/metrics.md has; exit 77 without the data."""
import csv
import glob
import itertools
import json
import os
import subprocess
import sys
import tempfile

affect, data = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else os.environ.get("AFFECT_DATA", "../shared/data")
files = sorted(glob.glob(f"{data}/studyforrest/raw/av*.csv"))
if not files:
    print(f"skipped: no {data}/studyforrest")
    sys.exit(77)
observers = {}
for path in files:
    with open(path) as f:
        rows = [(r["start"], r["end"], (r["emotion"] or "").split()) for r in csv.DictReader(f)]
    observers[path] = [(a, b, e[0]) for a, b, e in rows if e and a and b and float(a) <= float(b)]
with tempfile.TemporaryDirectory() as folder:
    with open(f"{folder}/gold.csv", "w") as gold, open(f"{folder}/said.csv", "w") as said:
        for f in gold, said:
            f.write("clip,onset,offset,label\n")
        for i, j in itertools.permutations(observers, 2):
            gold.writelines(f"{os.path.basename(i)}-{os.path.basename(j)},{a},{b},{e}\n" for a, b, e in observers[i])
            said.writelines(f"{os.path.basename(i)}-{os.path.basename(j)},{a},{b},{e}\n" for a, b, e in observers[j])
    command = [affect, "score", "localisation", "--gold", f"{folder}/gold.csv", "--pred", f"{folder}/said.csv",
               "--column", "label", "--bootstrap", "20"]
    print(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    got = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
people, chance = got["values"]["f1_at_.5"], got["shuffled"]["mean of 20"]["f1_at_.5"]
# People who watch the same film mark the same emotions far more often than chance has it.
assert people > 5 * chance, (people, chance)
assert got["values"]["f1_at_.3"] > people > got["values"]["f1_at_.7"]
