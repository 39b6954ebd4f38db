"""The explanations of docs/explanations.md: of each of twenty made timelines the paragraph of one episode.
usage: examples.py AFFECT [DOC]: prints them, or fails where DOC says something else"""
import json
import os
import subprocess
import sys
import tempfile
import textwrap

from made import timeline

affect = os.path.abspath(sys.argv[1])
out = ["# Twenty explanations", "", "What `affect explain` says of one episode each of twenty timelines that `tests/reason/made.py` makes up; printed by",
       "`python3 tests/reason/examples.py build/src/cli/affect`. The names in brackets are the ids of the evidence ([reason](reason.md)).", ""]
with tempfile.TemporaryDirectory() as folder:
    for seed in range(20):
        with open(folder + "/t.json", "w") as f:
            json.dump(timeline(seed)[0], f)
        text = subprocess.run([affect, "explain", folder + "/t.json"], capture_output=True, text=True, check=True).stdout
        paragraphs = text.strip().split("\n\n")
        out += textwrap.wrap(f"{seed + 1}. " + paragraphs[seed % len(paragraphs)], 120, subsequent_indent="   ", break_on_hyphens=False) + [""]
text = "\n".join(out[:-1]) + "\n"
if len(sys.argv) > 2:
    with open(sys.argv[2]) as f:
        assert f.read() == text, f"{sys.argv[2]} is not what {sys.argv[0]} prints"
else:
    print(text, end="")
