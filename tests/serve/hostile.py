"""Hostile and heavy use of the server: what is asked wrongly is answered once and clearly, nothing outside the folder is read
or written, memory stays bounded. usage: hostile.py AFFECT ROOT"""
import base64, http.client, json, os, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time
from pathlib import Path

affect = sys.argv[1]
folder = Path(tempfile.mkdtemp(prefix="affect-serve-"))
failed = 0


def check(good, what):
    global failed
    failed += not good
    print(("ok: " if good else "FAILED: ") + what, flush=True)


class Server:
    def __init__(self, *options, where=folder):
        # What a sanitizer keeps of freed memory, so as to notice its use, is no memory of the server's.
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=1"
        self.process = subprocess.Popen([affect, "serve", "--port", "0", *options, str(where)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env={**os.environ, "ASAN_OPTIONS": sanitizer})
        self.address = self.process.stdout.readline().decode().strip()
        self.port = int(self.address.rsplit(":", 1)[1].strip("/")) if self.address else 0

    def ask(self, method, path, body=None, headers=None, host=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        c.putheader("Host", host or f"127.0.0.1:{self.port}")
        for name, value in (headers or {}).items():
            c.putheader(name, value)
        if body is not None and "Content-Length" not in (headers or {}):
            c.putheader("Content-Length", str(len(body)))
        c.endheaders(body)
        answer = c.getresponse()
        data = answer.read()
        c.close()
        return answer.status, data, answer.headers

    def raw(self, data, wait=5.0):
        """What comes back for these bytes; b"" where the connection is closed without a word."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout=wait)
        try:
            s.sendall(data)
            got = b""
            while True:
                more = s.recv(65536)
                if not more:
                    return got
                got += more
        except (socket.timeout, ConnectionError):
            return got if "got" in dir() else b""
        finally:
            s.close()

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024

    def listens_on(self):
        """The addresses that the server's port is open on, as the kernel lists them."""
        found = []
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table) as f:
                for line in f:
                    part = line.split()
                    if part[1].endswith(f":{self.port:04X}") and part[3] == "0A":
                        found.append(part[1].split(":")[0])
        return found

    def alive(self):
        return self.process.poll() is None and self.ask("GET", "/api/project")[0] == 200

    def websocket(self, path="/ws/events", origin=None, host=None):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        lines = [f"GET {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Version: 13"]
        if origin:
            lines.append(f"Origin: {origin}")
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            try:
                more = s.recv(1)
            except (socket.timeout, ConnectionError):
                more = b""
            if not more:
                break
            head += more
        return s, head.split(b"\r\n")[0].decode("latin1")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def frame(payload, opcode=1, fin=True, masked=True, length=None):
    n = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if masked else 0
    head += bytes([bit | n]) if n < 126 else bytes([bit | 126]) + struct.pack(">H", n) if n < 65536 else bytes([bit | 127]) + struct.pack(">Q", n)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def error_of(data):
    try:
        return json.loads(data)["error"]
    except (ValueError, KeyError, TypeError):
        return None


secret = folder.parent / (folder.name + "-secret.mp4")
secret.write_bytes(b"secret")
(folder / "inside.wav").write_bytes(b"RIFF")
(folder / ".hidden.mp4").write_bytes(b"hidden")
os.symlink(secret, folder / "link.mp4")
os.symlink("/etc", folder / "etc")
s = Server()
check(s.address.startswith("http://127.0.0.1:"), f"the first line is the address ({s.address})")
check(s.listens_on() == ["0100007F"], f"it listens on the loopback and nowhere else ({s.listens_on()})")

# ---- who may ask
for host in ("evil.example", "evil.example:%d" % s.port, "127.0.0.1:1", "127.0.0.1.evil.example:%d" % s.port, ""):
    status, data, _ = s.ask("GET", "/api/project", host=host or " ")
    check(status == 403 and error_of(data), f"Host {host!r} is refused ({status})")
check(s.ask("GET", "/api/project", host=f"localhost:{s.port}")[0] == 200, "localhost is this machine")
for origin in ("http://evil.example", "null", f"https://127.0.0.1:{s.port}", f"http://127.0.0.1:{s.port + 1}"):
    check(s.ask("POST", "/api/recordings/inside/analysis", b"", {"Origin": origin})[0] == 403, f"Origin {origin} is refused")
check(s.ask("GET", "/api/project", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})[0] == 403, "a picture of another site is refused")
for origin, host in (("http://evil.example", None), (None, "evil.example")):
    c, line = s.websocket(origin=origin, host=host)
    check("101" not in line, f"a WebSocket of {origin or host} is refused ({line})")
    c.close()
