"""A headless Chromium driven through its debugging pipe: nothing but the standard library.
usage of its own: browser.py PAGE [PAGE...]: opens each page in a network of its own, plays it, and says what was asked
for and how many packets were sent."""
import base64, ctypes, fcntl, json, os, shutil, socket, struct, subprocess, sys, tempfile, time

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def alone():
    """Moves this process into a network namespace that has a loopback and nothing else, so that nothing that it starts
    reaches anybody, whatever it tries. Call it before any thread and any socket. False, with a loud line, where the
    system does not permit it."""
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) != 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            print(f"NOT ALONE: no network namespace ({os.strerror(ctypes.get_errno())}): Chromium keeps the machine's network",
                  file=sys.stderr, flush=True)
            return False
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(s, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
    return True


def packets():
    """Sent by the interfaces of this network namespace: {"lo": 0} after alone()."""
    with open("/proc/self/net/dev") as f:
        lines = [line.split(":") for line in f if ":" in line]
    return {name.strip(): int(numbers.split()[9]) for name, numbers in lines}


class Browser:
    def __init__(self, width=1360, height=900):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if not program:
            raise FileNotFoundError("chromium")
        self.profile = tempfile.mkdtemp(prefix="affect-chromium-")
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()

        def pipes():  # the browser reads commands from 3 and writes answers to 4
            a, b = os.dup(to_read), os.dup(from_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
             "--disable-default-apps", "--disable-extensions", "--disable-domain-reliability", "--no-pings",
             "--disable-client-side-phishing-detection", "--metrics-recording-only", "--no-default-browser-check",
             # no name is looked up and no address but the test's own is called, whoever in the browser asks
             "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--no-proxy-server",
             # (what remains is Chromium's question whether IPv6 leads out: a UDP socket is "connected" to a
             # public address, which sends nothing)
             "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={self.profile}",
             f"--window-size={width},{height}", "--remote-debugging-pipe", "about:blank"],
            env={**os.environ, "HOME": self.profile, "XDG_CONFIG_HOME": self.profile, "XDG_CACHE_HOME": self.profile,
                 "TMPDIR": self.profile},
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.buffer, self.number, self.session = b"", 0, None
        self.requests, self.problems = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def message(self):
        while b"\0" not in self.buffer:
            data = os.read(self.from_read, 1 << 16)
            if not data:
                raise EOFError("chromium ended")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        method, p = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(p["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = p["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and p["entry"]["level"] == "error":
            self.problems.append(p["entry"]["text"])
        return message

    def call(self, method, **params):
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.to_write, data):]
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def open(self, url, ready="document.readyState === 'complete'"):
        self.requests.clear()
        self.problems.clear()
        self.call("Page.navigate", url=url)
        self.wait(ready)

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", "?"))
        return result["result"].get("value")

    def wait(self, script, seconds=20):
        end = time.time() + seconds
        while time.time() < end:
            try:
                if self.run(script):
                    return
            except RuntimeError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"{script} did not become true; {self.problems}")

    def key(self, key, code=None, text=None):
        params = dict(key=key, code=code or key)
        if text:
            params["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown", **params)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code or key)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1,
                      buttons=1 if kind == "mousePressed" else 0)

    def size(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                  mobile=False)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def screenshot(self, path, whole=False):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as out:
            out.write(base64.b64decode(data["data"]))

    def pdf(self, path):
        data = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True, paperWidth=8.27,
                         paperHeight=11.69)
        with open(path, "wb") as out:
            out.write(base64.b64decode(data["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.to_write)
        os.close(self.from_read)
        shutil.rmtree(self.profile, ignore_errors=True)


if __name__ == "__main__":
    if not alone():
        sys.exit(77)
    b = Browser()
    try:
        for page in sys.argv[1:]:
            b.open(f"file://{os.path.abspath(page)}", "document.documentElement.dataset.ready > 0")
            b.run("(async () => { const m = document.querySelector('video, audio');"
                  "if (m) { try { await m.play(); } catch (e) {} } await new Promise(r => setTimeout(r, 3000)); })()")
            print(json.dumps({"page": page, "requests": [r for r in b.requests if not r.startswith(("file:", "data:", "blob:"))],
                              "packets": packets()}))
    finally:
        b.close()
