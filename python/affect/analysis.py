"""From recordings, or from samples and frames as they come, to timelines; and voice features."""
from __future__ import annotations

import ctypes as c
import os
from typing import Callable

import numpy

from . import _library as _l
from ._library import Context, library, text
from .timeline import Timeline

ProgressFn = Callable[[float, float], None]


class _Options:
    """affect_options while they are needed; keeps the callbacks alive."""

    def __init__(self, context: Context, *, face: bool, voice: bool, words: bool, identity: bool, rate: float, fast: bool = False,
                 subtitles: str | os.PathLike | None, model: dict[str, str] | None,
                 progress: ProgressFn | None = None):
        self.handle = _l.P()
        self._callbacks: list = []
        self.failure: BaseException | None = None
        context.call("affect_options_create", context.handle, c.byref(self.handle))
        for name, on in (("face", face), ("voice", voice), ("words", words), ("identity", identity), ("fast", fast)):
            getattr(library, f"affect_options_set_{name}")(self.handle, int(on))
        context.call("affect_options_set_rate", self.handle, rate)
        if subtitles is not None:
            context.call("affect_options_set_subtitles", self.handle, os.fsencode(subtitles))
        for task, name in (model or {}).items():
            context.call("affect_options_set_model", self.handle, task.encode(), os.fsencode(name))
        if progress:
            def call(_, done, total, __):
                try:
                    progress(done / 1e9, float("nan") if total == _l.TIME_NONE else total / 1e9)
                except BaseException as error:  # an exception cannot pass through C: it stops the analysis
                    self.failure = error
                    library.affect_context_cancel(context.handle)
            self._callbacks.append(_l.Progress(call))
            library.affect_options_on_progress(self.handle, self._callbacks[-1], None)

    def __del__(self):
        if getattr(self, "handle", None):
            library.affect_options_destroy(self.handle)


def analyze(path: str | os.PathLike, *, face: bool = True, voice: bool = True, words: bool = True, identity: bool = True,
            rate: float = 10, fast: bool = False, subtitles: str | os.PathLike | None = None, model: dict[str, str] | None = None,
            models: str | os.PathLike | None = None, threads: int = 0, progress: ProgressFn | None = None) -> Timeline:
    """Analyzes a recording (anything FFmpeg opens). `rate`: rows of the trajectory a second. `fast`: fewer pictures. `subtitles`: a transcript to
    take instead of recognition. `model`: another model for a task, {"face.emotion": folder}. `models`: where models lie.
    `progress(done, total)` in seconds; an exception from it, KeyboardInterrupt too, stops the analysis."""
    context = Context(models, threads)
    options = _Options(context, face=face, voice=voice, words=words, identity=identity, rate=rate, fast=fast, subtitles=subtitles,
                       model=model, progress=progress)
    out = _l.P()
    try:
        context.call("affect_analyze", context.handle, os.fsencode(path), options.handle, c.byref(out))
    except _l.CancelledError:
        if options.failure:
            raise options.failure
        raise
    return Timeline(context, out.value or 0)


def read(path: str | os.PathLike) -> Timeline:
    """A timeline.json that was written before."""
    context, out = Context(), _l.P()
    context.call("affect_timeline_read", context.handle, os.fsencode(path), c.byref(out))
    return Timeline(context, out.value or 0)


class Session:
    """A recording that is pushed as it comes, in order of time:

        with affect.Session() as session:
            session.push_audio(0.0, samples, 16000)
            session.push_frame(0.04, picture)
            timeline = session.finish()
    """

    def __init__(self, *, face: bool = True, voice: bool = True, words: bool = True, identity: bool = True,
                 rate: float = 10, subtitles: str | os.PathLike | None = None, model: dict[str, str] | None = None,
                 models: str | os.PathLike | None = None, threads: int = 0):
        self._context = Context(models, threads)
        self._options = _Options(self._context, face=face, voice=voice, words=words, identity=identity, rate=rate,
                                 subtitles=subtitles, model=model)
        self._handle = _l.P()
        self._context.call("affect_session_create", self._context.handle, self._options.handle, c.byref(self._handle))

    def push_audio(self, time: float, samples: numpy.ndarray, sample_rate: int) -> None:
        """Samples in -1..1, `count` or `count` x channels; whole numbers of 16 bits are scaled."""
        samples = numpy.asarray(samples)
        if samples.dtype == numpy.int16:
            samples = samples / numpy.float32(32768)
        samples = numpy.ascontiguousarray(samples, numpy.float32)
        channels = samples.shape[1] if samples.ndim == 2 else 1
        self._context.call("affect_session_push_channels", self._handle, round(time * 1e9), int(sample_rate), channels,
                           samples.ctypes.data, samples.shape[0])

    def push_frame(self, time: float, rgb: numpy.ndarray) -> None:
        """A picture of height x width x 3 bytes, RGB, upright."""
        rgb = numpy.ascontiguousarray(rgb, numpy.uint8)
        if rgb.ndim != 3 or rgb.shape[2] != 3:
            raise _l.ShapeError(f"a frame is height x width x 3, not {rgb.shape}")
        self._context.call("affect_session_push_frame", self._handle, round(time * 1e9), rgb.shape[1], rgb.shape[0],
                           rgb.strides[0], rgb.ctypes.data)

    def push_text(self, t0: float, t1: float, said: str) -> None:
        self._context.call("affect_session_push_text", self._handle, round(t0 * 1e9), round(t1 * 1e9), said.encode())

    def finish(self) -> Timeline:
        out = _l.P()
        self._context.call("affect_session_finish", self._handle, c.byref(out))
        return Timeline(self._context, out.value or 0)

    def close(self) -> None:
        if getattr(self, "_handle", None):
            library.affect_session_destroy(self._handle)
            self._handle = _l.P()

    __del__ = close

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def egemaps_names() -> list[str]:
    """The 88 names, in openSMILE's spelling and order."""
    return [text(library.affect_egemaps_name(i)) for i in range(88)]


def egemaps(samples: numpy.ndarray, sample_rate: int):
    """eGeMAPS v02 functionals of mono samples (-1..1). A pandas DataFrame of one row with openSMILE's columns, as
    opensmile-python's process_signal gives it; where pandas is missing, a dict."""
    samples = numpy.ascontiguousarray(samples, numpy.float32)
    if samples.ndim != 1:
        raise _l.ShapeError(f"samples of one channel are wanted, not of shape {samples.shape}")
    context, out = Context(), numpy.empty(88, numpy.float32)
    context.call("affect_egemaps", context.handle, samples.ctypes.data, samples.size, int(sample_rate), out.ctypes.data)
    row = dict(zip(egemaps_names(), out.tolist()))
    try:
        import pandas
    except ImportError:
        return row
    return pandas.DataFrame([row])
