"""affect explain --llm against a server that behaves, and one that does not: every failure must give the account without
a model and one warning, in time. usage: llm.py AFFECT"""
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

from made import timeline

affect = os.path.abspath(sys.argv[1])
KEY = "sk-secret-4711"
d, _ = timeline(2)
episode = next(t for t in d["tiers"] if t["id"] == "episodes")["intervals"][0]
event = next(e for e in d["events"] if e["kind"] == "smile")
GOOD = [{"text": f"Person {episode['person']} shows {episode['label']} at first.", "kind": "state", "person": episode["person"], "modality": "fused", "direction": None,
         "t0": episode["t0"], "t1": episode["t1"], "evidence": [episode["id"]]},
        {"text": "There is a smile.", "kind": "event", "person": event["person"], "modality": "face", "direction": None, "t0": event["onset"], "t1": event["offset"], "evidence": [event["id"]]}]
FALSE = {"text": "There is a frown.", "kind": "event", "person": 1, "modality": "face", "direction": None, "t0": 1, "t1": 2, "evidence": ["f99"]}


def completion(claims, wrap="{}"):
    content = claims if isinstance(claims, str) else wrap.replace("{}", json.dumps({"claims": claims}), 1)
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=(), length=None):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        s = self.server
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        s.seen.append((self.path, dict(self.headers), request, time.monotonic()))
        n, how = len(s.seen), s.how
        try:
            if how == "good":
                self.reply(200, completion(GOOD + [FALSE]))
            elif how in ("pieces", "pieces without an end"):
                content = json.dumps({"claims": GOOD + [FALSE]})
                parts = [{"role": "assistant"}, *({"content": content[i:i + 7]} for i in range(0, len(content), 7)), {}]
                end = "data: [DONE]\n\n" if how == "pieces" else ""
                assert request["stream"] is True
                self.reply(200, (": hello\n\n" + "".join(f"data: {json.dumps({'choices': [{'delta': p, 'finish_reason': None}]})}\r\n\r\n" for p in parts) + end).encode(),
                           [("Content-Type", "text/event-stream")])
            elif how == "fenced":
                self.reply(200, completion(GOOD, "<think>{maybe}</think>Here it is:\n```json\n{}\n```\n".replace("{maybe}", "(maybe)")))
            elif how == "no schema":
                form = request.get("response_format", {}).get("type")
                self.reply(200, completion(GOOD)) if form is None else self.reply(400, b'{"error":"response_format is not supported"}')
            elif how == "votes":
                self.reply(200, completion(GOOD if n < 3 else GOOD[:1]) if n != 1 else completion(GOOD + [{**GOOD[0], "direction": "steady"}]))
            elif how == "words first":
                form = request["response_format"]["json_schema"]["schema"]["properties"]
                named = [{"episode": episode["id"], "words": s.words[len(s.forms)]}] if "labels" in form else None
                s.forms.append(form)
                self.reply(200, completion(GOOD) if named is None else completion(json.dumps({"labels": named})))
            elif how in ("parrot", "reader"):  # one says that there is a smile whatever it is told, the other where it is told of one
                told = event["id"] in request["messages"][0]["content"]
                s.told.append(told)
                self.reply(200, completion(GOOD if told or how == "parrot" else GOOD[:1]))
            elif how == "busy":
                self.reply(200, completion(GOOD)) if n > 1 else self.reply(429, b"{}", [("Retry-After", "1")])
            elif how == "flaky":
                self.reply(200, completion(GOOD)) if n > 2 else self.reply(503, b"down")
            elif how == "500":
                self.reply(500, b"broken")
            elif how == "busy for ever":
                self.reply(429, b"{}", [("Retry-After", "3600")])
            elif how == "401":
                self.reply(401, KEY.encode())
            elif how == "404":
                self.reply(404, b"no such thing")
            elif how == "not JSON":
                self.reply(200, b"<html>hello</html>")
            elif how == "no completion":
                self.reply(200, b'{"choices":[]}')
            elif how == "prose":
                self.reply(200, completion("She seems happy to me."))
            elif how == "wrong schema":
                self.reply(200, completion([{**GOOD[0], "kind": "guess"}]))
            elif how == "nothing holds":
                self.reply(200, completion([FALSE, FALSE]))
            elif how == "empty":
                self.reply(200, b"")
            elif how == "cut off":
                self.reply(200, completion(GOOD)[:60], length=len(completion(GOOD)))
                self.close_connection = True
            elif how == "slow":
                time.sleep(8)
                self.reply(200, completion(GOOD))
            elif how == "trickle":
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                for _ in range(60):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.2)
            elif how == "huge":
                self.send_response(200)
                self.send_header("Content-Length", str(200 << 20))
                self.end_headers()
                for _ in range(200):
                    self.wfile.write(b" " * (1 << 20))
            elif how == "redirect":
                self.reply(302, b"", [("Location", f"http://127.0.0.1:{s.other}/v1/chat/completions")])
            elif how == "garbage":
                self.wfile.write(b"\x00\xff not http at all\r\n\r\n")
                self.close_connection = True
        except (BrokenPipeError, ConnectionResetError):
            pass


