"""Inputs of kinds that people report about other tools, each with the value that is right.

usage: cases.py AFFECT CASE [PROGRAM]   (cases.py --list names them)

PROGRAM is the case's own, where it is one. CASES is the table: a name, the command lines that are run in the case's folder, and what must hold of their
results. A new case is a folder of small inputs beside this file and an entry here; `tone` stands for 30 s of a quiet
tone, in
which nothing is heard."""

import difflib
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path


class Result:
    """What a command said."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.all = self.out + self.err

    @property
    def json(self):
        assert self.code == 0, self.all
        return json.loads(self.out)

    def tier(self, name):
        found = [t["intervals"] for t in self.json["tiers"] if t["id"] == name]
        return found[0] if found else []

    def words(self):
        """Pairs of a word and its time, to a hundredth of a second."""
        return [(w["label"], round(w["t0"], 2)) for w in self.tier("words")]

    def said(self):
        return [u["label"] for u in self.tier("utterances")]

    def times(self):
        return [(u["t0"], u["t1"]) for u in self.tier("utterances")]

    def speakers(self):
        return [u["attributes"].get("speaker") for u in self.tier("utterances")]

    def face(self, role):
        """The one face's track."""
        (track,) = [t for t in self.json["tracks"] if t["id"].startswith("face/") and t["id"].endswith("/" + role)]
        return track

    def rows(self, role):
        return len(self.face(role)["rows"])

    def mean(self, role, channel):
        """Of angles too, of which none is near both ends of a turn here but for half a turn: those from -90 on go up."""
        track = self.face(role)
        at = 2 + track["channels"].index(channel)
        values = [row[at] for row in track["rows"] if row[at] is not None]
        if channel == "roll":
            values = [v + 360 if v < -135 else v for v in values]
        return sum(values) / len(values)

    def warns(self, *parts):
        """Does one warning hold all of these?"""
        return any(all(p in w["text"] for p in parts) for w in self.json["warnings"])

    def value(self, name):
        """Of a score's table."""
        assert self.code == 0, self.all
        return next(float(line.split()[1]) for line in self.out.splitlines() if line.startswith(name + " "))

    def quiet_but_for(self, *parts):
        """Only warnings that hold one of these."""
        return [w["text"] for w in self.json["warnings"] if not any(p in w["text"] for p in parts)] == []


def text(name, *options):
    return ["analyze", "{tone}", "--subtitles", name, "--no-face", "--no-voice", "--json", *options]


def heard(name):
    return ["analyze", name, "--no-face", "--json"]


def classes(gold, predicted):
    return ["score", "classes", "--gold", gold, "--pred", predicted]


def spoken(results, first, last, count):
    words = results[0].words()
    return len(words) >= count and words[0][1] >= first and words[-1][1] <= last


def said_by_channel(result, channel, wanted):
    """Nine in ten of the words, in order."""
    found = " ".join(u["label"] for u in result.tier("utterances") if u["attributes"].get("channel") == channel).split()
    blocks = difflib.SequenceMatcher(None, found, wanted.split(), autojunk=False).get_matching_blocks()
    return sum(b.size for b in blocks) >= 0.9 * max(len(found), len(wanted.split()))


ARGUMENT = 11  # affect_status and exit code

