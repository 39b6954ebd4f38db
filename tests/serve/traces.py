"""Raters at once, killed servers, strangers: nothing that was answered is lost. usage: traces.py AFFECT [--raters N] [--seconds S] [--kills N]
Prints how long an answer takes (sent to committed and answered)."""
import base64
import json
import math
import os
import random
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

affect = os.path.abspath(sys.argv[1])
option = lambda name, otherwise: float(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else otherwise
RATERS, SECONDS, KILLS = int(option("--raters", 50)), option("--seconds", 5), int(option("--kills", 4))
RATE = 60
work = tempfile.TemporaryDirectory()
folder = work.name
failed = 0


def quiet():
    """Times are judged where nothing else slows the server: no sanitizer, no load."""
    return "ASAN_OPTIONS" not in os.environ and os.getloadavg()[0] < 1.5 * os.cpu_count()


def check(name, good, *seen):
    global failed
    print(("ok: " if good else "FAILED: ") + name, *(repr(s)[:300] for s in seen if not good))
    failed += not good


with open(f"{folder}/clip.mp4", "wb") as f:
    f.write(b"not a film")
with open(f"{folder}/study.json", "w") as f:
    json.dump({"schema": "affect-study/1", "name": "load", "raters": RATERS, "recordings": [{"id": "clip", "file": "clip.mp4", "persons": ["a"]}],
               "dimensions": [{"name": "arousal", "tool": "slider"}, {"name": "x", "tool": "plane"}, {"name": "y", "tool": "plane"}]}, f)


class Server:
    def __init__(self, port=0):
        self.process = subprocess.Popen([affect, "annotate", "--port", str(port), f"{folder}/study.json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the server did not start: {self.process.stderr.read()}")
        self.port = int(line.rsplit(":", 1)[1].strip().strip("/"))

    def ask(self, path, body=None, method=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", None if body is None else json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=100) as r:
                text = r.read()
                return r.status, json.loads(text) if text[:1] in b"{[" else text.decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()


class Rater:
    """A WebSocket (RFC 6455) that sends a sample a message, and keeps what is not answered."""
    def __init__(self, server, token):
        self.server, self.token, self.sent, self.took, self.acked, self.number, self.errors = server, token, {}, [], -1, 0, []
        status, begun = server.ask(f"/api/rate/trace?rater={token}", {"recording": "clip", "dimension": "arousal"})
        assert status == 200, begun
        self.trace, self.number = begun["trace"], begun["next"]
        self.open()

    def open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /ws/trace?rater={self.token} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            more = self.socket.recv(4096)
            if not more:
                raise ConnectionError("refused")
            self.buffer += more
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.split(b"\r\n")[0].decode())

    def message(self, text):
        data, mask = text.encode(), os.urandom(4)
        head = bytes([0x81]) + (bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xfe]) + struct.pack(">H", len(data)))
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def sample(self, t):
        self.sent[self.number] = (time.monotonic(), t)
        self.message(json.dumps({"trace": self.trace, "from": self.number, "samples": [[round(t, 4), round(math.sin(t), 4)]]}))
        self.number += 1

    def again(self):
        for n, (_, t) in sorted(self.sent.items()):
            self.message(json.dumps({"trace": self.trace, "from": n, "samples": [[round(t, 4), round(math.sin(t), 4)]]}))

    def read(self):
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError("closed")
        self.buffer += more
        while len(self.buffer) >= 2:
            length, at = self.buffer[1] & 127, 2
            if length == 126:
                length, at = struct.unpack(">H", self.buffer[2:4])[0], 4
            if len(self.buffer) < at + length:
                break
            text, kind, self.buffer = self.buffer[at:at + length], self.buffer[0] & 15, self.buffer[at + length:]
            if kind != 1:
                continue
            m = json.loads(text)
            if "error" in m:
                self.errors.append(m["error"])
            elif m["ack"] in self.sent:
                self.took.append(time.monotonic() - self.sent.pop(m["ack"])[0])
                self.acked = max(self.acked, m["ack"])


def written(trace):
    db = sqlite3.connect(f"file:{folder}/.affect/project.db?mode=ro", uri=True)
    rows = db.execute("SELECT seq, t FROM samples WHERE trace = ? ORDER BY seq", (trace,)).fetchall()
    db.close()
    return rows


