"""Nothing leaves the machine: the program is traced (strace) in a fresh HOME without CI or its kin, which
would hide telemetry. It opens no socket, neither itself nor a library nor a child, and it writes no file
but what it was asked for. usage: private.py AFFECT"""
import http.client, json, os, re, shutil, signal, struct, subprocess, sys, tempfile, time

AFFECT = sys.argv[1]
DATA = os.environ.get("AFFECT_DATA", "../shared/data")
SECONDS = 22  # telemetry that waits before it speaks has had its time

FILES = "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,symlink,symlinkat,link,linkat,rename,renameat," \
        "renameat2,unlink,unlinkat,rmdir,truncate"
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|^(creat|mk|sym|link|rename|unlink|rmdir|truncate)")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def tree(folder):
    return sorted(os.path.join(base, name) for base, folders, files in os.walk(folder) for name in folders + files)


class Traced:
    """One traced process with a HOME and a TMPDIR of its own, and what it did."""

    def __init__(self, command, out, stdin=None):
        self.folder = tempfile.mkdtemp(prefix="affect-private-")
        self.home, self.tmp = os.path.join(self.folder, "home"), os.path.join(self.folder, "tmp")
        os.mkdir(self.home)
        os.mkdir(self.tmp)
        self.out, self.log = out, os.path.join(self.folder, "trace")
        # Nothing of this process's environment: no CI, GITHUB_ACTIONS, TF_BUILD, no XDG_*, no switch.
        environment = {"PATH": os.environ["PATH"], "HOME": self.home, "TMPDIR": self.tmp}
        for name in ("AFFECT_MODELS", "AFFECT_ORT", "AFFECT_VOSK", "LD_LIBRARY_PATH"):
            if name in os.environ:
                environment[name] = os.environ[name]
        # A sanitizer's leak check does not work under strace.
        environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.process = subprocess.Popen(
            ["strace", "-f", "-y", "-qq", "--seccomp-bpf", "-e", "signal=none", "-e", f"trace=%network,{FILES}", "-s", "400",
             "-o", self.log, *command], env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def end(self):
        text = self.process.communicate()[0].decode(errors="replace")
        self.network, self.written, self.opened = [], [], []
        for line in open(self.log, errors="replace"):
            call = re.sub(r"^\d+ +", "", line.rstrip())
            # A name below an open folder with that folder before it; what else strace says of descriptors goes.
            call = re.sub(r'\((?:\d+|AT_FDCWD)<(/[^>]*)>, "(?!/)', r'(AT_FDCWD, "\1/', call)
            call = re.sub(r"(\d+|AT_FDCWD)<[^>]*>", r"\1", call)
            if call.startswith("<... ") or call.startswith(("+++", "---")):
                continue
            name = call.split("(")[0]
            if call.startswith('mkdir("') and (self.out + "/").startswith(call.split('"')[1].rstrip("/") + "/"):
                continue  # the folders above an output folder, which are there
            if name == "socketpair" and "AF_UNIX" in call or \
                    name in ("sendto", "recvfrom", "sendmsg", "recvmsg", "shutdown") and "sa_family" not in call:
                continue  # between us and our own child; on a socket to anywhere else, that socket is told of
            if name not in FILES.split(","):
                self.network.append(call)
                continue
            self.opened.append(call)
            if WRITES.search(call):
                paths = re.findall(r'"([^"]*)"', call)
                if not all(p == "/dev/null" or os.path.abspath(p).startswith(self.out + "/") or
                           os.path.abspath(p) == self.out for p in paths):
                    self.written.append(call)
        left = tree(self.home) + tree(self.tmp)
        shutil.rmtree(self.folder)
        return text, left


def clean(what, traced):
    text, left = traced.end()
    bad = [f"network: {c}" for c in traced.network] + [f"writes: {c}" for c in traced.written] + \
        [f"leaves: {p}" for p in left]
    if traced.process.returncode:
        bad.append(f"exit {traced.process.returncode}: {text[-600:]}")
    print(f"{what}: {'; '.join(bad[:6]) if bad else 'no socket, no file of its own'}")
    return not bad


def the_trace_sees(out):
    """The net has no hole: a process that does each of the forbidden things is found out."""
    script = "import socket, os; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect_ex(('127.0.0.1', 9));" \
             "open(os.environ['HOME'] + '/.device', 'w'); os.mkdir(os.environ['TMPDIR'] + '/x')"
    traced = Traced([sys.executable, "-c", script], out)
    _, left = traced.end()
    seen = any(c.startswith("socket(AF_INET") for c in traced.network) and \
        any(c.startswith("connect(") for c in traced.network) and len(traced.written) == 2 and len(left) == 2
    print(f"the trace sees a socket, a file and a folder: {seen}")
    return seen


HOST = "127.0.0.1:9/a"  # nobody listens there, and the trace tells of whoever knocks
LISTS = {  # what says where a recording is, under the name of a list and under that of a recording
    "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://{HOST}.ts\n#EXT-X-ENDLIST\n",
    "near.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.ts\n#EXT-X-ENDLIST\n",
    "key.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-KEY:METHOD=AES-128,URI=\"http://" + HOST + "\"\n#EXTINF:10,\n"
                "data:video/mp2t;base64,AAAA\n#EXT-X-ENDLIST\n",
    "a.ffconcat": f"ffconcat version 1.0\nfile http://{HOST}.ts\n",
    "near.ffconcat": "ffconcat version 1.0\nfile secret.ts\n",
    "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
             "a=rtpmap:96 H264/90000\n",
    "a.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration='
             '"PT10S" profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period><AdaptationSet mimeType="video/mp4">'
             f'<Representation id="1" bandwidth="1000"><BaseURL>http://{HOST}.mp4</BaseURL></Representation>'
             '</AdaptationSet></Period></MPD>',
    "a.asx": f'<asx version="3.0"><entry><ref href="http://{HOST}.asf"/></entry></asx>',
    "a.pls": f"[playlist]\nFile1=http://{HOST}.mp3\nNumberOfEntries=1\n",
    "a.smil": f'<smil><body><video src="http://{HOST}.mp4"/></body></smil>',
    "rtsp.mov": f"RTSPtextRTSP://{HOST}.mov",
}


def boxes(data, path, change):
    """`data`, boxes of an MP4, with the first box under each box of that path changed; sizes follow."""
    out, at = b"", 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + size]
        if kind == path[0]:
            body = boxes(body, path[1:], change) if path[1:] else change(body)
        out += struct.pack(">I4s", len(body) + 8, kind) + body
        at += size
    return out