CASES = {
    "codepage": (
        [text("cp1251.srt"), text("gbk.srt"), classes("g_zh.csv", "p_gbk.csv")],
        lambda r: r[0].said() == ["Я так счастлив"] and r[0].warns("not UTF-8", "WINDOWS-1251")
        and r[1].said() == ["我很高兴"] and r[1].warns("not UTF-8", "GB18030")
        and r[2].value("accuracy") == 0.75 and "p_gbk.csv: it is not UTF-8; read as GB18030" in r[2].err),
    "cues-outside": (
        [text("offset_hour.srt"), text("beyond.srt"), text("offset_hour.srt", "--subtitles-offset", "-3600")],
        lambda r: r[0].said() == [] and r[0].json["duration"] == 30
        and r[0].warns("2 of 2 cues lie outside", "--subtitles-offset -3600")
        and r[1].said() == ["I am happy"] and r[1].warns("1 of 2 cues lie outside", "00:10:04")
        and r[2].times() == [(1, 3), (4, 6)] and r[2].quiet_but_for()),
    "eaf-time-origin": (
        [text("origin.eaf")],
        lambda r: r[0].times() == [(3, 5), (5, 7)] and r[0].speakers() == ["Anna", "Anna"] and r[0].warns("TIME_ORIGIN", "2.000")),
    "foreign-labels": (
        [classes("g.csv", "p_case.csv"), classes("g.csv", "e2v_pred.csv")],
        lambda r: r[0].value("accuracy") == 0 and "4 of 4 predictions have labels that gold never has: 'Happy' (gold has 'happy'), 'SAD' (gold has 'sad')" in r[0].err
        and r[1].value("accuracy") == 0 and "4 of 4 predictions" in r[1].err and "'<unk>'," in r[1].err
        and "开心/happy' (gold has 'happy')" in r[1].err and "难过/sad' (gold has 'sad')" in r[1].err),
    "foreign-text": (
        [text("foreign.srt")],
        lambda r: r[0].warns("3 of 3 lines were not scored", "not English") and all(not u["attributes"]["scored"] for u in r[0].tier("utterances"))),
    "funasr-list": (
        [text("funasr.json")],
        lambda r: r[0].times() == [(1.0, 1.8)] and r[0].said() == ["我很高兴"] and r[0].speakers() == ["speaker 0"]),
    "muted-start": (
        [heard("muted20.flac")],
        lambda r: spoken(r, 20, 25.5, 12) and "happy" in [w for w, _ in r[0].words()]),
    "no-words-unsaid": (
        [heard("slow4k.flac")],
        lambda r: r[0].words() == [] and r[0].warns("speech was")),
    "openface-spaces": (
        [["data", "info", "of10.csv"],
         ["score", "regression", "--gold", "of10.csv", "--pred", "of10.csv", "--column", "AU01_r"]],
        lambda r: "numeric columns: 4" in r[0].out and r[1].value("ccc") == 1),
    "push-backwards": (
        [["{program}"]],
        lambda r: [line.split(": ")[1] for line in r[0].out.splitlines() if line.startswith("push")]
        == ["0"] * 10 + [str(ARGUMENT)] + ["0"] * 19 and int(r[0].out.split("voice/prosody: ")[1].split()[0]) >= 270),
    "sensevoice-tags": (
        [text("sense.srt")],
        lambda r: r[0].words()[0] == ("I", 1.0) and r[0].speakers() == [None, "SPEAKER_01", "speaker 1", "Anna", "ANNA"]
        and r[0].said() == ["I am so happy", "I am sad", "I am afraid", "I love it", "I hate it"]
        and r[0].tier("utterances")[0]["attributes"]["tags"] == ["HAPPY", "Speech"]),
    "srt-bom-inside": (
        [text("bom_midfile.srt"), text("utf8bom_twice.srt")],
        lambda r: [len(x.said()) for x in r] == [3, 2] and "3" not in [w for w, _ in r[0].words()]),
    "srt-one-bad-line": (
        [text(name + ".srt") for name in ("arrow_text", "neg", "sec60", "spaces", "lead_text", "badtime1")],
        lambda r: [len(x.said()) for x in r] == [2] * 6 and r[0].said()[0] == "turn left --> you are happy"
        and r[4].warns("2 cues or stray lines left out", "line 1") and r[5].warns("1 cue or stray line left out", "line 6")
        and r[0].quiet_but_for() and r[3].quiet_but_for() and r[2].times()[0] == (1, 30)),
    "tables-encoding": (
        [classes("g.csv", f"p_{name}.csv") for name in ("utf16", "cr", "sep")]
        + [["data", "info", f"p_{name}.csv"] for name in ("utf16", "cr", "sep")],
        lambda r: [x.value("accuracy") for x in r[:3]] == [0.75] * 3 and all("rows: 4" in x.out and "columns: 2" in x.out for x in r[3:])),
    # Semicolons with decimal commas, gzip, what git lfs leaves in a file's place.
    "tables-odd": (
        [["data", "info", "dec.csv"], ["data", "info", "packed.csv.gz"], classes("packed.csv.gz", "packed.csv.gz"), ["data", "info", "lfs.csv"]],
        lambda r: "v: 2 values, 0.25 to 1.5" in r[0].out and "! dec.csv: 2 numbers have a decimal comma" in r[0].out and "rows: 3" in r[1].out
        and r[2].value("accuracy") == 1 and r[3].code == 4 and "Git LFS" in r[3].err and "12345 bytes" in r[3].err),
    # Both talk at once; what each channel is understood as alone, but for a word in ten.
    "two-channels": (
        [heard("overlap.flac"), heard("overlap.flac") + ["--no-voice"]],
        lambda r: said_by_channel(r[0], "left", "i was so happy when the letter came we laughed together and the whole family was proud")
        and said_by_channel(r[0], "right", "very sorry but your trainers later again and nobody told us anything")
        and {u["person"] for u in r[0].tier("utterances")} == {1, 2} and {u["person"] for u in r[0].tier("speakers")} == {1, 2}
        and all(len({u["person"] for u in r[0].tier("utterances") if u["attributes"]["channel"] == c}) == 1 for c in ("left", "right"))
        and {t["person"] for t in r[0].json["tracks"] if t["id"].startswith("trajectory/")} == {1, 2}
        and {u["attributes"]["channel"] for u in r[1].tier("utterances")} == {"left", "right"}),
    # A talking face as it is, turned by half, and by a quarter to either side, without metadata.
    "upside-down": (
        [["analyze", "{turned " + how + "}", "--no-voice", "--no-words", "--json"] for how in ("null", "hflip,vflip", "transpose=1", "transpose=2")],
        lambda r: all(abs((r[i].mean("pose", "roll") - r[0].mean("pose", "roll") - turn + 180) % 360 - 180) < 10
                      and r[i].rows("pose") >= 0.9 * r[0].rows("pose")
                      and abs(r[i].mean("expression", "happiness") - r[0].mean("expression", "happiness")) < 0.15
                      for i, turn in ((1, 180), (2, 90), (3, -90))) and r[0].mean("expression", "happiness") > 0.5),
    "vtt-rolling": (
        [text("youtube.vtt")],
        lambda r: r[0].words() == [("I", 1.0), ("am", 1.4), ("so", 1.8), ("happy", 2.2), ("but", 3.01), ("you", 3.5),
                                   ("are", 4.0), ("sad", 4.4), ("and", 5.01), ("angry", 5.5)]),
    # One second of a tone whose header says nothing, .03 s, 2 s.
    "wav-wrong-size": (
        [["analyze", name + ".wav", "--no-face", "--no-words", "--json"] for name in ("zero", "small", "large")],
        lambda r: r[0].json["duration"] == 1 and r[1].json["duration"] == 1 and r[1].warns("header", "too small")
        and r[2].warns("cut or damaged")),
    "whisperx-number": (
        [text("whisperx_numbers.json")],
        lambda r: [w for w, _ in r[0].words()] == ["In", "2014", "I", "was", "happy"]
        and [t for _, t in r[0].words()][2:] == [2.5, 2.7, 3.0] and r[0].words()[0][1] == 1.0 and 1.2 <= r[0].words()[1][1] < 2.5),
    "mkv-long-subtitles": (
        [["analyze", "subs.mkv", "--no-words", "--json"], ["analyze", "subs.mkv", "--no-face", "--json"],
         ["analyze", "subs.mkv", "--no-face", "--no-voice", "--subtitles", "stream", "--json"],
         ["analyze", "subs.mkv", "--subtitles", "stream:7", "--json"]],
        lambda r: abs(r[0].json["duration"] - 5.08) < 0.02 and not r[0].warns("cut or damaged") and not r[0].warns("subtitles inside")
        and r[1].warns("subtitles inside", "--subtitles stream") and len(r[2].said()) >= 1
        and r[3].code == ARGUMENT and "no subtitle stream 7" in r[3].err),
}


