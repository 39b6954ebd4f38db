"""usage: check.py exports|example ROOT LIBRARY|COMPILER...

exports: every function that the frozen headers declare is still in the library, and no member of a
published struct has moved. example: the example of affect.h compiles without a warning."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

what, root, *rest = sys.argv[1:]
root = Path(root)


def frozen(name="*"):
    return "".join(p.read_text() for p in sorted((root / "tests/abi/frozen/affect").glob(f"{name}.h")))


def exports(library, compiler):
    symbols = {line.split()[-1] for line in subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                                                           capture_output=True, text=True).stdout.splitlines()}
    text = re.sub(r"/\*.*?\*/", "", frozen(), flags=re.S)
    declared = set(re.findall(r"AFFECT_API[^;(]*?\b(affect_\w+)\(", text.replace("AFFECT_PRINTF", "")))
    assert len(declared) > 100, len(declared)
    assert not declared - symbols, f"gone: {sorted(declared - symbols)}"
    # Members of structs and values of enums: the same in both sets of headers.
    facts = []
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", text, flags=re.S):
        body = re.sub(r"\([^()]*\)", "()", body)
        members = []
        for declaration in body.split(";"):
            function = re.search(r"\(\)\(\)", declaration)
            if function:
                continue  # members that are functions: seen by the program
            members += re.findall(r"[\s*](\w+)(?=\s*(?:,|$))", declaration.strip())
        facts += [(f"offsetof({name}, {m})", f"{name}.{m}") for m in members]
    enums = re.sub(r"#define (\w+)_TABLE.*?(?<!\\)\n", "", text, flags=re.S)
    for body in re.findall(r"typedef enum \w+ \{(.*?)\}", enums, flags=re.S):
        facts += [(f"(size_t)({m})", m) for m in re.findall(r"\b(AFFECT_[A-Z0-9_]+)\b(?!\()", body)
                  if not m.endswith(("_ENUM", "_TABLE", "_"))]
    assert len(facts) > 60, len(facts)
    printed = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "facts.c"
        source.write_text("#include <affect/affect.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n" +
                          "".join(f'printf("%s %zu\\n", "{label}", {expression});\n' for expression, label in facts) +
                          "return 0;}\n")
        for headers in (root / "tests/abi/frozen", root / "include"):
            subprocess.run([*compiler, f"-I{headers}", source, "-o", source.with_suffix("")], check=True)
            printed.append(subprocess.run([source.with_suffix("")], check=True, capture_output=True,
                                          text=True).stdout.splitlines())
    moved = [f"{a} became {b}" for a, b in zip(*printed) if a != b]
    assert not moved, moved
    print(f"{len(declared)} functions, {len(facts)} members and values are where they were")


def example(*compiler):
    comment = (root / "include/affect/affect.h").read_text().split("*/")[0]
    lines = [line[7:] for line in comment.splitlines() if line.startswith(" *     ")]
    assert len(lines) > 5, comment
    source = "#include <affect/affect.h>\n#include <stdio.h>\nint main(void) {\n" + "\n".join(lines) + "\nreturn 0;\n}\n"
    done = subprocess.run([*compiler, "-std=c17", "-Wall", "-Wextra", "-Werror", f"-I{root}/include", "-fsyntax-only", "-x",
                           "c", "-"], input=source, text=True)
    assert done.returncode == 0, source


{"exports": lambda: exports(rest[0], rest[1:]), "example": lambda: example(*rest)}[what]()
