"""The wheel of tools/make-wheel: unpacked where nothing else is, it analyses; and its list of files is true.
usage: wheel.py BUILD"""
import base64
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.path.abspath(sys.argv[1])
if not os.path.isdir(f"{build}/models"):
    print(f"skipped: no models in {build}")
    sys.exit(77)
with tempfile.TemporaryDirectory() as work:
    subprocess.run([f"{root}/tools/make-wheel", build, work], check=True)
    wheel, = [n for n in os.listdir(work) if n.endswith(".whl")]
    with zipfile.ZipFile(f"{work}/{wheel}") as archive:
        archive.extractall(f"{work}/site")
        record = [n for n in archive.namelist() if n.endswith("/RECORD")]
        listed = dict(line.rsplit(",", 2)[:2] for line in archive.read(record[0]).decode().splitlines())
        assert sorted(listed) == sorted(archive.namelist()), set(listed) ^ set(archive.namelist())
        for name, digest in listed.items():
            if digest:
                got = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).rstrip(b"=").decode()
                assert digest == f"sha256={got}", name
    program = """
import affect, numpy, os
assert affect.__file__.startswith(os.getcwd()), affect.__file__
t = numpy.arange(32000) / 16000
with affect.Session(face=False, words=False) as session:
    session.push_audio(0, .2 * numpy.sin(2 * numpy.pi * 150 * t) * (t % .5 < .4), 16000)
    timeline = session.finish()
assert "voice/activity" in timeline.tracks, timeline.warnings
assert not any("missing" in w or "found" in w for w in timeline.warnings), timeline.warnings
"""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AFFECT_")}
    subprocess.run(["/usr/bin/python3", "-c", program], check=True, cwd=f"{work}/site", env=environment)
print(wheel)
