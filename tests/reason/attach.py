"""affect explain --llm: the pictures and the sound that arrive at a server are those of the recording at the right times, and arrive only where the model takes them,
the user has not withheld them and the recording is the user's. A server that refuses them is asked without. usage: attach.py AFFECT"""
import array
import base64
import http.server
import io
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import wave

from made import timeline

affect = os.path.abspath(sys.argv[1])
RATE, FPS, WIDTH, HEIGHT, SECONDS = 16000, 10, 320, 240, 60
BOX = (0.25, 0.25, 0.2, 0.4)  # 64 x 96 pixels from (80, 60)
d, _ = timeline(2)
d["properties"]["input"] = "elsewhere/talk.mkv"
d["tracks"] += [{"id": f"face/{p}/box", "modality": "face", "person": p, "model": "", "channels": ["x", "y", "width", "height"],
                 "rows": [[i / FPS, 1, *BOX] for i in range(SECONDS * FPS)]} for p in (1,)]  # of person 2 nobody knows where the face is
episodes = {e["id"]: e for t in d["tiers"] if t["id"] == "episodes" for e in t["intervals"]}
events = {e["id"]: e for e in d["events"]}
smile = next(e for e in d["events"] if e["kind"] == "smile")
GOOD = [{"text": "There is a smile.", "kind": "event", "person": smile["person"], "modality": "face", "direction": None, "t0": smile["onset"], "t1": smile["offset"],
         "evidence": [smile["id"]]}]


def colour(frame, face):
    return frame * 37 % 256, frame // 64 * 25, 50 if face else 200


def hertz(t):
    return 200 + 20 * int(t)