c, line = s.websocket()
check("101" in line, "a WebSocket without an Origin is no browser's, and opens")
c.close()
_, _, headers = s.ask("GET", "/")
policy = headers["Content-Security-Policy"]
check("default-src 'none'" in policy and "http" not in policy, "the policy names nobody else")

# ---- paths
for path in ("/../etc/passwd", "/media/../../etc/passwd", "/media/..%2f..%2fetc%2fpasswd", "/media/%2e%2e/%2e%2e/etc/passwd", "/media/link",
             "/media/.hidden", "/media/etc", "/media//etc/passwd", "/recordings/inside.wav", "/.affect/project.db", "/media/.affect",
             "/api/recordings/..%2f..%2f/view", "/api/recordings/%2e%2e/view", "/media/inside%00.wav", "/api/recordings/inside%2f..%2f/corrections",
             "/" + "a" * 1500):
    got = s.raw(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\nConnection: close\r\n\r\n".encode())
    first = got.split(b"\r\n")[0]
    check(b"secret" not in got and b"root:" not in got and (b" 40" in first or not got), f"{path[:60]} gives nothing ({first[9:40].decode('latin1') or 'closed'})")
names = [r["path"] for r in json.loads(s.ask("GET", "/api/recordings")[1])["recordings"]]
check(names == ["inside.wav"], f"the list has what is inside only ({names})")

# ---- bodies
for name in ("../out.wav", "/tmp/out.wav", ".out.wav", "a/b.wav", "out.txt", "", "out\n.wav", "x" * 300 + ".wav"):
    from urllib.parse import quote
    status, data, _ = s.ask("POST", f"/api/recordings?name={quote(name, safe='')}", b"data")
    check(status in (400, 403) and (error_of(data) or status == 403), f"a file called {name[:20]!r} is refused ({status})")
check(s.ask("POST", "/api/recordings?name=inside.wav", b"data")[0] == 409, "a file that is there is not replaced")
check((folder / "inside.wav").read_bytes() == b"RIFF", "and is as it was")
free = shutil.disk_usage(folder).free
got = s.raw(f"POST /api/recordings?name=huge.wav HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\nContent-Length: {free * 2}\r\n\r\nabc".encode(), 3)
check(b" 507 " in got.split(b"\r\n")[0], "a file larger than the disk is refused before it comes")
got = s.raw(f"POST /api/recordings?name=cut.wav HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\nContent-Length: 1000\r\n\r\nabc".encode(), .5)
check(not (folder / "cut.wav").exists(), "half a file is none")
got = s.raw(f"POST /api/recordings?name=a.wav HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode(), 2)
check(b" 411 " in got.split(b"\r\n")[0], f"a body of no stated length is refused ({got[:30]})")
status, data, _ = s.ask("POST", "/api/recordings/inside/corrections", b"x" * 5_000_000)
check(status == 413 and error_of(data), f"five megabytes of text are refused ({status})")
for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"{\"kind\":1}", b"[" * 100000, b"{\"a\":" * 5000, b"{\"kind\":\"name\",\"target\":\"\",\"value\":\"x\"}"):
    status, data, _ = s.ask("POST", "/api/recordings/inside/corrections", body)
    check(status in (400, 404) and error_of(data), f"{body[:24]!r} is refused ({status})")
for length in ("-1", "1e3", "99999999999999999999", "abc"):
    got = s.raw(f"POST /api/recordings/inside/corrections HTTP/1.1\r\nHost: 127.0.0.1:{s.port}\r\nContent-Length: {length}\r\n\r\n".encode(), 2)
    check(got[9:12] in (b"400", b"413", b"411", b""), f"Content-Length {length} is refused ({got[9:12]})")

# ---- lines that are no request
for data in (b"\0" * 100, b"GET\r\n\r\n", b"G" * 20000, b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
             b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"BREW / HTTP/1.1\r\n\r\n",
             b"GET / HTTP/1.1\r\n" + b"X-A: " + b"b" * 60000 + b"\r\n\r\n"):
    got = s.raw(data, 3)
    check(b" 200 " not in got.split(b"\r\n")[0], f"{data[:20]!r} is answered with {got[:24]!r}")
check(s.alive(), "the server is there still")

# ---- a range of a file
body = bytes(range(256)) * 40
(folder / "range.wav").write_bytes(body)
s.ask("GET", "/api/recordings")
for text, code, wanted in (("bytes=0-9", 206, body[:10]), ("bytes=100-", 206, body[100:]), ("bytes=-7", 206, body[-7:]), ("bytes=5-4", 200, body),
                           ("bytes=999999-", 416, b""), ("bytes=0-99999999999999999999", 200, body), ("bytes=0-1,3-4", 200, body), ("lines=1-2", 200, body)):
    status, data, _ = s.ask("GET", "/media/range", headers={"Range": text})
    check(status == code and data == wanted, f"Range {text} gives {status}")
status, data, headers = s.ask("HEAD", "/media/range")
check(status == 200 and not data and headers["Content-Length"] == str(len(body)), "HEAD gives the length alone")

# ---- WebSockets
frames = [frame(b"x" * 2000), frame(b"\xff\xfe"), frame(b"a", opcode=3), frame(b"a", masked=False), frame(b"", length=1 << 62)[:14],
          frame(b"a" * 200, opcode=9), frame(b"a", fin=False) + frame(b"b", opcode=1), frame(b"", opcode=0), os.urandom(500),
          frame(b"\0\1", opcode=8), frame(b"{", opcode=1)]
for path in ("/ws/events", "/ws/live"):
    for data in frames:
        c, line = s.websocket(path)
        try:
            c.sendall(data)
            c.settimeout(2)
            c.recv(4096)
        except OSError:
            pass
        c.close()
live = [b"", b"\1\0\0\0", struct.pack("<IIIId", 1, 48000, 1000, 0, 0.0) + b"\0" * 3999, struct.pack("<IIIId", 2, 4000, 4000, 0, 0.0),
        struct.pack("<IIIId", 1, 48000, 1, 0, float("nan")) + b"\0" * 4, struct.pack("<IIIId", 9, 1, 1, 0, 0.0)]
for data in live:
    c, line = s.websocket("/ws/live")
    c.sendall(frame(data, opcode=2))
    c.settimeout(5)
    try:
        got = c.recv(4096)
    except OSError:
        got = b"timeout"
    check(got[:1] in (b"\x88", b""), f"a live message of {len(data)} bytes that is none closes the connection ({got[:40]!r})")
    c.close()
check(s.alive(), "the server is there still after frames that are none")

# ---- slow ones: connections that say nothing or half of something do not keep others out
slow = []
for i in range(300):
    c = socket.create_connection(("127.0.0.1", s.port), timeout=5)
    c.sendall(b"GET / HTTP/1.1\r\nHost: 127" if i % 2 else b"")
    slow.append(c)
before = time.time()
check(s.alive(), "300 connections that say nothing keep nobody out")
check(time.time() - before < 2, f"nor slow anybody down ({time.time() - before:.2f} s)")
if os.environ.get("AFFECT_SLOW"):
    time.sleep(25)
    closed = 0
    for c in slow:
        c.setblocking(False)
        try:
            closed += c.recv(100) == b""
        except BlockingIOError:
            pass
        except OSError:
            closed += 1
    check(closed == len(slow), f"and are closed by themselves ({closed} of {len(slow)})")
for c in slow:
    c.close()

# ---- many
REQUESTS = 10000
start_memory = None
done = [0] * 8


def many(k):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=30)
    for i in range(REQUESTS // 8):
        c.request("GET", ("/api/project", "/app.js", "/api/recordings/none/view", "/media/range")[i % 4])
        answer = c.getresponse()
        answer.read()
        done[k] += answer.status in (200, 404)
    c.close()


many_threads = [threading.Thread(target=many, args=(k,)) for k in range(8)]
before, begun = s.memory(), time.time()
for t in many_threads:
    t.start()
for t in many_threads:
    t.join()
after = s.memory()
check(sum(done) == REQUESTS, f"{sum(done)} of {REQUESTS} requests are answered, {REQUESTS / (time.time() - begun):.0f} a second")
check(after - before < 20, f"they leave {after - before:.1f} MB more than before (of {before:.1f})")

# ---- one at a time; token; the end
other = subprocess.run([affect, "serve", "--port", "0", str(folder)], capture_output=True, text=True)
check(other.returncode == 7 and "another process" in other.stderr and other.stderr.count("\n") == 1, f"a folder in use is said: {other.stderr.strip()}")
taken = subprocess.run([affect, "serve", "--port", str(s.port), tempfile.mkdtemp(dir=folder)], capture_output=True, text=True)
check(taken.returncode == 6 and "listen" in taken.stderr, f"so is a port: {taken.stderr.strip()}")
before = time.time()
check(s.stop() == 0 and time.time() - before < 10 and s.process.stderr.read() == b"", f"SIGTERM ends it cleanly, in {time.time() - before:.1f} s")
wide = Server("--address", "127.0.0.2", "--token", "a-token-of-sixteen", where=tempfile.mkdtemp(dir=folder))
check(wide.listens_on() == ["0200007F"], f"an address that is named is the only one ({wide.listens_on()})")
wide.process.terminate()
wide.process.wait()
bare = subprocess.run([affect, "serve", "--address", "0.0.0.0", "--port", "0", str(folder)], capture_output=True, text=True)
check(bare.returncode == 2 and "--token" in bare.stderr, f"another address wants a token: {bare.stderr.strip()}")
s = Server("--token", "a-token-of-some-length")
check(s.ask("GET", "/api/project")[0] == 401, "without the token there is nothing")
check(s.ask("GET", "/api/project", headers={"Authorization": "Bearer a-token-of-some-lengtH"})[0] == 401, "nor with another")
check(s.ask("GET", "/api/project", headers={"Authorization": "Bearer a-token-of-some-length"})[0] == 200, "with it there is")
status, _, headers = s.ask("GET", "/?token=a-token-of-some-length")
check(status == 303 and headers["Location"] == "/" and "HttpOnly" in headers["Set-Cookie"], "the address with the token leads to the one without")
check(s.ask("GET", "/", headers={"Cookie": headers["Set-Cookie"].split(";")[0]})[0] == 200, "and the cookie opens it")
c, line = s.websocket()
check("101" not in line, f"a WebSocket wants it too ({line})")
c.close()
s.stop()
left = sorted(p.name for p in folder.iterdir() if not p.name.startswith("tmp"))
check(left == [".affect", ".hidden.mp4", "etc", "inside.wav", "link.mp4", "range.wav"], f"nothing else lies in the folder ({left})")
shutil.rmtree(folder)
secret.unlink()
sys.exit(failed > 0)
