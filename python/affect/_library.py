"""libaffect through ctypes: which functions there are, their types, and errors as exceptions. ctypes gives up Python's
lock while a function of the library runs."""
from __future__ import annotations

import ctypes as c
import ctypes.util
import os
from pathlib import Path

_here = Path(__file__).parent


def _load() -> c.CDLL:
    """$AFFECT_LIBRARY, the one inside the wheel, the installed one."""
    named = os.environ.get("AFFECT_LIBRARY")
    inside = _here / "libaffect.so.1"
    for path in (named, str(inside) if inside.exists() else None, "libaffect.so.1", ctypes.util.find_library("affect")):
        if not path:
            continue
        try:
            return c.CDLL(path)
        except OSError as error:
            problem = error
            if path == named:
                break
    raise ImportError(f"libaffect was not found: {problem}. Install it, or name it in AFFECT_LIBRARY.")


library = _load()


class Error(Exception):
    """What the library says went wrong; `status` is its number, as the command's exit code."""
    status = 1


def _error(name: str, number: int, *bases: type[BaseException]) -> type[Error]:
    return type(name, (Error, *bases), {"status": number, "__doc__": f"Status {number} of docs/exit-codes.md.",
                                        "__module__": "affect"})


NotFoundError = _error("NotFoundError", 3, FileNotFoundError)
FormatError = _error("FormatError", 4, ValueError)
NoStreamError = _error("NoStreamError", 5, ValueError)
OutputError = _error("OutputError", 6, OSError)
ExistsError = _error("ExistsError", 7, FileExistsError)
ModelError = _error("ModelError", 8)
RuntimeLibraryError = _error("RuntimeLibraryError", 9, RuntimeError)
OutOfMemoryError = _error("OutOfMemoryError", 10, MemoryError)
ArgumentError = _error("ArgumentError", 11, ValueError)
ShapeError = _error("ShapeError", 12, ValueError)
LimitError = _error("LimitError", 13, ValueError)
UnsupportedError = _error("UnsupportedError", 14, NotImplementedError)
CancelledError = _error("CancelledError", 130)
errors = {e.status: e for e in (NotFoundError, FormatError, NoStreamError, OutputError, ExistsError, ModelError,
                                RuntimeLibraryError, OutOfMemoryError, ArgumentError, ShapeError, LimitError,
                                UnsupportedError, CancelledError)}

P, S, D, F, I, T, Z = c.c_void_p, c.c_char_p, c.c_double, c.c_float, c.c_int, c.c_int64, c.c_size_t
TIME_NONE = -(1 << 63)


class Interval(c.Structure):
    _fields_ = [("t0", T), ("t1", T), ("label", S), ("score", F), ("person", I), ("attributes", P), ("id", S), ("parent", S)]


class Event(c.Structure):
    _fields_ = [("onset", T), ("apex", T), ("offset", T), ("kind", S), ("modality", I), ("person", I), ("strength", F),
                ("confidence", F), ("id", S), ("model", S)]


class Link(c.Structure):
    _fields_ = [("from_", S), ("to", S), ("kind", I), ("lag", T), ("lag_sd", T), ("score", F), ("person", I)]


class Person(c.Structure):
    _fields_ = [("id", I), ("name", S), ("merged_into", I), ("score", F)]


class Claim(c.Structure):
    _fields_ = [("text", S), ("kind", I), ("person", I), ("modality", I), ("direction", I), ("t0", T), ("t1", T),
                ("evidence", c.POINTER(S)), ("evidence_count", Z), ("verdict", I), ("reason", S)]


class Answer(c.Structure):
    _fields_ = [("text", S), ("kind", S), ("value", S), ("refused", I), ("confidence", D), ("evidence", c.POINTER(S)),
                ("evidence_count", Z)]


class Trace(c.Structure):
    _fields_ = [("name", S), ("rows", Z), ("times", c.POINTER(D)), ("values", c.POINTER(D))]


class GoldOptions(c.Structure):
    _fields_ = [("size", Z), ("method", I), ("step_s", D), ("max_lag_s", D), ("common_lag_s", D), ("feature_count", Z),
                ("features", c.POINTER(Trace)), ("feature_stream", I), ("comparison_count", Z), ("comparisons", P),
                ("reaction_count", Z), ("reactions", P)]