def tone(path):
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(16000)
        f.writeframes(b"".join(struct.pack("<h", round(41 * math.sin(2 * math.pi * 220 * i / 16000))) for i in range(480000)))


def turned(how, folder):
    """Four seconds of a talking head, through a filter."""
    data = os.environ.get("AFFECT_DATA", "../shared/data")
    source, path = f"{data}/media/sadtalker/WDA_KatieHill_000.mp4", f"{folder}/{how.replace('=', '')}.mp4"
    begin = "0"
    if not os.path.exists(source):  # then what "make demo" composed, where he laughs
        source, begin = os.path.join(os.path.dirname(os.path.realpath(sys.argv[1])), "../../demo/clip.mp4"), "13"
    if not os.path.exists(source):
        print(f"skipped: no {source}")
        sys.exit(77)
    subprocess.run(["ffmpeg", "-v", "error", "-ss", begin, "-i", source, "-t", "4", "-vf", "scale=320:320," + how, "-c:v", "libx264", "-preset", "veryfast", "-an", path],
                   check=True)
    return path


def main():
    if sys.argv[1] == "--list":
        print("\n".join(CASES))
        return
    affect, name = os.path.abspath(sys.argv[1]), sys.argv[2]
    programs = {"{program}": os.path.abspath(sys.argv[3])} if len(sys.argv) > 3 else {}
    commands, check = CASES[name]
    root = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        made = {a: turned(a[8:-1], folder) for c in commands for a in c if a.startswith("{turned ")}
        place = Path(__file__).parent / name
        os.chdir(place if place.exists() else folder)
        path = folder + "/tone.wav"
        if any("{tone}" in c for c in commands):
            tone(path)
        environment = dict(os.environ, AFFECT_MODELS=os.environ.get("AFFECT_MODELS", root + "/build/models"))
        results = []
        for command in commands:
            line = [path if a == "{tone}" else made.get(a) or programs.get(a, a) for a in command]
            line = line if command[0] in programs else [affect] + line
            results.append(Result(subprocess.run(line, capture_output=True, text=True, env=environment)))
    if not check(results):
        for command, result in zip(commands, results):
            print("$ affect", *command, "->", result.code)
            print(result.out[-6000:], result.err[-2000:], sep="\n")
        sys.exit(f"{name}: the value is wrong")


main()