server = Server()
status, study = server.ask("/api/study")
check("a link for each rater, and no names", status == 200 and len(study["raters"]) == RATERS and len({t for _, t in study["raters"]}) == RATERS)
tokens = [t for _, t in study["raters"]]
raters = [Rater(server, t) for t in tokens]

# all at once
begin, ticks = time.monotonic(), int(SECONDS * RATE)
for k in range(ticks):
    due = begin + k / RATE
    for i, r in enumerate(raters):
        r.sample(k / RATE)
    while True:
        left = due + 1 / RATE - time.monotonic()
        ready, _, _ = select.select([r.socket for r in raters], [], [], max(left, 0))
        for r in raters:
            if r.socket in ready:
                r.read()
        if left <= 0:
            break
end = time.monotonic()
while any(r.sent for r in raters) and time.monotonic() < end + 10:
    for r in raters:
        if r.sent and select.select([r.socket], [], [], .01)[0]:
            r.read()
took = sorted(x for r in raters for x in r.took)
p99 = took[int(len(took) * .99)] if took else 9
print(f"{RATERS} raters x {ticks / (end - begin):.1f} samples/s for {end - begin:.1f} s: {len(took)} answered of {RATERS * ticks}; "
      f"median {took[len(took) // 2] * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, longest {took[-1] * 1000:.1f} ms")
check("no sample is lost", all(len(written(r.trace)) == ticks for r in raters) and len(took) == RATERS * ticks)
check("in order, at their times", all(abs(t - n / RATE) < 1e-3 for n, t in written(raters[0].trace)))
check("an answer within 50 ms (p99); 250 ms where others use this machine", p99 < .25 or not quiet(), p99)

# killed at any instant: what was answered is there, what was not is sent again, nothing twice
r = raters[0]
for other in raters[1:]:
    other.socket.close()
draw, oldest = random.Random(1), 0
for kill in range(KILLS):
    stop = time.monotonic() + draw.uniform(.05, .6)
    while time.monotonic() < stop:
        r.sample(r.number / RATE)
        if select.select([r.socket], [], [], 1 / RATE)[0]:
            r.read()
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.process.stdout.close()
    try:
        while select.select([r.socket], [], [], .2)[0]:
            r.read()
    except OSError:
        pass
    now = time.monotonic()
    oldest = max([oldest] + [now - .2 - s for s, _ in r.sent.values()])
    there = {n for n, _ in written(r.trace)}
    lost = [n for n in range(r.acked + 1) if n not in there]
    if lost:
        check(f"kill {kill}: what was answered is there", False, lost[:5])
    port = server.port
    for attempt in range(50):
        try:
            server = Server(port)
            break
        except SystemExit:
            time.sleep(.1)
    r.server = server
    r.open()
    r.again()
    until = time.monotonic() + 10
    while r.sent and time.monotonic() < until:
        if select.select([r.socket], [], [], .1)[0]:
            r.read()
rows = written(r.trace)
check(f"{KILLS} killed servers: every sample once, in order", [n for n, _ in rows] == list(range(r.number)) and not r.sent, len(rows), r.number)
check("less than a second was ever unanswered", oldest < 1 or not quiet(), oldest)
check("the same links after a restart", [t for _, t in server.ask("/api/study")[1]["raters"]] == tokens)

# strangers and mistakes
for token in "", "x", "a" * 24, "' OR 1=1 --":
    status, _ = server.ask("/api/rate?rater=" + urllib.request.quote(token))
    check(f"nobody's link {token!r}", status == 404, status)
    try:
        stranger = type("R", (), {"server": server, "token": urllib.request.quote(token)})()
        Rater.open(stranger)
        stranger.socket.settimeout(5)
        first = stranger.buffer or stranger.socket.recv(100)
        check(f"no socket for {token!r}", first[:1] in (b"", b"\x88"), first)
    except (ConnectionError, OSError):
        pass
