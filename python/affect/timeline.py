"""What a recording's analysis holds. Everything is read from the library once, when it is first asked for."""
from __future__ import annotations

import ctypes as c
import functools
import html
import json
import os
from dataclasses import dataclass, field
from typing import Any, Sequence

import numpy

from . import _library as _l
from ._library import Context, library, text


@dataclass(frozen=True)
class Track:
    """Sampled values: `values` is rows x channels (NaN = unknown), a time (seconds) and a confidence (0..1) for each row."""
    id: str
    modality: str
    person: int | None
    model: str
    channels: tuple[str, ...]
    times: numpy.ndarray = field(repr=False)
    confidence: numpy.ndarray = field(repr=False)
    values: numpy.ndarray = field(repr=False)

    def __getitem__(self, channel: str) -> numpy.ndarray:
        return self.values[:, self.channels.index(channel)]

    def to_pandas(self):
        """A DataFrame with the time as index, a column a channel, and the confidence."""
        import pandas
        frame = pandas.DataFrame(self.values, columns=list(self.channels), index=pandas.Index(self.times, name="time"))
        frame["confidence"] = self.confidence
        return frame


@dataclass(frozen=True)
class Interval:
    t0: float
    t1: float
    label: str
    score: float
    person: int | None
    id: str
    parent: str | None
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Event:
    onset: float
    apex: float
    offset: float
    kind: str
    modality: str
    person: int | None
    strength: float
    confidence: float
    id: str
    model: str


@dataclass(frozen=True)
class Link:
    source: str
    target: str
    kind: str
    lag: float
    lag_sd: float
    score: float
    person: int | None


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    merged_into: int | None
    score: float


@dataclass(frozen=True)
class Claim:
    """One sentence of an explanation, with what it rests on (ids of the timeline) and the verdict on it."""
    text: str
    kind: str
    person: int | None
    modality: str
    direction: str
    t0: float
    t1: float
    evidence: tuple[str, ...]
    verdict: str
    reason: str


@dataclass(frozen=True)
class Explanation:
    text: str
    claims: tuple[Claim, ...]
    json: str = field(repr=False)


@dataclass(frozen=True)
class Answer:
    text: str
    kind: str
    value: str
    refused: bool
    confidence: float
    evidence: tuple[str, ...]


def _seconds(time: int) -> float:
    return float("nan") if time == _l.TIME_NONE else time / 1e9


def _person(number: int) -> int | None:
    return number or None


def _value(value: int) -> Any:
    kind = library.affect_value_kind_of(value)
    if kind == 1:
        return text(library.affect_value_text(value))
    if kind == 2:
        return library.affect_value_number(value)
    if kind == 3:
        return bool(library.affect_value_boolean(value))
    if kind == 4:
        return [_value(library.affect_value_item(value, i)) for i in range(library.affect_value_count(value))]
    return None


def _interval(at) -> Interval:
    i = at.contents
    attributes = {text(library.affect_attributes_key(i.attributes, k)):
                  _value(library.affect_attributes_value(i.attributes, k))
                  for k in range(library.affect_attributes_count(i.attributes))}
    return Interval(_seconds(i.t0), _seconds(i.t1), text(i.label), i.score, _person(i.person), text(i.id),
                    text(i.parent) or None, attributes)


def _track(track: int) -> Track:
    rows, channels = library.affect_track_rows(track), library.affect_track_channels(track)
    times, confidence = numpy.empty(rows), numpy.empty(rows, numpy.float32)
    values = numpy.empty((rows, channels), numpy.float32)
    for r in range(rows):
        times[r] = library.affect_track_time(track, r) / 1e9
        confidence[r] = library.affect_track_confidence(track, r)
        c.memmove(values[r].ctypes.data, library.affect_track_row(track, r), 4 * channels)
    return Track(text(library.affect_track_id(track)),
                 text(library.affect_modality_name(library.affect_track_modality(track))),
                 _person(library.affect_track_person(track)), text(library.affect_track_model(track)),
                 tuple(text(library.affect_track_channel_name(track, i)) for i in range(channels)), times, confidence, values)


