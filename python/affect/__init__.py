"""Affect: what people express in a recording, as others would perceive it, with its times and how sure it is.

    import affect
    talk = affect.analyze("talk.mp4")
    for episode in talk.episodes:
        print(episode.t0, episode.label, episode.score, episode.attributes["valence"])
    talk.write("talk/", "html")

A thin layer over the C library libaffect: numbers are numpy arrays, times are seconds, errors are exceptions with the
library's own words. pandas is used where `to_pandas` is called and nowhere else."""
from ._library import (ArgumentError, CancelledError, Error, ExistsError, FormatError, LimitError, ModelError,
                       NoStreamError, NotFoundError, OutOfMemoryError, OutputError, RuntimeLibraryError, ShapeError,
                       UnsupportedError, library as _shared)
from .analysis import Session, analyze, egemaps, egemaps_names, read
from .annotation import Gold, Rater, gold
from .scores import LabelScores, NumberScores, ccc, score, score_labels
from .timeline import Answer, Claim, Event, Explanation, Interval, Link, Person, Timeline, Track

__version__ = _shared.affect_version().decode()
__all__ = ["analyze", "read", "Session", "Timeline", "Track", "Interval", "Event", "Link", "Person", "Explanation", "Claim",
           "Answer", "egemaps", "egemaps_names", "gold", "Gold", "Rater", "ccc", "score", "score_labels", "NumberScores",
           "LabelScores", "Error", "ArgumentError", "CancelledError",
           "ExistsError", "FormatError", "LimitError", "ModelError", "NoStreamError", "NotFoundError", "OutOfMemoryError",
           "OutputError", "RuntimeLibraryError", "ShapeError", "UnsupportedError"]
