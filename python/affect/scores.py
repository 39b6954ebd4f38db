"""The field's scores of one sequence against another (affect/score.h)."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Sequence

import numpy

from . import _library as _l
from ._library import Context, library


@dataclass(frozen=True)
class NumberScores:
    """Of numbers; the CCC with population variances."""
    mae: float
    rmse: float
    pearson: float
    spearman: float
    ccc: float
    mean_gold: float
    mean_predicted: float
    sd_gold: float
    sd_predicted: float
    items: int
    skipped: int  # where one of the two is no finite number


@dataclass(frozen=True)
class LabelScores:
    """Of labels, as scikit-learn gives them with zero_division=0; macro means over labels that occur in either."""
    accuracy: float
    uar: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    micro_f1: float
    uf1: float
    cohen_kappa: float
    majority_accuracy: float  # of always saying the most frequent gold label, and so on
    majority_weighted_f1: float
    majority_uar: float
    majority_macro_f1: float


def _pair(gold: Sequence, predicted: Sequence) -> tuple[numpy.ndarray, numpy.ndarray]:
    a, b = numpy.asarray(gold), numpy.asarray(predicted)
    if a.shape != b.shape or a.ndim != 1:
        raise _l.ShapeError(f"{a.shape} and {b.shape} do not fit together")
    return a, b


def score(gold: Sequence[float], predicted: Sequence[float]) -> NumberScores:
    """How well numbers fit those of gold (valence against valence). Not for labels: `score_labels`."""
    a, b = _pair(gold, predicted)
    try:
        a, b = (numpy.ascontiguousarray(x, numpy.float64) for x in (a, b))
    except ValueError:
        raise _l.ArgumentError("numbers are wanted; score_labels takes labels") from None
    context, out = Context(), _l.NumberScores()
    context.call("affect_score_regression_from", context.handle, a.ctypes.data, b.ctypes.data, a.size, 0, c.byref(out))
    return NumberScores(*(getattr(out, name) for name, _ in _l.NumberScores._fields_))


def score_labels(gold: Sequence, predicted: Sequence) -> LabelScores:
    """How well labels (texts or whole numbers) fit those of gold."""
    a, b = _pair(gold, predicted)
    _, both = numpy.unique(numpy.concatenate([a, b]), return_inverse=True)
    numbers = numpy.ascontiguousarray(both, numpy.int32)
    context, confusion, out = Context(), _l.Confusion(), _l.LabelScores()
    context.call("affect_score_confusion_init", context.handle, int(numbers.max(initial=0)) + 1, c.byref(confusion))
    try:
        context.call("affect_score_confusion_add", context.handle, c.byref(confusion), numbers.ctypes.data,
                     numbers.ctypes.data + numbers.itemsize * a.size, a.size)
        library.affect_score_classes_from(c.byref(confusion), 0, c.byref(out), None)
    finally:
        library.affect_score_confusion_clear(c.byref(confusion))
    return LabelScores(*(getattr(out, name) for name, _ in _l.LabelScores._fields_[:15]))


def ccc(gold: Sequence[float], predicted: Sequence[float]) -> float:
    """Concordance correlation coefficient (Lin 1989)."""
    a, b = (numpy.ascontiguousarray(x, numpy.float64) for x in _pair(gold, predicted))
    return library.affect_score_ccc(a.ctypes.data, b.ctypes.data, a.size, 0)
