"""affect ask: phrasings that a stranger would use, written without a look at the grammar, on a timeline whose answers follow from how it was made.
usage: asked.py AFFECT. The grammar was mended for the kinds of phrasing that failed at first; expect less of others."""
import json
import os
import subprocess
import sys
import tempfile

from made import timeline

affect = os.path.abspath(sys.argv[1])
d, _ = timeline(2)
episodes = [e for t in d["tiers"] if t["id"] == "episodes" for e in t["intervals"]]
said = sorted((u for t in d["tiers"] if t["id"] == "utterances" for u in t["intervals"]), key=lambda u: u["t0"])


def state(person, t):
    return next(e["label"] for e in episodes if e["person"] == person and e["t0"] <= t < e["t1"])


def first(kind, person):
    return min((e["onset"] for e in d["events"] if e["kind"] == kind and e["person"] == person), default="never")


def count(kind, person):
    return sum(e["kind"] == kind and e["person"] == person for e in d["events"])


def ever(kind, person):
    return "yes" if count(kind, person) else "no"


def spent(person, label):
    return sum(e["t1"] - e["t0"] for e in episodes if e["person"] == person and e["label"] == label)


def changes(person):
    return [e["t0"] for e in sorted(episodes, key=lambda e: e["t0"]) if e["person"] == person][1:]


