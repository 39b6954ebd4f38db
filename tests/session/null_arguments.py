#!/usr/bin/env python3
"""usage: null_arguments.py libaffect.so ROOT

Calls every AFFECT_API function of include/affect/*.h with NULL for each of its pointers, one at a time
and all at once, in a process of its own. None may crash or hang; one that returns an affect_status says
ARGUMENT, unless the table below tells that NULL has a meaning there. The functions come from the headers, so a
new one is tested from its first day.
"""
import ctypes
import os
import re
import shutil
import signal
import sys
import tempfile

LIBRARY, ROOT = sys.argv[1:]
OK, ARGUMENT = 0, 11

# Pointers that may be NULL, by the headers: function -> parameters; "*" = of every function.
MAY_BE_NULL = {
    "*": {"user", "per_class", "per_label", "pairs", "dropped", "undefined", "per_clip", "skipped", "sequence", "bin",
          "not_a_face", "call", "log"},
    "affect_context_set_models": {"folder"},
    "affect_options_set_subtitles": {"path"},
    "affect_options_set_model": {"model"},
    "affect_session_create": {"options"},
    "affect_options_copy": {"options"},
    "affect_analyze": {"options"},
    "affect_attributes_*": {"context"},
    "affect_reasoner_create": {"context", "lexicon"},
    "affect_labels_of_episode": {"allowed"},
    "affect_explain": {"allowed"},
    "affect_explanation_*": {"context"},
    "affect_align_*": {"context", "path", "gradient_a", "gradient_b", "options", "lag"},
    **{f"affect_{name}": {"context", "model"} for name in
       ("timeline_create", "timeline_add_track", "track_append", "timeline_add_tier", "tier_append", "timeline_add_event",
        "timeline_add_link", "timeline_set_person", "timeline_set_property")},
    "affect_analyze_input": {"options"},
    "affect_corrections_*": {"context"},
    # Metrics: "`context` carries the error's text and may be NULL".
    "affect_score_*": {"context"},
    "affect_score_localisation_from": {"scores"},
}

TIMELINE = b"""{"schema": "affect-timeline/1", "duration": 1, "properties": {}, "tracks": [{"id": "voice/x", "modality": "voice",
"person": null, "model": "", "channels": ["x"], "rows": [[0, 1, 0.5]]}], "tiers": [{"id": "words", "modality": "words",
"intervals": [{"t0": 0, "t1": 1, "label": "a", "score": null, "person": null, "attributes": null}]}], "events": [], "warnings": []}"""


def prototypes():
    found = {}
    for name in sorted(os.listdir(f"{ROOT}/include/affect")):
        with open(f"{ROOT}/include/affect/{name}", encoding="utf-8") as text:
            code = re.sub(r"/\*.*?\*/", "", text.read(), flags=re.S)
        code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", code, flags=re.M)
        for match in re.finditer(r"AFFECT_API\s+(?:AFFECT_MUST_USE\s+)?([\w\s*]+?)\b(affect_\w+)\s*\(([^;]*?)\)\s*;", code):
            kind, function, parameters = (" ".join(part.split()) for part in match.groups())
            found[function] = kind, [split(p) for p in parameters.split(",") if p.strip() != "void"]
    return found


def split(parameter):
    kind, name = re.fullmatch(r"(.*?[\s*])(\w+)(?:\[\w*\])?", parameter.strip()).groups()
    return " ".join(kind.split()), name


def is_pointer(kind):
    return "*" in kind or kind.endswith("_fn") or kind == "affect_score_metric"


def may_be_null(function, name):
    return any(name in names for pattern, names in MAY_BE_NULL.items()
               if pattern in ("*", function) or (pattern.endswith("_*") and function.startswith(pattern[:-1])))