def record():
    """Every frame has its own colour, the face another blue, and every second its own tone."""
    with wave.open("tone.wav", "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(RATE)
        w.writeframes(array.array("h", [int(12000 * math.sin(2 * math.pi * hertz(i / RATE) * i / RATE)) for i in range(SECONDS * RATE)]).tobytes())
    maker = subprocess.Popen(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-", "-i", "tone.wav",
                              "-c:v", "ffv1", "-pix_fmt", "bgr0", "-c:a", "pcm_s16le", "talk.mkv"], stdin=subprocess.PIPE)
    for i in range(SECONDS * FPS):
        plain, face = bytes(colour(i, False)), bytes(colour(i, True))
        maker.stdin.write((plain * WIDTH) * 60 + (plain * 80 + face * 64 + plain * (WIDTH - 144)) * 96 + (plain * WIDTH) * (HEIGHT - 156))
    maker.stdin.close()
    assert maker.wait() == 0


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        time.sleep(self.server.late)
        self.server.looked.append(self.path)
        answer = self.server.says.get(self.path)
        self.reply(200 if answer else 404, json.dumps(answer).encode())

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(request)
        content = request["messages"][0]["content"]
        kinds = {p["type"] for p in content} if isinstance(content, list) else set()
        for kind, status, body in self.server.refuses:
            if kind in kinds or (kind == "form" and "response_format" in request):
                return self.reply(status, body)
        self.reply(200, json.dumps({"choices": [{"message": {"role": "assistant", "content": json.dumps({"claims": GOOD})}}]}).encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads, server.seen, server.looked, server.says, server.refuses, server.late = True, [], [], {}, [], 0
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{server.server_port}/v1"
LLAMA = {"/props": {"modalities": {"vision": True, "video": False, "audio": True}}}


def run(*arguments, code=0):
    done = subprocess.run([affect, "explain", *arguments], capture_output=True, text=True, env={**os.environ, "no_proxy": "*"}, stdin=subprocess.DEVNULL)
    assert done.returncode == code, (arguments, done)
    return done.stdout, done.stderr


def ask(*more, says=LLAMA, refuses=(), yes="--yes", timeout="60", answered=True):
    server.seen.clear(), server.looked.clear()
    server.says, server.refuses = says, refuses
    out, error = run("t.json", "--json", "--llm", URL, yes, "--timeout", timeout, *more)
    assert not answered or any(c["evidence"] == GOOD[0]["evidence"] for c in json.loads(out)["claims"]), out
    return error


def parts(n=-1):
    """(caption, part) of the n-th question."""
    content = server.seen[n]["messages"][0]["content"]
    if isinstance(content, str):
        return []
    assert content[0]["type"] == "text" and len(content) % 2 == 1
    return list(zip([p["text"] for p in content[1::2]], content[2::2]))


def picture(part):
    head, data = part["image_url"]["url"].split(",")
    assert part["type"] == "image_url" and head == "data:image/png;base64"
    shape = subprocess.run(["ffmpeg", "-v", "error", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], input=base64.b64decode(data, validate=True), capture_output=True, check=True)
    size = base64.b64decode(data)[16:24]
    return int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big"), shape.stdout


def sound(data):
    with wave.open(io.BytesIO(base64.b64decode(data, validate=True))) as w:
        assert (w.getnchannels(), w.getsampwidth(), w.getframerate()) == (1, 2, RATE)
        return array.array("h", w.readframes(w.getnframes()))


def pitch(samples):
    """Hz, by how often it rises through zero."""
    return sum(a < 0 <= b for a, b in zip(samples, samples[1:])) * RATE / len(samples)


def check(found, forms=("input_audio",)):
    pictures = seconds = 0
    for caption, part in found:
        if part["type"] == "image_url":
            w, h, rgb = picture(part)
            at = float(caption.rsplit(" at ", 1)[1].split(" s")[0])
            event = events[caption.split("event ")[1].split(" ")[0]] if "event" in caption else None
            assert event is None or (abs(event["apex"] - at) < 0.006 and event["modality"] == "face"), (caption, event)
            middle, corner = rgb[3 * (h // 2 * w + w // 2):][:3], rgb[:3]
            near = [i for i in range(SECONDS * FPS) if all(abs(a - b) <= 2 for a, b in zip(colour(i, False)[:2], corner[:2]))]
            assert any(abs(i / FPS - at) <= 1.01 / FPS for i in near), (caption, list(corner), near)
            assert abs(corner[2] - 200) <= 3, caption
            if "person 1" in caption:  # 1.6 times the longer side of the face around its middle
                assert abs(w - 153) <= 1 and abs(h - 153) <= 1 and abs(middle[2] - 50) <= 3, (caption, w, h, list(middle))
            else:
                assert (w, h) == (WIDTH, HEIGHT), (caption, w, h)
            pictures += 1
        else:
            assert part["type"] in forms, part["type"]
            samples = sound(part["input_audio"]["data"] if part["type"] == "input_audio" else part["audio_url"]["url"].split("data:audio/wav;base64,")[1])
            t0, t1 = (float(x) for x in caption.split(" from ")[1].replace(" s:", "").split(" s to "))
            assert any(abs(e["t0"] - t0) < 0.06 and min(e["t1"] - t0, 30) + 0.06 > t1 - t0 for e in episodes.values()) and abs(len(samples) / RATE - (t1 - t0)) < 0.11, caption
            for s in range(0, int(t1 - t0), 4):
                assert abs(pitch(samples[s * RATE:(s + 1) * RATE]) - hertz(t0 + s)) < 4, (caption, s)
            seconds += len(samples) / RATE
    return pictures, seconds


def count(found, forms=("input_audio",)):
    """Pictures, seconds."""
    assert all(p["type"] in ("image_url", *forms) for _, p in found)
    heard = [p.get("input_audio", {}).get("data") or p["audio_url"]["url"].split(",")[1] for _, p in found if p["type"] != "image_url"]
    return len(found) - len(heard), sum(len(sound(x)) for x in heard) / RATE


# An episode's three strongest events of the face; without any, its middle where the face is known.
shown = {k: [v for v in events.values() if v["modality"] == "face" and v["person"] == e["person"] and e["t0"] <= v["apex"] < e["t1"]] for k, e in episodes.items()}
N = sum(min(3, len(v)) or episodes[k]["person"] == 1 for k, v in shown.items())
assert 8 <= N <= 16

with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    record()
    with open("t.json", "w") as f:
        json.dump(d, f)

    # What is sent is told before; nothing goes out, no question about the model either, without consent.
    error = run("t.json", "--llm", URL, code=2)[1]
    assert f"{N} pictures" in error and "sound of talk.mkv" in error and URL in error and not server.looked and not server.seen, error
    shown = run("t.json", "--show-prompt")[0]
    assert shown.count("[Picture of person") == N and "[Sound of episode" in shown, shown[-2000:]
    assert "[" + "Picture" not in run("t.json", "--show-prompt", "--send", "text,events")[0]

    # llama-server says in /props what it takes.
    assert not ask()
    pictures, seconds = check(parts())
    assert pictures == N and 50 <= seconds <= 120 and server.looked == ["/props"], (pictures, seconds, server.looked)
    assert any("person 1" in c for c, _ in parts()) and any("person 2" in c for c, _ in parts())
    assert f"{pictures} pictures" in error and f"{seconds:.0f} s of sound" in error, error
    # Withheld: neither is looked for, nor is the server asked.
    for send in ("text,events", "text", "events"):
        assert not ask("--send", send) and not parts() and not server.looked, send
    assert not ask("--send", "text,events,pictures") and count(parts())[1] == 0 and count(parts())[0] == N
    assert not ask("--send", "audio,text") and count(parts())[0] == 0 and count(parts())[1] > 50
    assert not ask(says={"/props": {"modalities": {"vision": True, "audio": False}}}) and count(parts()) == (N, 0)
    assert not ask(says={"/props": {"modalities": {"vision": False, "audio": False}}}) and not parts()
    # Others say it in the list of models; a server that does not is sent none, unless the user knows.
    listed = {"/v1/models": {"data": [{"id": "blind"}, {"id": "seer", "architecture": {"input_modalities": ["text", "image"]}}, {"id": "all", "capabilities": {"vision": True, "audio": True}}]}}
    assert not ask("--llm-model", "seer", says=listed) and count(parts()) == (N, 0) and server.looked == ["/props", "/v1/models"]
    assert not ask("--llm-model", "all", says=listed) and count(parts())[1] > 50
    assert not ask("--llm-model", "blind", says=listed) and not parts()
    assert not ask(says={}) and not parts()
    assert "--attach" in ask("--send", "text,pictures", says={}) and not parts()
    assert not ask("--attach", "pictures", says={}) and count(parts()) == (N, 0) and not server.looked
    # With a modality hidden, no picture of it and no sound.
    assert "none of its 1 claims holds" in ask("--mask")  # whatever it is told, it says that there is a smile
    assert count(parts(0))[0] == N and count(parts(1))[0] == 0 and count(parts(1))[1] > 50

    # Servers that refuse: without pictures, with the other form of sound, without sound, each said once.
    error = ask(refuses=[("image_url", 400, b'{"error":"This model does not support image input"}')])
    assert error.count("\n") == 1 and "refuses pictures" in error and count(parts())[0] == 0 and count(parts())[1] > 50, error
    error = ask(refuses=[("image_url", 500, b'{"error":{"code":500,"message":"image input is not supported - hint: you may need to provide the mmproj"}}')])
    assert error.count("\n") == 2 and not parts(), error  # of "mmproj" both may be meant
    assert not ask(refuses=[("input_audio", 400, b'{"error":"unknown content type input_audio"}')])
    assert check(parts(), ("audio_url",))[1] > 50 and count(parts(), ("audio_url",))[0] == N
    error = ask(refuses=[("input_audio", 400, b"audio?"), ("audio_url", 400, b"audio?")])
    assert error.count("\n") == 1 and "refuses sound" in error and count(parts()) == (N, 0), error
    error = ask(refuses=[(k, 400, b"no") for k in ("image_url", "input_audio", "audio_url")])
    assert error.count("\n") == 2 and not parts(), error
    assert not ask(refuses=[("form", 400, b"response_format is unknown")]) and count(parts())[0] == N and "response_format" not in server.seen[-1]
    assert "Request Entity" not in ask(refuses=[("image_url", 413, b"")])

    # A recording that is not there, or that only the timeline names, is not sent.
    os.mkdir("elsewhere")
    os.rename("talk.mkv", "elsewhere/talk.mkv")
    assert not ask() and not parts() and not server.looked, "a file that only the timeline names went out"
    error = ask("--send", "text,pictures")
    assert error.count("\n") == 1 and "--media" in error and not parts(), error
    assert not ask("--media", "elsewhere/talk.mkv") and count(parts())[0] == N
    error = ask("--media", "none.mkv")
    assert error.count("\n") == 1 and "none.mkv" in error and not parts(), error
    os.symlink("elsewhere/talk.mkv", "talk.mkv")
    assert not ask() and not parts(), "a link beside the timeline was followed"
    assert not ask("--media", "elsewhere/../tone.wav") and count(parts())[0] == 0 and count(parts())[1] > 50, "sound alone"
    # One of another length is not the timeline's: nothing of it goes out, and it is said.
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-t", "20", "-i", "elsewhere/talk.mkv", "-c", "copy", "short.mkv"], check=True)
    error = ask("--media", "short.mkv")
    assert error.count("\n") == 1 and re.search(r"short.mkv lasts 20\.\d s and the timeline 60\.0 s", error) and not parts(), error
    # A little shorter, as a container may say: what is there is sent.
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-t", "59.2", "-i", "elsewhere/talk.mkv", "-c", "copy", "near.mkv"], check=True)
    assert not ask("--media", "near.mkv") and count(parts())[0] == N
    # A server that is late to say what it takes is asked with text alone, and that is said.
    server.late = 3
    error = ask("--media", "elsewhere/talk.mkv", timeout="2", answered=False)
    server.late = 0
    assert "did not say in time" in error and "--attach" in error, error

    # All requests are counted before: three answers for words, three for claims, three with a modality hidden.
    one = run("t.json", "--llm", URL, "--media", "elsewhere/talk.mkv", code=2)[1]
    many = run("t.json", "--llm", URL, "--media", "elsewhere/talk.mkv", "--votes", "3", "--labels-first", "--mask", code=2)[1]
    told = [re.search(r"sends (?:up to )?(\d+) requests? with together (\d+) bytes of text and, if its model takes them, (\d+) pictures", e) for e in (one, many)]
    assert [int(m[1]) for m in told] == [1, 9] and int(told[0][3]) == N and int(told[1][3]) == 8 * N, (one, many)  # one is without faces
    assert 8 < int(told[1][2]) / int(told[0][2]) < 11, (one, many)
    ask("--media", "elsewhere/talk.mkv", "--votes", "3", "--labels-first", "--mask", answered=False)
    assert len(server.seen) <= 9 and sum(count(parts(i))[0] for i in range(len(server.seen))) <= 8 * N
    for wrong in (("--send", "faces"), ("--attach", "text"), ("--send", "text,"), ("--send", "textevents")):
        run("t.json", "--llm", URL, "--yes", *wrong, code=11)
print("ok")