class Rater(c.Structure):
    _fields_ = [("name", S)] + [(n, D) for n in ("lag_s", "lag_sd_s", "gain", "offset", "noise_sd", "lasting_s", "weight",
                                                 "reliability", "covered")]


class NumberScores(c.Structure):
    _fields_ = [(n, D) for n in ("mae", "rmse", "pearson", "spearman", "ccc", "mean_gold", "mean_predicted", "sd_gold",
                                 "sd_predicted")] + [("items", T), ("skipped", T)]


class Confusion(c.Structure):
    _fields_ = [("classes", Z), ("counts", P), ("items", T), ("skipped", T)]


class LabelScores(c.Structure):
    _fields_ = [(n, D) for n in ("accuracy", "uar", "macro_precision", "macro_recall", "macro_f1", "weighted_precision",
                                 "weighted_recall", "weighted_f1", "micro_f1", "uf1", "cohen_kappa", "majority_accuracy",
                                 "majority_weighted_f1", "majority_uar", "majority_macro_f1")] + [
        ("majority_class", c.c_int32), ("items", T), ("skipped", T)]


Rows = c.CFUNCTYPE(None, P, P, Z, Z)
Progress = c.CFUNCTYPE(None, P, T, T, D)
Write = c.CFUNCTYPE(Z, P, c.POINTER(c.c_ubyte), Z)

