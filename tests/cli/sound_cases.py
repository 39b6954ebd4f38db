"""Channels that cancel, and a container whose end is a subtitle's. usage: sound_cases.py AFFECT"""
import json, os, shutil, subprocess, sys, tempfile

AFFECT = sys.argv[1]
SPEECH = os.path.join(os.environ.get("AFFECT_DATA", "../shared/data"), "media/speech/jfk.flac")
if not os.path.exists(SPEECH):
    SPEECH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cases/muted-start/muted20.flac")
if not shutil.which("ffmpeg"):
    print("skipped: no ffmpeg")
    sys.exit(77)
FOLDER, failed = tempfile.mkdtemp(prefix="affect-sound-"), 0


def check(what, fine):
    global failed
    failed += not fine
    print(f"{what}: {'as it should be' if fine else 'FAILED'}")


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", *arguments], check=True)


def analyze(name, *options):
    run = subprocess.run([AFFECT, "analyze", f"{FOLDER}/{name}", *options, "--json", "--quiet"], stdout=subprocess.PIPE, check=True)
    timeline = json.loads(run.stdout)
    words = next((t["intervals"] for t in timeline["tiers"] if t["id"] == "words"), [])
    return timeline, [w["label"] for w in words], [w["text"] for w in timeline["warnings"] or []]


try:
    ffmpeg("-ss", "20" if "muted" in SPEECH else "0", "-i", SPEECH, "-ac", "1", f"{FOLDER}/mono.wav")
    _, heard, _ = analyze("mono.wav", "--no-face")
    for name, right in (("turned", "-1*c0"), ("quieter", "-0.8*c0"), ("alike", "c0")):
        ffmpeg("-i", f"{FOLDER}/mono.wav", "-filter:a", f"pan=stereo|c0=c0|c1={right}", f"{FOLDER}/{name}.wav")
        _, words, warnings = analyze(f"{name}.wav", "--no-face")
        cancels = [w for w in warnings if "cancel each other" in w]
        check(f"{name}: {len(words)} of {len(heard)} words, {len(cancels)} warnings",
              len(words) >= .8 * len(heard) and len(set(words) & set(heard)) >= .8 * len(set(heard)) and
              len(cancels) == (name != "alike"))
    with open(f"{FOLDER}/a.srt", "w") as f:
        f.write("1\n00:00:01,000 --> 00:00:30,000\nlong\n")
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=160x120:d=3", "-f", "lavfi", "-i", "sine=d=3", "-i", f"{FOLDER}/a.srt", "-map",
           "0", "-map", "1", "-map", "2", "-c:s", "srt", f"{FOLDER}/long.mkv")
    whole = open(f"{FOLDER}/long.mkv", "rb").read()
    with open(f"{FOLDER}/cut.mkv", "wb") as f:
        f.write(whole[:len(whole) // 2])
    timeline, _, warnings = analyze("long.mkv", "--no-words", "--no-face")
    check("subtitles do not lengthen a recording", abs(timeline["duration"] - 3) < .1 and not any("cut" in w for w in warnings))
    timeline, _, warnings = analyze("cut.mkv", "--no-words", "--no-face")
    check("and one that is cut is still said to be", any("cut or damaged" in w for w in warnings))
finally:
    shutil.rmtree(FOLDER)
sys.exit(failed > 0)
