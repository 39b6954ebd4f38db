"""What `affect live` writes of a file, of a pipe and of a stream. usage: live_file.py AFFECT ROOT"""
import functools, http.server, json, os, signal, subprocess, sys, tempfile, threading, time
from pathlib import Path

affect, root = sys.argv[1], Path(sys.argv[2])
clip = Path(os.environ.get("AFFECT_DATA", root / ".." / "shared" / "data")) / "java_sed/video/06-01-06_01.mp4"
demo = Path(affect).resolve().parent / "../../demo/clip.mp4"
if not clip.exists() and not demo.exists():
    print(f"SKIP: no recordings (AFFECT_DATA), no {demo} (make demo)")
    sys.exit(1 if os.environ.get("AFFECT_REQUIRE_ALL") else 77)
failed = 0


def check(good, what):
    global failed
    failed += not good
    print(("ok: " if good else "FAILED: ") + what, flush=True)


with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    if not clip.exists():  # four seconds of what was composed
        clip = folder / "cut.mp4"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-ss", "14", "-i", str(demo), "-t", "4", "-vf", "scale=480:-2", "-c:v", "libx264",
                        "-preset", "ultrafast", str(clip)], check=True)
    run = lambda *a, **k: subprocess.run([affect, *map(str, a)], capture_output=True, text=True, timeout=100, **k)
    analyzed = run("analyze", clip, "-o", folder / "file", "-f", "json", "--quiet")
    live = run("live", clip, "-o", folder / "live", "-f", "json", "--json")
    check(analyzed.returncode == 0 and live.returncode == 0, f"a file is read live ({live.stderr.strip()})")
    a, b = (json.loads((folder / name / "timeline.json").read_text()) for name in ("file", "live"))
    for part in ("tracks", "tiers", "events", "links", "persons", "duration"):
        check(a.get(part) == b.get(part), f"{part} are those that analyze gives")
    rows = [json.loads(line) for line in live.stdout.splitlines()]
    check(len(rows) >= 3 and all(-1 <= r["valence"] <= 1 and r["label"] for r in rows), f"{len(rows)} estimates while it runs")

    # a stream that the user names, on this machine; it breaks off when it is over
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(clip), "-c", "copy", "-f", "mpegts", "-bsf:v", "h264_mp4toannexb", str(folder / "clip.ts")], check=True)
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *a):
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stream = run("live", f"http://127.0.0.1:{server.server_port}/clip.ts", "-o", folder / "stream", "-f", "json")
    server.shutdown()
    check(stream.returncode == 0 and asked and "s of sound lost" in stream.stderr, f"a stream is read until it ends ({stream.stderr.strip()})")
    check(json.loads((folder / "stream" / "timeline.json").read_text())["duration"] > 3, "and written")
    nowhere = run("live", "http://127.0.0.1:9/none")
    check(nowhere.returncode == 3, f"a stream that is not there is said (exit {nowhere.returncode})")

    # what never ends: Ctrl-C, and what came is written
    p = subprocess.Popen([affect, "live", "lavfi:testsrc=size=320x240:rate=25[out0];sine=frequency=300[out1]", "-o", str(folder / "test"), "-f", "json"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(8)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=60)
    check(p.returncode == 0 and (folder / "test" / "timeline.json").exists(), f"Ctrl-C ends it, and what came is written (exit {p.returncode}: {err.strip()})")
    wrong = run("live", "clip.mp4", "camera")
    check(wrong.returncode == 2 and wrong.stderr.count("\n") == 1, f"a file and a camera are refused: {wrong.stderr.strip()}")
    missing = run("live", folder / "none.mp4")
    check(missing.returncode == 3 and missing.stderr.count("\n") == 1, f"a file that is not there is said: {missing.stderr.strip()}")
sys.exit(failed > 0)