mine, other = Rater(server, tokens[1]), Rater(server, tokens[2])
for text in (json.dumps({"trace": mine.trace, "from": 0, "samples": [[0, 1]]}), '{"trace": 1', '{"trace": %d, "from": -1, "samples": [[0, 1]]}' % other.trace,
             '{"trace": %d, "from": 1e9, "samples": [[1e99, 1]]}' % other.trace, '{"trace": %d, "from": 0, "samples": "x"}' % other.trace, '{"trace": %d, "from": 900000, "samples": [[0]]}' % other.trace):
    before = len(other.errors)
    other.message(text)
    until = time.monotonic() + 5
    while len(other.errors) == before and time.monotonic() < until:
        if select.select([other.socket], [], [], .1)[0]:
            other.read()
    check(f"refused: {text[:60]}", len(other.errors) == before + 1, other.errors[before:])
check("another's trace is as it was", len(written(mine.trace)) == ticks)
check("a recording that is not in the study", server.ask(f"/api/rate/trace?rater={tokens[0]}", {"recording": "../x", "dimension": "arousal"})[0] in (400, 404, 422))
check("media only of the study", server.ask(f"/api/rate/media/nothing?rater={tokens[0]}")[0] == 404 and server.ask("/api/rate/media/clip?rater=")[0] == 404)

# where a rater went back, the later pass holds; the plane gives two traces; intervals, reactions, choices
status, plane = server.ask(f"/api/rate/trace?rater={tokens[0]}", {"recording": "clip", "dimension": "x+y"})
passes = [[t / 10, .1, -.1] for t in range(50)] + [[t / 10, .9, -.9] for t in range(30, 60)]
r.trace, r.errors = plane["trace"], []
r.sent[79] = (time.monotonic(), 0)
r.message(json.dumps({"trace": plane["trace"], "from": 0, "samples": passes}))
while 79 in r.sent:
    r.read()
check("reactions", server.ask(f"/api/rate/reactions?rater={tokens[0]}", {"lags": [.4, .6]})[0] == 200 and "r1,0.5000,0.1000" in server.ask("/api/study/reactions")[1])
check("no lag below zero", server.ask(f"/api/rate/reactions?rater={tokens[0]}", {"lags": [-1]})[0] >= 400)
labels = [["mood", "joy", 0, 2.5, "rater"], ["mood", "calm", 2.5, 4, "rater"]]
check("intervals", server.ask(f"/api/rate/labels/clip?rater={tokens[0]}", {"labels": labels}, "PUT")[0] == 200 and
      server.ask(f"/api/rate/labels/clip?rater={tokens[0]}")[1]["labels"] == labels, server.ask(f"/api/rate/labels/clip?rater={tokens[0]}"))
check("intervals that are none change nothing", server.ask(f"/api/rate/labels/clip?rater={tokens[0]}", {"labels": [["mood", "x", 5, 1, "rater"]]}, "PUT")[0] >= 400 and
      server.ask(f"/api/rate/labels/clip?rater={tokens[0]}")[1]["labels"] == labels)
status, all_ = server.ask("/api/study/annotations")
two = [t for t in all_["traces"] if t["rater"] == "r1" and t["dimension"] in "xy"]
check("the later pass holds", [t["dimension"] for t in two] == ["x", "y"] and [s[1] for s in two[0]["samples"]] == [.1] * 30 + [.9] * 30 and [s[1] for s in two[1]["samples"]] == [-.1] * 30 + [-.9] * 30, two)
check("intervals are exported", [(i["label"], i["start"], i["end"]) for i in all_["intervals"]] == [("joy", 0, 2.5), ("calm", 2.5, 4)], all_["intervals"])
with open(f"{folder}/all.json", "w") as f:
    json.dump(all_, f)
check("and read by the command", subprocess.run([affect, "data", "convert", f"{folder}/all.json", "--format", "csv", "--dimension", "arousal", "-o", f"{folder}/x.csv"], capture_output=True).returncode == 0)
status, gold = server.ask("/api/study/gold?recording=clip&dimension=arousal")
check("gold, agreement and findings", status == 200 and gold["gold"] and "agreement" in gold and any(f["finding"] == "duplicate" for f in gold["findings"]), str(gold)[:200])
server.process.terminate()
check("ends cleanly", server.process.wait(20) == 0, server.process.stderr.read())
sys.exit(failed > 0)
