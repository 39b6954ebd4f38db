"""What bench-turns prints holds: causes better than the turn itself and the one before it, and than what was published; forecasts
better than a matrix of transitions; and the weights that ship are the ones that it fits. usage: turns.py BENCH DATA ROOT"""
import json
import os
import re
import subprocess
import sys
import tempfile

bench, data, root = sys.argv[1:4]
if not os.path.isfile(data + "/reccon_dd/train.tsv") or not os.path.isfile(data + "/meld/dev_sent_emo.csv"):
    print("no reccon_dd or meld in", data)
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    text = subprocess.run([bench, data, "--write", folder], capture_output=True, text=True, check=True).stdout
    print(text, end="")
    fitted = json.load(open(folder + "/weights.json"))
shipped = json.load(open(root + "/models/reason.turns/weights.json"))
assert fitted["threshold"] == shipped["threshold"]
for a, b in zip(fitted["cause"] + sum(fitted["next"], []), shipped["cause"] + sum(shipped["next"], [])):
    assert abs(a - b) <= 1e-3 * max(1, abs(b)), (a, b)  # another compiler or processor may add up in another order

rows = {m[1].strip(): [float(x) for x in m[2:]] for m in re.finditer(r"^(.{44}) ([\d.]+) +([\d.]+) / ([\d.]+)", text, re.M) for m in [[None, *m.groups()]]}
given, read = rows["ours, emotions of all turns given"], rows["ours, only the explained turn's given"]
near = rows["the turn itself and the one before it"]
assert given[1] > read[1] > near[1] and read[0] > near[0] + .02, rows
assert read[1] > .643  # RoBERTa-base on the test part (Poria et al. 2021)
spans = {m[1].strip(): (float(m[2]), float(m[3])) for m in re.finditer(r"^(the .{40}) ([\d.]+)    ([\d.]+)$", text, re.M)}
assert all(0.7 < w < b < 0.95 for w, b in zip(spans["the whole turn, which is cited"], spans["the best run of its sentences"])), spans
gains = re.findall(r"\+?(-?[\d.]+) \[(-?[\d.]+), (-?[\d.]+)\]", text)
assert len(gains) == 6 and all(float(low) > 0 for _, low, _ in gains), gains