def alias(folder, name, absolute):
    """An Apple alias record: a volume, a file, the way to it by levels upward and by its absolute path."""
    path = folder.strip("/").replace("/", ":") + ":" + name
    record = bytes(10) + bytes([1]) + b"x".ljust(27, b"\0") + bytes(12) + bytes([len(name)]) + name.encode().ljust(63, b"\0")
    record += bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    text = (absolute or path).encode()
    record += struct.pack(">hh", 2, len(text)) + text + b"\0" * (len(text) & 1)
    return record + struct.pack(">hh", -1, 0)


def references(folder, clip):
    """Recordings that say that (part of) them lies elsewhere, by the name of the file that is made."""
    made = {}
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-t", "1", "-c", "copy", f"{folder}/base.mov"], check=True)
    movie = open(f"{folder}/base.mov", "rb").read()
    way = [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"]

    def entry(kind, payload):
        return lambda _: struct.pack(">IIIII", 0, 1, 12 + len(payload), int.from_bytes(kind, "big"), 0) + payload
    made["alias.mov"] = boxes(movie, way, entry(b"alis", alias(folder, "secret.ts", f"x:{folder.strip('/').replace('/', ':')}:secret.ts")))
    made["passwd.mov"] = boxes(movie, way, entry(b"alis", alias("/etc", "passwd", "x:etc:passwd")))
    for kind in (b"url ", b"urn "):
        for n, where in enumerate((f"http://{HOST}.mp4", f"file://{folder}/secret.ts", "secret.ts")):
            made[f"{kind.decode().strip()}{n}.mp4"] = boxes(movie, way, entry(kind, where.encode() + b"\0"))
    reference = f"http://{HOST}.mov".encode() + b"\0"
    rdrf = struct.pack(">I4sI4sI", 20 + len(reference), b"rdrf", 0, b"url ", len(reference)) + reference
    rmda = struct.pack(">I4s", 8 + len(rdrf), b"rmda") + rdrf
    rmra = struct.pack(">I4s", 8 + len(rmda), b"rmra") + rmda
    made["rmra.mov"] = struct.pack(">I4s4s4sI", 20, b"ftyp", b"qt  ", b"qt  ", 0) + struct.pack(">I4s", 8 + len(rmra), b"moov") + rmra
    film = subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-t", "1", "-c", "copy", "-f", "matroska", "-live", "1", "-"],
                          stdout=subprocess.PIPE, check=True).stdout
    at = film.index(b"\x15\x49\xa9\x66")  # Info, whose size is a byte or eight
    length = 1 if film[at + 4] & 0x80 else 8
    size = int.from_bytes(film[at + 4:at + 4 + length], "big") & ~(0x80 << 8 * (length - 1)) if length == 1 else \
        int.from_bytes(film[at + 5:at + 12], "big")
    for name, where in (("linked-near.mkv", f"{folder}/secret.ts"), ("linked-host.mkv", f"http://{HOST}.mkv")):
        extra = b"\x3e\x83\xbb" + bytes([0x40 | len(where) >> 8, len(where) & 255]) + where.encode()  # NextFilename
        extra += b"\x3e\xb9\x23\x90" + bytes(range(16))  # NextUID
        made[name] = film[:at + 4] + b"\x01" + (size + len(extra)).to_bytes(7, "big") + film[at + 4 + length:at + 4 + length + size] + \
            extra + film[at + 4 + length + size:]
    made["a.svg"] = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99" height="99">'
                     f'<image xlink:href="http://{HOST}.png" width="9" height="9"/><image xlink:href="secret.ts" width="9" height="9"/>'
                     '</svg>').encode()
    picture = b"\0-->\0\3\0" + f"http://{HOST}.png".encode()
    tag = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    made["linked.mp3"] = b"ID3\3\0\0" + bytes([0, 0, len(tag) >> 7, len(tag) & 127]) + tag + subprocess.run(
        ["ffmpeg", "-v", "error", "-i", clip, "-t", "1", "-vn", "-f", "mp3", "-write_id3v2", "0", "-"], stdout=subprocess.PIPE, check=True).stdout
    return made


