"""Several raters' traces of one recording, and what they say together (affect/gold.h)."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Mapping, Sequence, Tuple

import numpy

from . import _library as _l
from ._library import Context, library, text

_methods = ("latent", "mean", "median", "ewe", "dba", "mi-lag", "ctw", "raaw")
Series = Tuple[Sequence[float], Sequence[float]]  # times in seconds, values


@dataclass(frozen=True)
class Rater:
    name: str
    lag_s: float
    lag_sd_s: float
    gain: float
    offset: float
    noise_sd: float
    lasting_s: float
    weight: float
    reliability: float
    covered: float


@dataclass(frozen=True)
class Gold:
    """The band of 95 % is values +- 1.96 sd."""
    times: numpy.ndarray
    values: numpy.ndarray
    sd: numpy.ndarray
    raters: tuple[Rater, ...]


def _traces(series: Mapping, keep: list):
    made = (_l.Trace * len(series))()
    for i, (name, (times, values)) in enumerate(series.items()):
        times, values = (numpy.ascontiguousarray(x, numpy.float64) for x in (times, values))
        if times.shape != values.shape or times.ndim != 1:
            raise _l.ShapeError(f"{name}: {times.shape} times and {values.shape} values")
        keep += [times, values]
        doubles = c.POINTER(c.c_double)
        made[i] = _l.Trace(str(name).encode(), times.size, times.ctypes.data_as(doubles), values.ctypes.data_as(doubles))
    return made


def gold(traces: Mapping[str, Series], *, method: str = "latent", features: Mapping[str, Series] | None = None,
         lags_only: bool = False, lag: float = float("nan"), max_lag: float = 6, step: float = 0) -> Gold:
    """One gold standard from {rater: (times, values)}. `features`: what was watched, the same way; tells the lags, and is
    with "latent" one stream more unless `lags_only`. `lag`: how late the raters are on average, where no feature tells."""
    if method not in _methods:
        raise _l.ArgumentError(f"method is one of {', '.join(_methods)}, not {method!r}")
    keep: list = []
    made, watched = _traces(traces, keep), _traces(features or {}, keep)
    options = _l.GoldOptions(c.sizeof(_l.GoldOptions), _methods.index(method), step, max_lag, lag, len(watched), watched,
                             int(not lags_only), 0, None)
    context, out = Context(), _l.P()
    context.call("affect_gold_make", context.handle, made, len(made), c.byref(options), c.byref(out))
    try:
        count = library.affect_gold_count(out)
        times, values, sd = (numpy.array([f(out, i) for i in range(count)])
                             for f in (library.affect_gold_time, library.affect_gold_value, library.affect_gold_sd))
        raters = []
        for i in range(library.affect_gold_rater_count(out)):
            r = library.affect_gold_rater_at(out, i).contents
            raters.append(Rater(text(r.name), *(getattr(r, name) for name, _ in _l.Rater._fields_[1:])))
        return Gold(times, values, sd, tuple(raters))
    finally:
        library.affect_gold_destroy(out)

