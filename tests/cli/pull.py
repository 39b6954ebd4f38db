#!/usr/bin/env python3
"""`affect models pull` against servers on this machine: sums, resuming, redirects, answers that are none, and what it leaves behind.
usage: pull.py AFFECT"""
import hashlib, http.server, os, ssl, subprocess, sys, tempfile, threading

AFFECT = os.path.abspath(sys.argv[1])
CONTENT = bytes((i * 7 + i // 251) % 256 for i in range(3_000_001))
SUM = hashlib.sha256(CONTENT).hexdigest()
asked, failed = [], 0


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        span = self.headers.get("Range")
        asked.append((self.server.server_port, self.path, span))
        at = int(span[len("bytes="):-1]) if span else 0
        if self.path.startswith("/file") or self.path.startswith("/there/"):
            if at >= len(CONTENT) and span:
                return self.send(416, b"no such range")
            return self.send(206 if span else 200, CONTENT[at:])
        if self.path.startswith("/deaf"):  # no ranges here
            return self.send(200, CONTENT)
        if self.path.startswith("/cut"):  # breaks off in the middle
            self.send_response(206 if span else 200)
            self.send_header("Content-Length", str(len(CONTENT) - at))
            self.end_headers()
            self.wfile.write(CONTENT[at:at + 1_000_000])
            self.close_connection = True
            return
        if self.path.startswith("/away"):
            return self.send(302, b"<html>moved</html>", Location=f"http://localhost:{other.server_port}/file/m.bin?token=1")
        if self.path.startswith("/near"):
            return self.send(307, Location="/there/m.bin")
        if self.path.startswith("/round"):
            return self.send(302, Location="/round")
        if self.path.startswith("/outside"):
            return self.send(302, Location="http://example.org/m.bin")
        if self.path.startswith("/scheme"):
            return self.send(302, Location="file:///etc/passwd")
        return self.send(404, b"x" * 5000)


def serve():
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s


def check(name, good, detail=""):
    global failed
    failed += not good
    print("ok" if good else "FAILED", name, "" if good else detail)


def pull(what, *options, folder, env=None):
    clean = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    return subprocess.run([AFFECT, "models", "pull", what, *options], cwd=folder, capture_output=True, text=True, timeout=60, env={**clean, **(env or {})})


server, other = serve(), serve()
base = f"http://127.0.0.1:{server.server_port}"
with tempfile.TemporaryDirectory() as top:
    def fresh():
        return tempfile.mkdtemp(dir=top)

    def has(folder, name):
        path = os.path.join(folder, name)
        return os.listdir(folder) == [name] and open(path, "rb").read() == CONTENT

    f = fresh()
    r = pull(base + "/file/m.bin?download=true", "--sha256", SUM, folder=f)
    check("a file comes under its name", r.returncode == 0 and has(f, "m.bin") and r.stdout == f"m.bin  sha256 {SUM}\n" and not r.stderr, r)
    n = len(asked)
    r = pull(base + "/file/m.bin", "--sha256", SUM.upper(), folder=f)
    check("what is there is not fetched again", r.returncode == 0 and has(f, "m.bin") and len(asked) == n, r)
    open(os.path.join(f, "m.bin"), "ab").write(b"!")
    r = pull(base + "/file/m.bin", "--sha256", SUM, folder=f)
    check("another file of that name stays", r.returncode == 7 and len(asked) == n and len(open(os.path.join(f, "m.bin"), "rb").read()) == len(CONTENT) + 1, r)

    f = fresh()
    r = pull(base + "/file/m.bin", "--sha256", SUM, "--output", "x.bin", "--json", folder=f)
    check("--output and --json", r.returncode == 0 and has(f, "x.bin") and SUM in r.stdout, r)

    f = fresh()
    r = pull(base + "/file/m.bin", "--sha256", "0" * 64, folder=f)
    check("another sum: nothing is left", r.returncode == 8 and not os.listdir(f) and SUM in r.stderr and r.stderr.count("\n") == 1, r)

    f = fresh()
    r = pull(base + "/cut/m.bin", "--sha256", SUM, folder=f)
    check("broken off: said, and kept under another name", r.returncode == 3 and os.listdir(f) == ["m.bin.partial"] and "goes on" in r.stderr, r)
    r = pull(base + "/cut/m.bin", "--sha256", SUM, folder=f)
    check("goes on where it stopped", r.returncode == 3 and asked[-1][2] == "bytes=1000000-" and os.path.getsize(os.path.join(f, "m.bin.partial")) == 2_000_000, r)
    r = pull(base + "/file/m.bin", "--sha256", SUM, folder=f)
    check("to the end", r.returncode == 0 and asked[-1][2] == "bytes=2000000-" and has(f, "m.bin"), r)

    f = fresh()
    open(os.path.join(f, "m.bin.partial"), "wb").write(CONTENT[:5000])
    r = pull(base + "/deaf/m.bin", "--sha256", SUM, folder=f)
    check("a server that knows no ranges gives it anew", r.returncode == 0 and has(f, "m.bin"), r)
    f = fresh()
    open(os.path.join(f, "m.bin.partial"), "wb").write(CONTENT)
    r = pull(base + "/file/m.bin", "--sha256", SUM, folder=f)
    check("a partial that is whole", r.returncode == 0 and has(f, "m.bin"), r)
    f = fresh()
    open(os.path.join(f, "m.bin.partial"), "wb").write(b"other" * 1000)
    r = pull(base + "/file/m.bin", "--sha256", SUM, folder=f)
    check("a partial of another file is thrown away", r.returncode == 8 and not os.listdir(f), r)
    r = pull(base + "/file/m.bin", "--sha256", SUM, folder=f)
    check("and the next time it comes", r.returncode == 0 and has(f, "m.bin"), r)

    f = fresh()
    target = os.path.join(top, "target")
    os.symlink(target, os.path.join(f, "m.bin.partial"))
    r = pull(base + "/file/m.bin", "--sha256", SUM, folder=f)
    check("nothing is written through a link", r.returncode == 6 and not os.path.exists(target), r)

    f = fresh()
    r = pull(base + "/away/m.bin", "--sha256", SUM, folder=f)
    check("another host is said", r.returncode == 0 and has(f, "m.bin") and f"127.0.0.1:{server.server_port} sends on to localhost:{other.server_port}" in r.stderr, r)
    f = fresh()
    r = pull(base + "/near/m.bin", "--sha256", SUM, folder=f)
    check("the same host is not", r.returncode == 0 and has(f, "m.bin") and not r.stderr, r)
    for path in "/round", "/outside/m.bin", "/scheme/m.bin", "/nothing/m.bin":
        f = fresh()
        r = pull(base + path, "--sha256", SUM, "--output", "m.bin", folder=f)
        check(f"{path} ends with an error and no file", r.returncode in (3, 11) and not os.listdir(f) and r.stderr.strip(), r)

    f, n = fresh(), len(asked)
    for name, what, options, code in [
            ("no sum", base + "/file/m.bin", [], 2), ("half a sum", base + "/file/m.bin", ["--sha256", SUM[:40]], 2), ("no name", base + "/", ["--sha256", SUM], 2),
            ("http elsewhere", "http://example.org/m.bin", ["--sha256", SUM], 11), ("a name that begins as this machine's", "http://localhost.example.org/m.bin", ["--sha256", SUM], 11),
            ("user names", "https://localhost@example.org/m.bin", ["--sha256", SUM], 11), ("ftp", "ftp://127.0.0.1/m.bin", ["--sha256", SUM], 11),
            ("a model nobody knows", "huge.en", [], 8)]:
        r = pull(what, *options, folder=f)
        check("refused before anything is opened: " + name, r.returncode == code and len(asked) == n and not os.listdir(f) and r.stderr.count("\n") == 1, r)
    check("the names are told", "base.en" in r.stderr and "large-v3-turbo" in r.stderr, r)

    # TLS whose certificate nobody vouches for.
    key = os.path.join(top, "key.pem")
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", key + ".crt", "-days", "2", "-subj", "/CN=localhost",
                           "-addext", "subjectAltName=DNS:localhost"], capture_output=True)
    if made.returncode == 0:
        tls = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(key + ".crt", key)
        tls.socket = context.wrap_socket(tls.socket, server_side=True)
        tls.handle_error = lambda *_: None
        threading.Thread(target=tls.serve_forever, daemon=True).start()
        f = fresh()
        r = pull(f"https://localhost:{tls.server_port}/file/m.bin", "--sha256", SUM, folder=f)
        check("a certificate that nobody vouches for", r.returncode == 3 and not os.listdir(f), r)

print(f"{failed} failed")
sys.exit(failed != 0)