TRANSCRIPTS = {
    "a.vtt": "WEBVTT\n\nSTYLE\n::cue { background: url(http://" + HOST + ".png); }\n@import url(http://" + HOST + ".css);\n\n"
             "00:00.100 --> 00:00.900\nhello\n",
    "a.ass": "[Script Info]\nScriptType: v4.00+\nAudio File: http://" + HOST + ".wav\nVideo File: secret.ts\n\n[Events]\n"
             "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
             "Dialogue: 0,0:00:00.10,0:00:00.90,Default,,0,0,0,,{\\1img(http://" + HOST + ".png)}hello\n",
    "a.eaf": '<?xml version="1.0"?>\n<!DOCTYPE ANNOTATION_DOCUMENT SYSTEM "http://' + HOST + '.dtd" [<!ENTITY near SYSTEM "secret.ts">'
             '<!ENTITY % far SYSTEM "http://' + HOST + '.ent"> %far;]>\n<ANNOTATION_DOCUMENT AUTHOR="" DATE="" FORMAT="3.0" VERSION="3.0"'
             ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://' + HOST + '.xsd">'
             '<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="http://' + HOST + '.mp4" MIME_TYPE="video/mp4"/>'
             '<LINKED_FILE_DESCRIPTOR LINK_URL="http://' + HOST + '.xml" MIME_TYPE="text/xml"/></HEADER><TIME_ORDER>'
             '<TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="100"/><TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="900"/></TIME_ORDER>'
             '<TIER TIER_ID="words" LINGUISTIC_TYPE_REF="t"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="a"'
             ' TIME_SLOT_REF2="b"><ANNOTATION_VALUE>hello</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>'
             '<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="t" TIME_ALIGNABLE="true"/></ANNOTATION_DOCUMENT>\n',
    "a.json": '{"segments": [{"start": 0.1, "end": 0.9, "text": "hello", "$ref": "http://' + HOST + '.json"}]}\n',
}


def references_open_nothing(out, clip):
    folder, ok = f"{out}/references", True
    os.makedirs(folder)
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-t", "1", "-c", "copy", f"{folder}/secret.ts"], check=True)
    made = references(folder, clip)
    for name, data in made.items():
        with open(f"{folder}/{name}", "wb") as f:
            f.write(data)

    def untouched(what, traced):
        said, left = traced.end()
        touched = traced.network + traced.written + left + [c for c in traced.opened if "secret.ts" in c or "/etc/passwd" in c]
        fine = not touched and traced.process.returncode in (0, 4, 5, 14)
        if not fine:
            print(f"{what}: exit {traced.process.returncode}, {touched[:3]}: {said[-300:]}")
        return fine
    # The files bite: FFmpeg that is told to follow references follows this one.
    eager = Traced(["ffprobe", "-v", "error", "-enable_drefs", "1", "-use_absolute_path", "1", f"{folder}/alias.mov"], out)
    eager.end()
    bites = any("secret.ts" in c for c in eager.opened)
    if not bites:
        print("alias.mov: its reference is not followed where it should be")
    ok &= bites
    for name in made:
        ok &= untouched(name, Traced([AFFECT, "analyze", f"{folder}/{name}", "--no-face", "--no-words"], out))
    sound = f"{folder}/sound.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=220:d=1", sound], check=True)
    for name, text in TRANSCRIPTS.items():
        with open(f"{folder}/{name}", "w") as f:
            f.write(text)
        ok &= untouched(name, Traced([AFFECT, "analyze", sound, "--no-face", "--no-voice", "--subtitles", f"{folder}/{name}"], out))
    print(f"{len(made)} recordings and {len(TRANSCRIPTS)} transcripts with references open nothing: {ok}")
    return ok