# name: what it returns, what it takes. None for the first is an affect_status, which becomes an exception.
_table = {
    "affect_version": (S, ()),
    "affect_context_create": (I, (c.POINTER(P),)), "affect_context_destroy": (P, (P,)),
    "affect_context_message": (S, (P,)), "affect_context_set_threads": (P, (P, I)),
    "affect_context_set_models": (None, (P, S)), "affect_context_cancel": (P, (P,)),
    "affect_options_create": (None, (P, c.POINTER(P))), "affect_options_destroy": (P, (P,)),
    "affect_options_set_face": (P, (P, I)), "affect_options_set_voice": (P, (P, I)),
    "affect_options_set_words": (P, (P, I)), "affect_options_set_identity": (P, (P, I)), "affect_options_set_fast": (P, (P, I)),
    "affect_options_set_rate": (None, (P, D)), "affect_options_set_subtitles": (None, (P, S)),
    "affect_options_set_model": (None, (P, S, S)), "affect_options_on_progress": (P, (P, Progress, P)),
    "affect_options_on_provisional": (P, (P, Rows, P)),
    "affect_analyze": (None, (P, S, P, c.POINTER(P))),
    "affect_session_create": (None, (P, P, c.POINTER(P))), "affect_session_destroy": (P, (P,)),
    "affect_session_push_channels": (None, (P, T, I, I, P, Z)), "affect_session_push_frame": (None, (P, T, I, I, Z, P)),
    "affect_session_push_text": (None, (P, T, T, S)), "affect_session_finish": (None, (P, c.POINTER(P))),
    "affect_timeline_destroy": (P, (P,)), "affect_timeline_duration": (T, (P,)),
    "affect_timeline_read": (None, (P, S, c.POINTER(P))), "affect_timeline_write": (None, (P, P, S, S, I)),
    "affect_timeline_write_to": (None, (P, P, S, Write, P)),
    "affect_timeline_track_count": (Z, (P,)), "affect_timeline_track": (P, (P, Z)),
    "affect_track_id": (S, (P,)), "affect_track_modality": (I, (P,)), "affect_track_person": (I, (P,)),
    "affect_track_model": (S, (P,)), "affect_track_rows": (Z, (P,)), "affect_track_channels": (Z, (P,)),
    "affect_track_channel_name": (S, (P, Z)), "affect_track_time": (T, (P, Z)), "affect_track_confidence": (F, (P, Z)),
    "affect_track_row": (P, (P, Z)),
    "affect_timeline_tier_count": (Z, (P,)), "affect_timeline_tier": (P, (P, Z)), "affect_tier_id": (S, (P,)),
    "affect_tier_modality": (I, (P,)), "affect_tier_count": (Z, (P,)), "affect_tier_interval": (c.POINTER(Interval), (P, Z)),
    "affect_timeline_event_count": (Z, (P,)), "affect_timeline_event": (c.POINTER(Event), (P, Z)),
    "affect_timeline_link_count": (Z, (P,)), "affect_timeline_link": (c.POINTER(Link), (P, Z)),
    "affect_link_kind_name": (S, (I,)), "affect_modality_name": (S, (I,)),
    "affect_timeline_person_count": (Z, (P,)), "affect_timeline_person": (c.POINTER(Person), (P, Z)),
    "affect_timeline_resolve_person": (I, (P, I)),
    "affect_timeline_property_count": (Z, (P,)), "affect_timeline_property_key": (S, (P, Z)),
    "affect_timeline_property": (S, (P, S)),
    "affect_timeline_warning_count": (Z, (P,)), "affect_timeline_warning": (c.POINTER(Interval), (P, Z)),
    "affect_attributes_count": (Z, (P,)), "affect_attributes_key": (S, (P, Z)), "affect_attributes_value": (P, (P, Z)),
    "affect_value_kind_of": (I, (P,)), "affect_value_text": (S, (P,)), "affect_value_number": (D, (P,)),
    "affect_value_boolean": (I, (P,)), "affect_value_count": (Z, (P,)), "affect_value_item": (P, (P, Z)),
    "affect_egemaps_name": (S, (Z,)), "affect_egemaps": (None, (P, P, Z, I, P)),
    "affect_score_ccc": (D, (P, P, Z, I)),
    "affect_score_regression_from": (None, (P, P, P, Z, I, c.POINTER(NumberScores))),
    "affect_score_confusion_init": (None, (P, Z, c.POINTER(Confusion))),
    "affect_score_confusion_add": (None, (P, c.POINTER(Confusion), P, P, Z)),
    "affect_score_confusion_clear": (P, (c.POINTER(Confusion),)),
    "affect_score_classes_from": (P, (c.POINTER(Confusion), I, c.POINTER(LabelScores), P)),
    "affect_gold_make": (None, (P, c.POINTER(Trace), Z, c.POINTER(GoldOptions), c.POINTER(P))),
    "affect_gold_destroy": (P, (P,)), "affect_gold_count": (Z, (P,)), "affect_gold_time": (D, (P, Z)),
    "affect_gold_value": (D, (P, Z)), "affect_gold_sd": (D, (P, Z)), "affect_gold_rater_count": (Z, (P,)),
    "affect_gold_rater_at": (c.POINTER(Rater), (P, Z)),
    "affect_reasoner_create": (None, (P, S, c.POINTER(P))), "affect_reasoner_destroy": (P, (P,)),
    "affect_explain": (None, (P, P, P, Z, c.POINTER(P))), "affect_explanation_check": (None, (P, P, P)),
    "affect_explanation_text": (None, (P, P, c.POINTER(S))), "affect_explanation_json": (None, (P, P, c.POINTER(S))),
    "affect_explanation_count": (Z, (P,)), "affect_explanation_claim": (c.POINTER(Claim), (P, Z)),
    "affect_explanation_destroy": (P, (P,)), "affect_claim_kind_name": (S, (I,)), "affect_direction_name": (S, (I,)),
    "affect_verdict_name": (S, (I,)),
    "affect_ask": (None, (P, P, S, c.POINTER(c.POINTER(Answer)))), "affect_answer_destroy": (P, (c.POINTER(Answer),)),
}
for _name, (_result, _arguments) in _table.items():
    _function = getattr(library, _name)
    _function.restype = I if _result is None else _result
    _function.argtypes = _arguments
_fails = {name for name, (result, _) in _table.items() if result is None}


def text(value: bytes | None) -> str:
    return value.decode("utf-8", "replace") if value else ""


class Context:
    """Where error texts, models and threads belong to. One is made for each object that needs one."""

    def __init__(self, models: str | os.PathLike | None = None, threads: int = 0):
        self.handle = P()
        if library.affect_context_create(c.byref(self.handle)):
            raise OutOfMemoryError("out of memory")
        library.affect_context_set_threads(self.handle, threads)
        inside = _here / "models"
        if models is None and "AFFECT_MODELS" not in os.environ and inside.is_dir():
            models = inside
        if models is not None:
            self.call("affect_context_set_models", self.handle, os.fsencode(models))

    def call(self, name: str, *arguments):
        """A function that returns a status: OK, or the exception for it with the library's own words."""
        assert name in _fails, name
        status = getattr(library, name)(*arguments)
        if status:
            message = text(library.affect_context_message(self.handle)) or f"{name} failed"
            raise errors.get(status, Error)(message)

    def __del__(self):
        if getattr(self, "handle", None):
            library.affect_context_destroy(self.handle)
