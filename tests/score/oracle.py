"""What the tests of affect score share: running it, writing its files, counting."""
import csv, json, math, os, subprocess, sys, tempfile, warnings
warnings.filterwarnings("ignore")
kept = tempfile.TemporaryDirectory()  # gone when the test ends
folder = kept.name

class Oracle:
    def __init__(self, affect): self.affect, self.passed, self.failed = affect, 0, 0
    def check(self, name, got, want, tolerance=1e-9):
        try: good = (math.isnan(want) and got is None) or abs(got - want) <= tolerance * max(1, abs(want))
        except TypeError: good = got == want
        self.passed += good; self.failed += not good
        if not good: print("FAILED", name, repr(got), repr(want))
    def run(self, *a):
        r = subprocess.run([self.affect, "score", *map(str, a)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return r.returncode, r.stdout.decode(), r.stderr.decode()
    def score(self, *a):
        code, out, err = self.run(*a, "--json")
        if code: self.check(f"{a} runs: {err}", code, 0); return {"values": {}, "skipped": {}, "majority": {"values": {}}, "intervals": {}}
        return json.loads(out)
    def finish(self): print(f"{self.passed} passed, {self.failed} failed"); sys.exit(self.failed > 0)

def path(name): return os.path.join(folder, name)
def write(name, header, rows):
    with open(path(name), "w", newline="") as f: w = csv.writer(f); w.writerow(header); w.writerows(rows)
    return path(name)
def number(x): return "" if math.isnan(x) else repr(float(x))
