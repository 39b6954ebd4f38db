"""llama.cpp's own server, for tests."""
import socket
import subprocess
import time
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """llama-server on loopback; started when it says that it is ready."""

    def __init__(self, program, model, *more):
        self.port = free_port()
        self.log = open("server.log", "wb")
        self.process = subprocess.Popen([program, "-m", model, *more, "--host", "127.0.0.1", "--port", str(self.port), "-t", "1", "-c", "4096", "-np", "1", "--no-warmup"],
                                        stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{self.port}"
        for _ in range(600):
            assert self.process.poll() is None, open("server.log", errors="replace").read()[-3000:]
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + "/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("llama-server does not start: " + open("server.log", errors="replace").read()[-3000:])

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()
