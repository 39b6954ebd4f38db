"""A smile over words: what agrees is no contradiction, what does not is one, in every form that can hold it.
usage: consistency.py AFFECT
The actor is none of those whose faces the constants were fitted on."""
import csv, json, os, shutil, subprocess, sys, tempfile

AFFECT = sys.argv[1]
CLIP = os.path.join(os.environ.get("AFFECT_DATA", "../shared/data"), "java_sed/video/07-01-03_01.mp4")
if not os.path.isfile(CLIP):
    print(f"skipped: no {CLIP}")
    sys.exit(77)
FOLDER, failed = tempfile.mkdtemp(prefix="affect-consistency-"), 0


def check(what, fine):
    global failed
    failed += not fine
    print(f"{what}: {'as it should be' if fine else 'FAILED'}")


def analyze(name, text):
    srt, out = f"{FOLDER}/{name}.srt", f"{FOLDER}/{name}"
    with open(srt, "w") as file:
        file.write(f"1\n00:00:00,400 --> 00:00:03,000\n{text}\n")
    subprocess.run([AFFECT, "analyze", CLIP, "--subtitles", srt, "-o", out, "--format", "json,csv,eaf,textgrid", "--quiet"], check=True)
    with open(f"{out}/timeline.json") as file:
        timeline = json.load(file)
    return timeline, {t["id"]: t["intervals"] for t in timeline["tiers"]}


def opposed(timeline, tiers):
    label = {i["id"]: i["label"] for i in tiers["contradictions"]}
    return {(label[l["from"]], label[l["to"]]) for l in timeline["links"] if l["kind"] == "contradicts"}


try:
    timeline, tiers = analyze("terrible", "Everything is terrible and I hate it.")
    check("a smile contradicts terrible words", ("face positive", "words negative") in opposed(timeline, tiers))
    events = [e for e in timeline["events"] if e["kind"] == "contradiction"]
    check("as an event that cites both sides", events and all(
        sum(l["from"] == e["id"] and l["kind"] == "cites" for l in timeline["links"]) == 2 for e in events))
    evidence = [i["attributes"]["evidence"] for i in tiers["contradictions"] if i["label"] == "words negative"]
    check("and the utterance as its evidence", evidence and all(x == ["u1"] or "u1" in x for x in evidence))
    happy = [e for e in tiers["episodes"] if e["label"] == "happiness"]
    check("the words speak against happiness", happy and any(
        a.startswith("words: ") for a in happy[0]["attributes"].get("against", [])))
    check("and are no cue of it", happy and "cue_words" not in happy[0]["attributes"])
    nodes = {i["id"]: i for t in timeline["tiers"] if t["id"].startswith("alignment/") for i in t["intervals"]}
    check("the tree hangs together", nodes and all(
        n["parent"] in nodes if i[:2] != "ar" else n["parent"] is None for i, n in nodes.items()))
    known = {e["id"] for e in timeline["events"]} | {i["id"] for t in timeline["tiers"] for i in t["intervals"]}
    check("of members that there are", all(m in known for n in nodes.values() for k, v in (n["attributes"] or {}).items() if k.startswith("members_") for m in v))
    with open(f"{FOLDER}/terrible/csv/alignment-episodes.csv", newline="") as file:
        check("and stands in CSV", [r["id"] for r in csv.DictReader(file)] == [i["id"] for i in tiers["alignment/episodes"]])
    with open(f"{FOLDER}/terrible/timeline.eaf") as file:
        eaf = file.read()
    check("in ELAN", 'TIER_ID="contradictions/1"' in eaf and "<ANNOTATION_VALUE>words negative" in eaf)
    with open(f"{FOLDER}/terrible/timeline.TextGrid") as file:
        check("and in Praat", "words negative" in file.read())
    timeline, tiers = analyze("wonderful", "I am so happy, this is wonderful!")
    check("cheerful words contradict no smile", not opposed(timeline, tiers))
    check("but are a cue of happiness", any(e["attributes"].get("cue_words") for e in tiers["episodes"] if e["label"] == "happiness"))
finally:
    shutil.rmtree(FOLDER)
sys.exit(failed > 0)
