"""The Python package: the code of docs/python.md, one block after the other, and what a caller does wrong.
usage: package.py LIBRARY MODELS; run with Debian's python3."""
import os
import re
import sys
import tempfile
import threading
import time

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ["AFFECT_LIBRARY"], os.environ["AFFECT_MODELS"] = (os.path.abspath(p) for p in sys.argv[1:3])
sys.path.insert(0, f"{root}/python")
import affect  # noqa: E402
import numpy  # noqa: E402


def clip(folder):
    """A real recording where there is one, else a made one: a moving picture of nobody and a gliding hum."""
    grid = os.environ.get("AFFECT_DATA", f"{root}/../shared/data") + "/media/grid"
    if os.path.isdir(grid):
        return f"{grid}/{sorted(n for n in os.listdir(grid) if n.endswith('.mpg'))[0]}"
    import wave
    t = numpy.arange(48000) / 16000
    with wave.open(f"{folder}/hum.wav", "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes((8000 * numpy.sin(2 * numpy.pi * (120 * t + 30 * t * t)) * (t % .5 < .4)).astype("<i2").tobytes())
    return f"{folder}/hum.wav"


def raises(kind, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind as error:
        assert isinstance(error, affect.Error) and str(error), repr(error)
        return error
    raise AssertionError(f"{call} raised nothing")


with open(f"{root}/docs/python.md", encoding="utf-8") as f:
    blocks = re.findall(r"```python\n(.*?)```", f.read(), re.S)
assert len(blocks) >= 6
with tempfile.TemporaryDirectory() as work:
    t = numpy.arange(48000) / 16000
    names = {"recording": clip(work), "folder": f"{work}/out",
             "samples": (0.2 * numpy.sin(2 * numpy.pi * (140 + 20 * numpy.sin(t)) * t)).astype(numpy.float32)}
    for block in blocks:
        if names["recording"].endswith(".wav") and "trajectory/1" in block:  # nobody is seen, little is said
            names["talk"].write(names["folder"], "json")
            continue
        exec(compile(block, "docs/python.md", "exec"), names)
    talk = names["talk"]

    # The same as the command's own JSON says.
    data = talk.to_dict()
    assert data["schema"].startswith("affect-timeline/") and len(data["tracks"]) == len(talk.tracks)
    assert len(data["events"]) == len(talk.events)
    for track in talk.tracks.values():
        assert track.values.shape == (len(track.times), len(track.channels))
        assert (numpy.diff(track.times) >= 0).all() and track.confidence.min(initial=1) >= 0
    assert "<svg" in talk._repr_html_() and "<script" not in talk._repr_html_()

    # Scores against numpy.
    draw = numpy.random.default_rng(1)
    a, b = draw.normal(size=200), draw.normal(size=200)
    numbers = affect.score(a, b)
    assert abs(numbers.pearson - numpy.corrcoef(a, b)[0, 1]) < 1e-9 and abs(numbers.mae - abs(a - b).mean()) < 1e-9
    assert abs(numbers.ccc - affect.ccc(a, b)) < 1e-12 and numbers.items == 200
    x, y = draw.integers(0, 4, 300), draw.integers(0, 4, 300)
    labels = affect.score_labels(x, y)
    assert abs(labels.accuracy - (x == y).mean()) < 1e-12
    assert abs(labels.uar - numpy.mean([(y[x == k] == k).mean() for k in range(4)])) < 1e-12
    assert affect.score_labels(x.astype(str), y.astype(str)) == labels
    raises(ValueError, affect.score, ["joy"], ["anger"])
    raises(ValueError, affect.score, [1, 2], [1])

    # Wrong use.
    raises(FileNotFoundError, affect.read, f"{work}/no.json")
    with open(f"{work}/bad.json", "w") as out:
        out.write("{")
    assert raises(ValueError, affect.read, f"{work}/bad.json").status == 4
    raises(FileExistsError, talk.write, names["folder"], "json")
    raises(ValueError, affect.analyze, names["recording"], rate=0)
    raises(ValueError, affect.gold, {})
    raises(ValueError, affect.gold, {"a": ([0, 1], [0, 1])}, method="magic")
    raises(ValueError, affect.gold, {"a": ([0, 1], [0, 1, 2])})
    raises(ValueError, affect.egemaps, numpy.zeros(10, numpy.float32), 16000)
    raises(ValueError, affect.egemaps, numpy.full(16000, numpy.nan, numpy.float32), 16000)
    session = affect.Session(face=False, words=False)
    raises(ValueError, session.push_frame, 0, numpy.zeros((10, 10), numpy.uint8))
    session.push_audio(1.0, names["samples"][:16000], 16000)
    raises(ValueError, session.push_audio, 0.0, names["samples"][:16000], 16000)
    session.close()

    # An exception of the caller's stops the analysis and comes out as it is.
    class Enough(Exception):
        pass

    def stop(done, total):
        raise Enough
    try:
        affect.analyze(names["recording"], words=False, progress=stop)
        assert names["recording"].endswith(".wav"), "nothing was raised"  # too short for progress
    except Enough:
        pass

    # Other threads go on while the library works.
    counted = [0]
    done = threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)
    thread = threading.Thread(target=count)
    thread.start()
    affect.analyze(names["recording"], words=False)
    done.set()
    thread.join()
    assert counted[0] > (1 if names["recording"].endswith(".wav") else 20), counted
print(f"{len(blocks)} blocks of docs/python.md")