def start():
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    s.daemon_threads, s.seen, s.told, s.words, s.forms, s.how, s.other = True, [], [], [], [], "good", 0
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s


server, other = start(), start()
server.other = other.server_port
URL = f"http://127.0.0.1:{server.server_port}/v1"


def run(*arguments, code=0, **how):
    environment = {**os.environ, "AFFECT_LLM_KEY": KEY, "no_proxy": "*"}
    began = time.monotonic()
    done = subprocess.run([affect, "explain", *arguments], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, **how)
    assert done.returncode == code, (arguments, done)
    assert KEY not in done.stdout + done.stderr, "the key is shown"
    return done.stdout, done.stderr, time.monotonic() - began


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    with open("t.json", "w") as f:
        json.dump(d, f)
    alone = run("t.json", "--json")[0]
    assert not server.seen, "a socket without a server that was named"
    prompt = run("t.json", "--show-prompt")[0]
    assert episode["id"] in prompt and event["id"] in prompt and "{EVIDENCE}" not in prompt and not server.seen
    assert "home" in prompt and "home" not in run("t.json", "--show-prompt", "--send", "events")[0]
    assert event["id"] + " " not in run("t.json", "--show-prompt", "--send", "text")[0]
    assert len({run("t.json", "--show-prompt", "--prompt", p)[0] for p in ("zero-shot", "few-shot", "chain-of-thought")}) == 3
    with open("own.txt", "w") as f:
        f.write("Say it. {EVIDENCE}")
    assert run("t.json", "--show-prompt", "--prompt", "own.txt")[0].startswith("Say it. Measured")
    with open("bad.txt", "w") as f:
        f.write("Say it.")
    run("t.json", "--show-prompt", "--prompt", "bad.txt", code=4)
    run("t.json", "--show-prompt", "--prompt", "none.txt", code=3)
    # Not without consent.
    _, error, _ = run("t.json", "--llm", URL, code=2)
    assert f"to {URL}" in error and "text,events" in error and not server.seen
    for wrong in ("ftp://x/", "file:///etc/passwd", "http://me:pw@127.0.0.1/"):
        assert run("t.json", "--llm", wrong, "--yes", code=11)[1].count("\n") == 1
    run("t.json", "--llm", URL, "--yes", "--send", "faces", code=11)

    # A server that works: claims that hold are kept.
    def asks(how, *more, timeout="20"):
        server.seen.clear()
        server.how = how
        return run("t.json", "--json", "--llm", URL, "--yes", "--timeout", timeout, *more)

    for how, n in (("good", 1), ("pieces", 1), ("fenced", 1), ("no schema", 4), ("busy", 2), ("flaky", 3)):
        out, error, took = asks(how, "--llm-model", "tiny")
        e = json.loads(out)
        assert [c["evidence"] for c in e["claims"]] == [c["evidence"] for c in GOOD] and e["generator"] == "tiny" and not error, (how, out, error)
        assert all(c["verdict"] == "supported" for c in e["claims"]) and len(server.seen) == n, (how, len(server.seen))
        path, headers, request, _ = server.seen[0]
        assert path == "/v1/chat/completions" and headers["Authorization"] == f"Bearer {KEY}" and request["model"] == "tiny"
        assert request["response_format"]["json_schema"]["schema"]["required"] == ["claims"]
    server.seen and asks("busy")
    assert server.seen[1][3] - server.seen[0][3] >= 1, "Retry-After"
    out, error, _ = asks("votes", "--votes", "3")
    assert len(server.seen) == 3 and [c["direction"] for c in json.loads(out)["claims"]] == [None, None] and not error, out
    assert {r[2]["seed"] for r in server.seen} == {1, 2, 3}

    # Words first, evidence second: a state is kept where it says what was named, and words that fit become labels.
    near = {"happiness": "glad", "sadness": "unhappy", "anger": "furious", "fear": "scared", "neutral": "calm"}
    foreign = next(w for k, w in near.items() if k not in (episode["label"], "neutral"))
    own, state, rest = near[episode["label"]], GOOD[0], GOOD[1:]
    with open("words.txt", "w") as f:
        f.write("\n".join(near.values()) + "\n")

    def words_first(words, *more):
        server.words, server.forms = words, []
        out, error, _ = asks("words first", "--labels-first", *more)
        e = json.loads(out)
        assert not error and server.seen[-1][2]["messages"][0]["content"].count("These words were named before") == bool(sum(words, [])), error
        return [c["evidence"] for c in e["claims"]], {k["episode"]: [x["word"] for x in k["labels"]] for k in e["labels"]}
    both, one = [c["evidence"] for c in GOOD], [c["evidence"] for c in rest]
    assert words_first([[own.upper(), "zebra"]]) == (both, {episode["id"]: [own]}) and len(server.seen) == 2, server.forms
    assert server.forms[0]["labels"]["items"]["properties"]["episode"]["enum"] == [e["id"] for t in d["tiers"] if t["id"] == "episodes" for e in sorted(t["intervals"], key=lambda e: (e["t0"], e["id"]))]
    assert words_first([[foreign]]) == (one, {}), "what was not named is kept, or a label that nothing shows"
    assert words_first([[own], [own, foreign], [foreign]], "--votes", "3") == (both, {episode["id"]: [own]}) and len(server.seen) == 6
    assert words_first([[own]], "--labels", "words.txt") == (both, {episode["id"]: [own]})
    assert server.forms[0]["labels"]["items"]["properties"]["words"]["items"]["enum"] == list(near.values())
    assert words_first([[]]) == (one, {})

    # With each modality hidden that it speaks of: what does not need it is dropped.
    for how, kept in (("parrot", GOOD[:1]), ("reader", GOOD)):
        server.told.clear()
        out, error, _ = asks(how, "--mask")
        assert [c["evidence"] for c in json.loads(out)["claims"]] == [c["evidence"] for c in kept] and not error, (how, out)
        assert server.told == [True, False], server.told
        assert [c["evidence"] for c in json.loads(asks(how)[0])["claims"]] == [c["evidence"] for c in GOOD]

    # Servers that do not.
    for how, pattern in (("500", "status 500"), ("busy for ever", "status 429"), ("401", "refuses the key"), ("404", "status 404"), ("not JSON", "no chat completion"),
                         ("no completion", "no chat completion"), ("prose", "no JSON object"), ("wrong schema", "'kind' must be"), ("nothing holds", "none of its 2 claims"),
                         ("empty", "no chat completion"), ("pieces without an end", "ends in the middle"), ("cut off", ""), ("slow", "within"), ("trickle", "within"), ("huge", "8 MiB"), ("redirect", "redirects"), ("garbage", "")):
        out, error, took = asks(how, timeout="3")
        assert out == alone, (how, out[:300])
        assert error.count("\n") == 1 and "did not help" in error and pattern in error, (how, error)
        assert took < 5, (how, took)
    assert not other.seen, "a redirect was followed"
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    for url in (f"http://127.0.0.1:{closed.getsockname()[1]}/v1", f"https://127.0.0.1:{server.server_port}/v1", "http://no-such-host.invalid/v1"):
        out, error, took = run("t.json", "--json", "--llm", url, "--yes", "--timeout", "3")
        assert out == alone and error.count("\n") == 1 and "did not help" in error and took < 5, (url, error, took)
    print("ok")
