"""What is denied is not said: sentences whose words of feeling stand under a negation give no label of that direction, and
sentences that only look so keep theirs. They were written before the rules were tried on them (docs/words.md says what the first try gave). usage: negation.py AFFECT"""
import json, os, subprocess, sys, tempfile

AFFECT = sys.argv[1]
UP = {"admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude", "joy", "love", "optimism", "pride", "relief"}
DOWN = {"anger", "annoyance", "confusion", "disappointment", "disapproval", "disgust", "embarrassment", "fear", "grief",
        "nervousness", "remorse", "sadness"}
DENIED = [  # and the direction that must not be said
    ("I am not sad.", DOWN), ("I'm not sad at all.", DOWN), ("I don't love you any more.", UP), ("Nobody is happy.", UP),
    ("I am not afraid of him.", DOWN), ("She isn't angry with you.", DOWN), ("We were never happy there.", UP),
    ("I can't say that I am grateful.", UP), ("There is no joy in this house.", UP), ("He was not a happy man.", UP),
    ("I don't hate you.", DOWN), ("Nothing about this is amusing.", UP), ("I have no fear.", DOWN),
    ("They did not enjoy the film.", UP), ("I wasn't scared.", DOWN), ("You are not disgusting.", DOWN),
    ("I never loved him.", UP), ("It doesn't make me sad.", DOWN), ("I don't think I am happy with this.", UP),
    ("No one was excited about the trip.", UP), ("We are not proud of what we did.", UP), ("I feel no anger.", DOWN),
    ("Without love there is nothing.", UP), ("My mother is not worried about it.", DOWN), ("I am anything but happy.", UP),
    ("He is far from pleased.", UP), ("I didn't like the food.", UP), ("This is not good.", UP), ("It was not terrible.", DOWN),
    ("Don't be sad.", DOWN), ("I do not feel embarrassed.", DOWN), ("You never make me laugh.", UP),
    ("I am no longer angry.", DOWN), ("She hardly ever feels lonely.", DOWN), ("I couldn't love anybody like that.", UP),
    ("We have nothing to be thankful for.", UP),
    ("I wouldn't say I was delighted.", UP), ("They are not frightened of the dark.", DOWN),
    ("There was nothing funny about it.", UP), ("We don't feel guilty.", DOWN),
    ("My brother never felt lonely.", DOWN), ("I do not admire her.", UP), ("She didn't seem nervous.", DOWN),
    ("He won't be happy about this.", UP), ("I haven't got any hope left.", UP), ("It isn't a sad story.", DOWN),
    ("Nobody was hurt or upset.", DOWN), ("I was not amused.", UP), ("You shouldn't be ashamed of that.", DOWN),
    ("Neither of us was angry.", DOWN), ("I'm not mad at you.", DOWN), ("None of them likes the place.", UP),
    ("That is not a nice thing to say.", UP), ("I cannot forgive him, and I don't trust him.", UP),
    ("He has never been cruel to me.", DOWN), ("We aren't friends.", UP),
]
SAID = [  # nothing is denied
    "I am sad.", "I love you so much.", "I have never been so happy.", "I couldn't be happier.", "I can't wait, I am so excited!",
    "He is not only kind but wonderful.", "No wonder you are angry.", "I can't help loving him.", "I am never not happy with you.",
    "No, I am sad.", "It is sad that he did not come.", "I love it because it is not loud.",
    "I am so sorry, I did not know.", "I hate this, it is not fair.", "Why don't you love me? I am miserable.",
    "I've never felt better.", "I am proud and not ashamed of it.", "What a lovely day, no clouds at all.",
    "You don't know how happy I am.", "I cannot thank you enough.",
]
BRIEF = {"Hello.": True, "Hi there!": True, "Guten Tag.": False, "Merci.": False, "Dzień dobry.": False}  # is it read? Words of no emotion


def stamp(i):
    return f"{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02},000"


folder = tempfile.mkdtemp(prefix="affect-negation-")
subtitles, sound = f"{folder}/a.srt", f"{folder}/a.wav"
sentences = [s for s, _ in DENIED] + SAID + list(BRIEF)
with open(subtitles, "w") as f:
    for i, sentence in enumerate(sentences):
        f.write(f"{i + 1}\n{stamp(2 * i)} --> {stamp(2 * i + 1)}\n{sentence}\n\n")
samples = 16000 * (2 * len(sentences) + 1)
with open(sound, "wb") as f:  # silence
    f.write(b"RIFF" + (36 + 2 * samples).to_bytes(4, "little") + b"WAVEfmt " + bytes([16, 0, 0, 0, 1, 0, 1, 0]) +
            (16000).to_bytes(4, "little") + (32000).to_bytes(4, "little") + bytes([2, 0, 16, 0]) + b"data" +
            (2 * samples).to_bytes(4, "little") + bytes(2 * samples))
run = subprocess.run([AFFECT, "analyze", sound, "--no-face", "--no-voice", "--subtitles", subtitles, "--json", "--quiet"],
                     stdout=subprocess.PIPE, check=True)
os.unlink(subtitles), os.unlink(sound), os.rmdir(folder)
timeline = json.loads(run.stdout)
tier = next(t["intervals"] for t in timeline["tiers"] if t["id"] == "utterances")
if not any("labels" in u["attributes"] for u in tier):
    print("skipped: no text network here")
    sys.exit(77)
track = next(t for t in timeline["tracks"] if t["id"] == "words/emotion")
shares = {round(row[0]): dict(zip(track["channels"], row[2:])) for row in track["rows"]}
by_text = {u["label"]: (u["attributes"], shares.get(round((u["t0"] + u["t1"]) / 2), {})) for u in tier}
wrong, marked, lost = [], 0, []
for sentence, direction in DENIED:
    attributes, share = by_text[sentence]
    said = [label for label in attributes.get("labels", []) if label in direction]
    top = max(share, key=share.get) if share else ""
    marked += "denied_labels" in attributes
    if said or top in direction:
        wrong.append(f"{sentence} {said} {top}")
for sentence in SAID:
    if "denied_labels" in by_text[sentence][0]:
        lost.append(f"{sentence} {by_text[sentence][0]}")
for sentence, read in BRIEF.items():
    if (by_text[sentence][0].get("scored") is not False) != read:
        lost.append(f"{sentence} {by_text[sentence][0]}")
print(f"{len(DENIED) - len(wrong)} of {len(DENIED)} denials are not said, {marked} are marked; {len(SAID) + len(BRIEF) - len(lost)} of {len(SAID) + len(BRIEF)} others are as they should be")
for line in wrong + lost:
    print("FAILED", line)
sys.exit(bool(wrong or lost))