def lists_open_nothing(out, clip):
    folder = f"{out}/lists"
    os.makedirs(folder)
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-t", "1", "-c", "copy", f"{folder}/secret.ts"], check=True)
    ok = True
    for name, text in LISTS.items():
        for path in (f"{folder}/{name}", f"{folder}/{name}.mp4"):
            with open(path, "w") as f:
                f.write(text)
            traced = Traced([AFFECT, "analyze", path, "--no-face", "--no-words"], out)
            said, _ = traced.end()
            opened = [c for c in traced.opened if "secret" in c]
            if traced.process.returncode == 0 or traced.network or opened or len(said.splitlines()) != 1:
                print(f"{os.path.basename(path)}: exit {traced.process.returncode}, {(traced.network + opened)[:3]}: {said}")
                ok = False
    # The same with words: subtitles that name pictures on a host are text.
    with open(f"{folder}/a.srt", "w") as f:
        f.write(f'1\n00:00:00,100 --> 00:00:00,900\n<img src="http://{HOST}.png">hello\n')
    ok &= clean("subtitles with an address", Traced(
        [AFFECT, "analyze", f"{folder}/secret.ts", "--no-face", "--subtitles", f"{folder}/a.srt"], out))
    print(f"{2 * len(LISTS)} lists open nothing: {ok}")
    return ok


def the_page_calls_nobody(out):
    """Chromium opens and plays the page in a network of its own that has a loopback alone: the page asks for nothing but
    its own files, not even the loopback carries a packet, and no call names a host but Chromium's own question
    whether IPv6 leads out (a UDP socket that is connected, which sends nothing)."""
    traced = Traced([sys.executable, f"{os.path.dirname(os.path.abspath(__file__))}/../report/browser.py",
                     f"{out}/page/report.html"], out)
    text, left = traced.end()
    if traced.process.returncode == 77 or not (shutil.which("chromium") or shutil.which("chromium-browser")):
        print(f"the page was NOT OPENED: no Chromium, or no network namespace: {text[-300:]}")
        return os.environ.get("AFFECT_REQUIRE_ALL", "") in ("", "0")
    told = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    calls = [c for c in traced.network if re.search(r"sin6?_port=htons\((?!0\))", c) and
             not re.match(r'connect\(\d+, {sa_family=AF_INET6, sin6_port=htons\((53|443)\), .*"2001:4860:4860::8888"', c)]
    ok = traced.process.returncode == 0 and not calls and not left and len(told) == 1 and \
        not told[0]["requests"] and set(told[0]["packets"]) == {"lo"} and told[0]["packets"]["lo"] == 0
    print(f"the page in Chromium: {'nobody is called, no packet' if ok else (text[-600:], calls[:5], left[:5])}")
    return ok


def serves_on_the_loopback(out, clip):
    """The server listens on the loopback, calls nobody, and writes nothing outside its folder: while the page is read,
    a recording is analyzed in the background and looked at."""
    folder = f"{out}/project"
    os.makedirs(folder)
    shutil.copy(clip, f"{folder}/clip.mp4")
    traced = Traced([AFFECT, "serve", "--port", "0", folder], folder)
    address = traced.process.stdout.readline().decode().strip()
    port = int(address.rsplit(":", 1)[1].strip("/"))

    def ask(method, path):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        c.request(method, path, b"" if method == "POST" else None)
        answer = c.getresponse()
        data = answer.read()
        c.close()
        return answer.status, data

    states, until = ["asked"], time.time() + 120
    asked = [ask("GET", "/")[0], ask("POST", "/api/recordings/clip/analysis")[0]]
    while states[-1] not in ("done", "failed") and time.time() < until:
        time.sleep(.5)
        states.append(json.loads(ask("GET", "/api/recordings")[1])["recordings"][0]["state"])
    asked += [ask("GET", "/api/recordings/clip/view")[0], ask("GET", "/media/clip")[0]]
    child = open(f"/proc/{traced.process.pid}/task/{traced.process.pid}/children").read().split()[0]
    os.kill(int(child), signal.SIGTERM)
    text, left = traced.end()
    # Its own socket, those that it accepts, and the questions that the C library asks the kernel about them.
    mine = re.compile(r"(bind\(\d+, {sa_family=AF_INET, sin_port=htons\(\d+\), sin_addr=inet_addr\(\"127\.0\.0\.1\"\)}|"
                      r"socket\(AF_(INET|UNIX|NETLINK), |listen\(|accept4?\(|"
                      r"(get|set)sockopt\(|getsockname\(|getpeername\(|(send|recv)(to|msg)\(\d+, .*AF_NETLINK|bind\(\d+, {sa_family=AF_NETLINK)")
    calls = [c for c in traced.network if not mine.match(c)]
    fine = not calls and not traced.written and not left and states[-1] == "done" and \
        all(200 <= status < 300 for status in asked) and traced.process.returncode == 0
    print(f"serve: {'the loopback alone, nothing outside its folder' if fine else (states[-1], asked, traced.process.returncode, calls[:6], traced.written[:6], left[:6], text[-400:])}")
    return fine


