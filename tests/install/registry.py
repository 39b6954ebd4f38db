"""tools/fetch-npm against a registry of the test's own: behind a certificate that no system trusts, with a token, on an
address that npm's settings name, with tarballs in an unusual place; a damaged tarball, and none at all.
usage: registry.py SOURCE"""
import base64, hashlib, http.server, io, json, os, shutil, ssl, subprocess, sys, tarfile, tempfile, threading

SOURCE = sys.argv[1]
for program in ("openssl", "curl", "jq"):
    if not shutil.which(program):
        print(f"skipped: no {program} here")
        sys.exit(77)

work = tempfile.mkdtemp(prefix="affect-registry-")
failed = 0


def check(what, holds, more=""):
    global failed
    if not holds:
        failed += 1
        print(f"FAILED: {what}: {more}")


def tarball(text):
    """A package as npm packs it: one folder, here with modes that nobody could read."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        folder = tarfile.TarInfo("package/deep")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o600
        tar.addfile(folder)
        member = tarfile.TarInfo("package/deep/file.txt")
        member.size, member.mode = len(text), 0o600
        tar.addfile(member, io.BytesIO(text))
    return packed.getvalue()


tarballs = {"plain": tarball(b"plain"), "@room/scoped": tarball(b"scoped"), "elsewhere": tarball(b"elsewhere")}
asked = []


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append((self.path, self.headers.get("Authorization")))
        served = {f"/npm/{name}/-/{name.split('/')[-1]}-1.0.0.tgz": data
                  for name, data in tarballs.items() if name != "elsewhere"}
        served["/blobs/77"] = tarballs["elsewhere"]
        record = {"dist": {"tarball": f"https://localhost:{port}/blobs/77"}}
        served["/npm/elsewhere/1.0.0"] = json.dumps(record).encode()
        body = served.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{work}/key.pem", "-out", f"{work}/cert.pem"],
               check=True, stderr=subprocess.DEVNULL)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
port = server.server_address[1]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{work}/cert.pem", f"{work}/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()


def fetch(npmrc="", home="home", lock=None, **more):
    """Runs fetch-npm in a tree of its own whose path has a space; returns what it did and the tree."""
    tree = tempfile.mkdtemp(prefix="a clone ", dir=work)
    os.makedirs(f"{tree}/tools")
    shutil.copy(f"{SOURCE}/tools/fetch-npm", f"{tree}/tools/")
    os.makedirs(f"{work}/{home}", exist_ok=True)
    with open(f"{work}/{home}/.npmrc", "w") as f:
        f.write(npmrc)
    names = lock or list(tarballs)
    entries = {f"node_modules/{name}": {"version": "1.0.0", "integrity": "sha512-" + base64.b64encode(
        hashlib.sha512(tarballs[name]).digest()).decode()} for name in names}
    with open(f"{tree}/package-lock.json", "w") as f:
        json.dump({"packages": {"": {}, **entries}}, f)
    environment = {"PATH": os.environ["PATH"], "HOME": f"{work}/{home}", "TOKEN": "sesame", **more}
    asked.clear()
    ran = subprocess.run(["sh", "-c", 'umask 077; exec "$0"', f"{tree}/tools/fetch-npm"], env=environment,
                         capture_output=True, text=True, timeout=60)
    return ran, tree


def whole(what, ran, tree):
    check(what, ran.returncode == 0, ran.stderr)
    for name in tarballs:
        path = f"{tree}/node_modules/{name}/deep/file.txt"
        text = open(path).read() if os.path.exists(path) else "absent"
        check(f"{what}: {name}", text == name.split("/")[-1], text)
        if text != "absent":
            check(f"{what}: readable by all", os.stat(path).st_mode & 0o777 == 0o644, oct(os.stat(path).st_mode))
            check(f"{what}: folders too", os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o755)
    check(f"{what}: nothing else is left", sorted(os.listdir(f"{tree}/node_modules")) == ["@room", "elsewhere", "plain"]
          or ran.returncode != 0, os.listdir(f"{tree}/node_modules"))


registry = f"https://localhost:{port}/npm"
ran, tree = fetch(f"registry={registry}/\n")
check("an unknown certificate is refused", ran.returncode == 1, ran.stderr)
check("and the way to trust it is named", "NODE_EXTRA_CA_CERTS" in ran.stderr and "plain" not in os.listdir(f"{tree}/node_modules"),
      ran.stderr)
whole("NODE_EXTRA_CA_CERTS", *fetch(f"registry={registry}/\n", NODE_EXTRA_CA_CERTS=f"{work}/cert.pem"))
whole("cafile, no last slash", *fetch(f'; a comment\nregistry = "{registry}"\ncafile={work}/cert.pem\n'))
whole("strict-ssl", *fetch(f"registry={registry}\nstrict-ssl=false\n"))
whole("the environment", *fetch(npm_config_registry=registry, NPM_CONFIG_CAFILE=f"{work}/cert.pem"))
ran, tree = fetch(f"registry=https://localhost:1/\n@room:registry={registry}\ncafile={work}/cert.pem\n", lock=["@room/scoped"])
check("a scope's own registry", ran.returncode == 0, ran.stderr)
ran, tree = fetch(f"registry={registry}\ncafile={work}/cert.pem\n//localhost:{port}/npm/:_authToken=${{TOKEN}}\n", lock=["plain"])
check("a token", asked == [("/npm/plain/-/plain-1.0.0.tgz", "Bearer sesame")], f"{asked} {ran.stderr}")

good = tarballs["plain"]
ran, tree = fetch(f"registry={registry}\ncafile={work}/cert.pem\n", lock=["plain"])
kept = tree
tarballs["plain"] = tarball(b"another")
shutil.rmtree(f"{kept}/node_modules")
ran = subprocess.run([f"{kept}/tools/fetch-npm"], env={"PATH": os.environ["PATH"], "HOME": f"{work}/home"},
                     capture_output=True, text=True, timeout=60)
check("another tarball than the pinned one is refused", ran.returncode == 1 and "sha-512" in ran.stderr, ran.stderr)
check("and nothing of it stays", os.listdir(f"{kept}/node_modules") == [], os.listdir(f"{kept}/node_modules"))
tarballs["plain"] = good
ran, tree = fetch("registry=https://localhost:1/\n", lock=["plain"])
check("no registry there: one line", ran.returncode == 1 and len(ran.stderr.splitlines()) == 1, ran.stderr)

shutil.rmtree(work)
print("FAILED" if failed else "every registry was asked as npm would ask it")
sys.exit(failed > 0)