class World:
    """Valid arguments. Made anew in each process."""

    def __init__(self):
        self.library = ctypes.CDLL(LIBRARY)
        self.folder = tempfile.mkdtemp(prefix="affect-null-")
        self.kept = []
        self.path = f"{self.folder}/t.json".encode()
        with open(self.path, "wb") as out:
            out.write(TIMELINE)
        self.context = ctypes.c_void_p()
        assert self.library.affect_context_create(ctypes.byref(self.context)) == OK
        os.environ["AFFECT_MODELS"] = self.folder

    def made(self, function, *arguments):
        out = ctypes.c_void_p()
        status = getattr(self.library, function)(*arguments, ctypes.byref(out))
        assert status == OK, (function, status)
        return out

    def timeline(self):
        return self.made("affect_timeline_read", self.context, self.path)

    def part(self, function):
        call = getattr(self.library, function)
        call.restype = ctypes.c_void_p
        return ctypes.c_void_p(call(self.timeline(), ctypes.c_size_t(0)))

    def options(self):
        options = self.made("affect_options_create", self.context)
        for kind in ("face", "voice", "words"):
            getattr(self.library, f"affect_options_set_{kind}")(options, 0)
        return options

    def reasoner(self):
        return self.made("affect_reasoner_create", self.context, f"{ROOT}/models/words.emotions".encode())

    def value(self, kind, name):
        plain = kind.replace("const ", "").strip()
        if plain == "affect_context *": return self.context
        if plain == "affect_timeline *": return self.timeline()
        if plain == "affect_track *": return self.part("affect_timeline_track")
        if plain == "affect_tier *": return self.part("affect_timeline_tier")
        if plain == "affect_options *": return self.options()
        if plain == "affect_session *": return self.made("affect_session_create", self.context, self.options())
        if plain == "affect_corrections *": return self.made("affect_corrections_create", self.context)
        if plain == "affect_reasoner *": return self.reasoner()
        if plain == "affect_explanation *":
            return self.made("affect_explain", self.reasoner(), self.timeline(), None, ctypes.c_size_t(0))
        if plain == "affect_score_wheels *": return None
        if plain == "char *": return ctypes.c_char_p(self.path if name == "path" else b"json" if name == "formats" else
                                                     self.folder.encode() if name == "folder" else b"face.mesh")
        if plain == "affect_score_metric": return ctypes.cast(self.library.affect_score_fleiss_kappa, ctypes.c_void_p)
        if plain.endswith("_fn"): return None
        if plain.endswith("*"):
            # Zeroed memory of pointers to itself would be no valid input; plain zeros are, for numbers and results.
            self.kept.append(ctypes.create_string_buffer(1 << 16))
            return self.kept[-1]
        if plain in ("double", "float"): return (ctypes.c_double if plain == "double" else ctypes.c_float)(0.5)
        if plain == "affect_time": return ctypes.c_int64(0)
        if plain in ("size_t", "uint64_t", "int64_t"): return ctypes.c_int64(1)
        if name == "sample_rate": return ctypes.c_int(16000)
        return ctypes.c_int(1)


def call(function, kind, parameters, nulls):
    """In a child: exit 0 = fine, 1 = a wrong status; a signal is a crash."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    signal.alarm(60)
    world = World()
    arguments = [None if name in nulls else world.value(k, name) for k, name in parameters]
    entry = getattr(world.library, function)
    entry.restype = None if kind == "void" else ctypes.c_double if kind in ("double", "float") else ctypes.c_void_p if "*" in kind \
        else ctypes.c_char * 128 if kind in ("affect_interval", "affect_event", "affect_link") else ctypes.c_int
    if kind in ("affect_interval", "affect_event", "affect_link"):
        entry.restype = type("Whole", (ctypes.Structure,), {"_fields_": [("bytes", ctypes.c_char * 128)]})
    result = entry(*arguments)
    wanted = [n for n in nulls if not may_be_null(function, n)]
    if kind == "affect_status" and wanted and result != ARGUMENT:
        print(f"{function}: {', '.join(nulls)} NULL: returned {result}, not ARGUMENT")
        os._exit(1)
    os._exit(0)


def main():
    functions = prototypes()
    assert len(functions) >= 100, f"only {len(functions)} prototypes found: are the headers read right?"
    library, wrong, calls = ctypes.CDLL(LIBRARY), 0, 0
    for function, (kind, parameters) in functions.items():
        if not hasattr(library, function):
            print(f"{function}: is declared and not in the library")
            wrong += 1
            continue
        pointers = [name for k, name in parameters if is_pointer(k)]
        for nulls in [[name] for name in pointers] + ([pointers] if len(pointers) > 1 else []):
            calls += 1
            sys.stdout.flush()
            status = call(function, kind, parameters, nulls)
            if status:
                how = signal.Signals(status & 127).name if status & 127 else "a wrong status"
                print(f"FAILED {function}({', '.join(nulls)} = NULL): {how}")
                wrong += 1
    print(f"{len(functions)} functions, {calls} calls, {wrong} wrong")
    return wrong != 0


tempfile.tempdir = tempfile.mkdtemp(prefix="affect-null-")  # of all children, who do not live to tidy up
try:
    wrong = main()
finally:
    shutil.rmtree(tempfile.tempdir)
sys.exit(wrong)