def main():
    if not shutil.which("strace"):
        skip("no strace here")
    clip = os.path.join(DATA, "media/sadtalker/WDA_AlexandriaOcasioCortez_000.mp4")
    out = tempfile.mkdtemp(prefix="affect-private-out-")
    if not os.path.exists(clip):  # then eight seconds of what "make demo" composed
        demo = os.path.join(os.path.dirname(AFFECT), "../../demo/clip.mp4")
        if not os.path.exists(demo):
            skip(f"no recording under {DATA} (set AFFECT_DATA), and no {demo}")
        clip = f"{out}/clip.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-ss", "12", "-i", demo, "-t", "8", "-c", "copy", clip], check=True)
    if subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True).returncode:
        skip("strace may not trace here (ptrace is forbidden)")
    try:
        ok = the_trace_sees(out)
        # Face, voice and words of a real clip that arrives slowly on standard input.
        movie = subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-c", "copy", "-f", "matroska", "-"],
                               stdout=subprocess.PIPE, check=True).stdout
        started = time.time()
        live = Traced([AFFECT, "analyze", "-", "--format", "all", "-o", f"{out}/live"], out, stdin=subprocess.PIPE)
        pieces = 60
        for i in range(pieces):
            live.process.stdin.write(movie[len(movie) * i // pieces:len(movie) * (i + 1) // pieces])
            live.process.stdin.flush()
            time.sleep(SECONDS / pieces)
        ok &= clean("analyze, slowly", live)
        lasted = time.time() - started
        print(f"  the run lasted {lasted:.0f} s")
        ok &= lasted >= 20
        timeline = f"{out}/live/timeline.json"
        kinds = open(timeline).read() if os.path.exists(timeline) else ""
        for wanted in ('"face', '"voice', '"words'):  # all three models ran
            if wanted not in kinds:
                print(f"  no {wanted[1:]} in the timeline")
                ok = False
        os.makedirs(f"{out}/data")
        with open(f"{out}/data/gold.csv", "w") as f:
            f.write("id,label\na,joy\nb,fear\n")
        ok &= hdf5(out)
        ok &= lists_open_nothing(out, clip)
        ok &= references_open_nothing(out, clip)
        gold = f"{out}/data/gold.csv"
        for what, command in (
                ("report --embed", ["report", timeline, "--embed", "--media", clip, "-o", f"{out}/page"]),
                ("features", ["features", clip, "-o", f"{out}/features.csv"]),
                ("explain", ["explain", timeline, "--json", "-o", f"{out}/explanation.json"]),
                ("check", ["check", timeline, f"{out}/explanation.json"]),
                ("ask", ["ask", timeline, "how does person 1 look at 2 s?"]),
                ("the prompt of a model", ["explain", timeline, "--show-prompt"]),
                ("models check", ["models", "check"]),
                ("score", ["score", "classes", "--gold", gold, "--pred", gold, "--column", "label"]),
                ("data info on HDF5", ["data", "info", f"{out}/data/x.h5"])):
            ok &= clean(what, Traced([AFFECT, *command], out))
        ok &= serves_on_the_loopback(out, clip)
        ok &= the_page_calls_nobody(out)
    finally:
        shutil.rmtree(out)
    sys.exit(0 if ok else 1)


def hdf5(out):
    script = f"import h5py, numpy; h5py.File('{out}/data/x.h5', 'w').create_dataset('x', data=numpy.ones((500, 8)), " \
             "compression='gzip')"
    if subprocess.run([sys.executable, "-c", script]).returncode:
        print("no python3-h5py here")
        return False
    return True


main()