QUESTIONS = [
    ("What emotion is Maria showing at 0:20?", state(1, 20)),
    ("At 20 seconds, what's Maria's mood?", state(1, 20)),
    ("Tell me how Jonas feels around 0:30", state(2, 30)),
    ("What is Jonas feeling at 30s?", state(2, 30)),
    ("Describe Maria's emotional state at 45 s.", state(1, 45)),
    ("Which emotion does Jonas display 30 seconds in?", state(2, 30)),
    ("How is Maria doing at the start?", state(1, 0)),
    ("What mood is Jonas in by the end?", state(2, 59)),
    ("What does Maria look like emotionally at 0:45?", state(1, 45)),
    ("Would you say Maria is happy at 20 s?", "yes" if state(1, 20) == "happiness" else "no"),
    ("Does Jonas seem angry at 30 s?", "yes" if state(2, 30) == "anger" else "no"),
    ("Did Maria appear sad at 45 s?", "yes" if state(1, 45) == "sadness" else "no"),
    ("When is the first time Maria smiles?", first("smile", 1)),
    ("At what time does Jonas first smile?", first("smile", 2)),
    ("At which point does Maria frown for the first time?", first("brow_furrow", 1)),
    ("What's the earliest smile of Jonas?", first("smile", 2)),
    ("How many smiles does Maria have?", count("smile", 1)),
    ("Count Maria's smiles.", count("smile", 1)),
    ("What is the number of pauses Jonas makes?", count("pause", 2)),
    ("How many times did Jonas frown?", count("brow_furrow", 2)),
    ("Does Maria ever swear?", ever("swearing", 1)),
    ("Did Jonas raise his eyebrows at any point?", ever("brow_raise", 2)),
    ("Has Maria smiled at all?", ever("smile", 1)),
    ("When does Maria's emotion first shift?", changes(1)[0]),
    ("When did Jonas's mood last change?", changes(2)[-1]),
    ("At what moment does Maria's mood change first?", changes(1)[0]),
    ("How often does Maria's mood shift?", len(changes(1))),
    ("How many mood changes does Jonas have?", len(changes(2))),
    ("How much time does Maria spend being sad?", spent(1, "sadness")),
    ("For how long is Jonas angry overall?", spent(2, "anger")),
    ("What's the total duration of Maria's happiness?", spent(1, "happiness")),
    ("How many seconds is Jonas afraid?", spent(2, "fear")),
    ("What are the words spoken at %g s?" % (said[1]["t0"] + 0.5),said[1]["label"]),
    ("What is being said at %g s?" % (said[1]["t0"] + 0.5),said[1]["label"]),
    ("Which words does somebody say at %g s?" % (said[2]["t0"] + 0.5),said[2]["label"]),
    ("Who is speaking at %g s?" % (said[1]["t0"] + 0.5),"Maria"),
    ("Is Maria lying at 20 s?", "refused"),
    ("Does Jonas secretly hate Maria?", "refused"),
    ("What does Jonas think about the letter?", "refused"),
    ("How old is Maria?", "refused"),
    ("Is Jonas a good person?", "refused"),
    ("What will happen tomorrow?", "refused"),
    ("Is Maria happier at 25 s than at 2 s?", "refused"),  # two moments of one person: by valence and arousal alone
    ("Does Maria never smile?", "refused"),
    ("Give me Maria's emotion at the 20-second mark", state(1, 20)),
    ("maria's mood at 0:45?", state(1, 45)),
    ("Can you tell me how Jonas comes over at 30 s?", state(2, 30)),
    ("In what mood is Maria 45 seconds into the clip?", state(1, 45)),
    ("How would you describe Jonas's expression at 0:22?", state(2, 22)),
    ("what is jonas's emotional tone at 35s", state(2, 35)),
    ("What's going on with Maria emotionally at 0:10?", state(1, 10)),
    ("Which feeling best describes Maria at 50 s?", state(1, 50)),
    ("Is it true that Jonas looks happy at 26 s?", "yes"),
    ("Jonas looks sad at 40 s, right?", "yes"),
    ("At 0:26, does Jonas come across as joyful?", "yes"),
    ("During which period is Jonas afraid?", 20.0),
    ("When does Jonas look fearful?", 20.0),
    ("When exactly does Jonas start to be angry?", 16.0),
    ("When does Jonas stop being angry?", 20.0),
    ("Until when is Maria angry?", 28.0),
    ("How long does Jonas's fear last?", 4.0),
    ("How long does Maria stay angry?", 16.0),
    ("What's the length of Maria's angry spell?", 16.0),
    ("Over the whole clip, how long is Maria sad?", 28.0),
    ("Name the time of Jonas's smile.", 9.67),
    ("When can we see Jonas smiling?", 9.67),
    ("Where in the video does Jonas smile?", 9.67),
    ("Is there a smile by Jonas?", "yes"),
    ("Does anybody smile?", "yes"),
    ("Does anyone ever laugh?", "no"),
    ("How many pauses are there?", 3),
    ("How frequently does Maria pause?", count("pause", 1)),
    ("What's the count of negations by Maria?", count("negation", 1)),
    ("How many times do we hear a swear word from Maria?", count("swearing", 1)),
    ("Who looks happy at 0:26?", "Jonas"),
    ("Who is the one smiling?", "Jonas"),
    ("Who speaks at 15 s?", "Jonas"),
    ("Who says \"we finally made it home\"?", "Jonas"),
    ("Who talks at 8.5 s?", "Maria"),
    ("What does Maria say at 8.5 s?", "nobody told me about the letter"),
    ("What did Jonas say at 24 s?", "we finally made it home"),
    ("What is Jonas' line at 34 s?", "that was the best day of my life"),
    ("Does Maria's mood get better at 48 s?", "yes"),
    ("Does Maria's mood get worse at 12 s?", "yes"),
    ("Did anything change for Maria between 30 and 40 s?", "no"),
    ("What might explain why Maria changes at 8 s?", "u2"),
    ("What did Maria feel before she was angry?", "neutral"),
    ("What does Maria feel after being angry?", "sadness"),
    ("What is Jonas's expression while he says we finally made it home?", "happiness"),
    ("Who becomes angry first?", "Maria"),
    ("Is Jonas more positive than Maria at 26 s?", "yes"),
    ("How negative is Maria at 20 s?", -0.5),
    ("How strongly aroused is Jonas at 18 s?", 0.55),
    ("Is Maria flirting with Jonas?", "refused"),
    ("What is Maria's IQ?", "refused"),
    ("Does Maria trust Jonas?", "refused"),
    ("Is Jonas telling the truth?", "refused"),
    ("Why did Maria leave the house?", "refused"),
    ("What did Anna say?", "refused"),
    ("Is Maria pregnant?", "refused"),
    ("Who killed the dog?", "refused"),
    ("What does Maria truly feel inside?", "refused"),
    ("How does Maria look at 3:20?", "refused"),
]
with tempfile.TemporaryDirectory() as folder:
    path = folder + "/t.json"
    with open(path, "w") as f:
        json.dump(d, f)
    wrong = []
    for question, wanted in QUESTIONS:
        done = subprocess.run([affect, "ask", path, question, "--json"], capture_output=True, text=True)
        assert done.returncode == 0, (question, done.stderr)
        answer = json.loads(done.stdout)
        value, kind = answer["value"], answer["kind"]
        if wanted == "refused" or kind == "refused":
            right = wanted == kind
        elif isinstance(wanted, (int, float)):
            try:
                right = abs(float(value) - wanted) < 0.11
            except ValueError:
                right = False
        else:
            right = value == wanted
        assert kind == "refused" or answer["evidence"] or value in ("no", "never", "0", "nobody"), (question, answer)
        if not right:
            wrong.append((question, wanted, kind, value, answer["text"]))
    print(len(QUESTIONS) - len(wrong), "of", len(QUESTIONS), "phrasings answered rightly")
    for w in wrong:
        print(*w, sep=" | ")
    sys.exit(len(wrong) > 0.05 * len(QUESTIONS))