class Timeline:
    """The result of `analyze`, `read` or `Session.finish`."""

    def __init__(self, context: Context, handle: int):
        self._context, self._handle = context, handle

    def __del__(self):
        if getattr(self, "_handle", None):
            library.affect_timeline_destroy(self._handle)

    @property
    def duration(self) -> float:
        """Seconds."""
        return _seconds(library.affect_timeline_duration(self._handle))

    @functools.cached_property
    def tracks(self) -> dict[str, Track]:
        tracks = [_track(library.affect_timeline_track(self._handle, i))
                  for i in range(library.affect_timeline_track_count(self._handle))]
        return {t.id: t for t in tracks}

    @functools.cached_property
    def tiers(self) -> dict[str, list[Interval]]:
        result = {}
        for i in range(library.affect_timeline_tier_count(self._handle)):
            tier = library.affect_timeline_tier(self._handle, i)
            result[text(library.affect_tier_id(tier))] = [_interval(library.affect_tier_interval(tier, k))
                                                          for k in range(library.affect_tier_count(tier))]
        return result

    @property
    def episodes(self) -> list[Interval]:
        """What was expressed, when and by whom: label, score; attributes valence, arousal, dominance and more."""
        return self.tiers.get("episodes", [])

    @functools.cached_property
    def events(self) -> list[Event]:
        result = []
        for i in range(library.affect_timeline_event_count(self._handle)):
            e = library.affect_timeline_event(self._handle, i).contents
            result.append(Event(_seconds(e.onset), _seconds(e.apex), _seconds(e.offset), text(e.kind),
                                text(library.affect_modality_name(e.modality)), _person(e.person), e.strength,
                                e.confidence, text(e.id), text(e.model)))
        return result

    @functools.cached_property
    def links(self) -> list[Link]:
        result = []
        for i in range(library.affect_timeline_link_count(self._handle)):
            e = library.affect_timeline_link(self._handle, i).contents
            result.append(Link(text(e.from_), text(e.to), text(library.affect_link_kind_name(e.kind)), _seconds(e.lag),
                               _seconds(e.lag_sd), e.score, _person(e.person)))
        return result

    @functools.cached_property
    def persons(self) -> list[Person]:
        result = []
        for i in range(library.affect_timeline_person_count(self._handle)):
            p = library.affect_timeline_person(self._handle, i).contents
            result.append(Person(p.id, text(p.name), _person(p.merged_into), p.score))
        return result

    def resolve(self, person: int) -> int:
        """The number of the person that `person` is after all merges."""
        return library.affect_timeline_resolve_person(self._handle, person)

    @functools.cached_property
    def properties(self) -> dict[str, str]:
        keys = [library.affect_timeline_property_key(self._handle, i)
                for i in range(library.affect_timeline_property_count(self._handle))]
        return {text(k): text(library.affect_timeline_property(self._handle, k)) for k in keys}

    @functools.cached_property
    def warnings(self) -> list[str]:
        return [text(library.affect_timeline_warning(self._handle, i).contents.label)
                for i in range(library.affect_timeline_warning_count(self._handle))]

    def to_pandas(self, what: str = "episodes"):
        """A DataFrame of a tier (its name), of "events" or of "links"; attributes are columns of their own."""
        import pandas
        rows: Sequence[Any] = self.tiers[what] if what not in ("events", "links") else getattr(self, what)
        flat = []
        for row in rows:
            one = dict(vars(row))
            one.update(one.pop("attributes", {}))
            flat.append(one)
        return pandas.DataFrame(flat)

    def write(self, folder: str | os.PathLike, formats: str = "json,html", overwrite: bool = False) -> None:
        """Files into a folder: json, csv, eaf, textgrid, vtt, svg, html, or "all"."""
        self._context.call("affect_timeline_write", self._context.handle, self._handle, os.fsencode(folder),
                           formats.encode(), int(overwrite))

    def render(self, format: str) -> str:
        """One format as text: json, eaf, textgrid, vtt, svg or html."""
        pieces: list[bytes] = []

        def take(_, data, size):
            pieces.append(c.string_at(data, size))
            return size
        self._context.call("affect_timeline_write_to", self._context.handle, self._handle, format.encode(), _l.Write(take),
                           None)
        return b"".join(pieces).decode()

    def to_dict(self) -> dict:
        return json.loads(self.render("json"))

    def _reasoner(self) -> c.c_void_p:
        reasoner = _l.P()
        self._context.call("affect_reasoner_create", self._context.handle, None, c.byref(reasoner))
        return reasoner

    def explain(self) -> Explanation:
        """What was expressed and why, as checked claims that cite evidence of the timeline."""
        reasoner, explanation, out = self._reasoner(), _l.P(), _l.S()
        try:
            call, handle = self._context.call, self._context.handle
            call("affect_explain", reasoner, self._handle, None, 0, c.byref(explanation))
            call("affect_explanation_check", reasoner, self._handle, explanation)
            call("affect_explanation_text", handle, explanation, c.byref(out))
            words = text(out.value)
            call("affect_explanation_json", handle, explanation, c.byref(out))
            data = text(out.value)
            claims = []
            for i in range(library.affect_explanation_count(explanation)):
                q = library.affect_explanation_claim(explanation, i).contents
                claims.append(Claim(text(q.text), text(library.affect_claim_kind_name(q.kind)), _person(q.person),
                                    text(library.affect_modality_name(q.modality)),
                                    text(library.affect_direction_name(q.direction)), _seconds(q.t0), _seconds(q.t1),
                                    tuple(text(q.evidence[k]) for k in range(q.evidence_count)),
                                    text(library.affect_verdict_name(q.verdict)), text(q.reason)))
            return Explanation(words, tuple(claims), data)
        finally:
            library.affect_explanation_destroy(explanation)
            library.affect_reasoner_destroy(reasoner)

    def ask(self, question: str) -> Answer:
        """An answer from the timeline alone ("why does her mood change at 1:20?"), or a refusal."""
        reasoner, answer = self._reasoner(), c.POINTER(_l.Answer)()
        try:
            self._context.call("affect_ask", reasoner, self._handle, question.encode(), c.byref(answer))
            a = answer.contents
            return Answer(text(a.text), text(a.kind), text(a.value), bool(a.refused), a.confidence,
                          tuple(text(a.evidence[i]) for i in range(a.evidence_count)))
        finally:
            library.affect_answer_destroy(answer)
            library.affect_reasoner_destroy(reasoner)

    def __repr__(self) -> str:
        return (f"<affect.Timeline {self.duration:.1f} s: {len(self.episodes)} episodes, {len(self.events)} events, "
                f"{len(self.tracks)} tracks>")

    def _repr_html_(self) -> str:
        """For notebooks: the plot and the episodes."""
        rows = "".join(f"<tr><td>{e.t0:.1f}–{e.t1:.1f} s<td>{e.person or ''}<td>{html.escape(e.label)}<td>{e.score:.0%}"
                       for e in self.episodes)
        svg = self.render("svg")
        return (f'<div style="max-width:60em">{svg[svg.index("<svg"):]}</div>'
                f"<table><tr><th>time<th>person<th>expressed<th>score{rows}</table>")
