#!/bin/sh
# usage: run.sh MESON BUILD SOURCE: installs into a folder of its own, compiles examples/minimal.c against
# what is installed with pkg-config, runs it on a short recording, and checks the other installed parts.
set -eu
meson=$1 build=$2 source=$3
for tool in pkg-config ffmpeg; do
    command -v $tool > /dev/null || { echo "skipped: no $tool"; exit 77; }
done
# Not below the build folder, whose path may hold spaces: pkg-config hands the words of its flags to cc.
root=$(mktemp -d "${TMPDIR:-/tmp}/affect-install-XXXXXX")
trap 'rm -rf "$root"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

DESTDIR=$root "$meson" install -C "$build" --no-rebuild > "$root/log" 2>&1 || { cat "$root/log"; fail "meson install"; }
pc=$(find "$root" -name affect.pc)
[ -n "$pc" ] || fail "no affect.pc"
prefix=$(sed -n 's/^prefix=//p' "$pc")
libraries=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="$libraries/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} -std=c17 -Wall -Wextra -Wpedantic -Werror "$source/examples/minimal.c" \
    $(pkg-config --cflags --libs affect) -o "$root/minimal" || fail "minimal.c does not compile"
export LD_LIBRARY_PATH="$libraries"
# A tone and a moving colour: nobody to see or hear, which the program says instead of inventing someone.
ffmpeg -v error -f lavfi -i testsrc=d=1.5:s=160x120 -f lavfi -i sine=d=1.5 "$root/clip.mkv"
"$root/minimal" "$root/clip.mkv" > "$root/out" 2> "$root/err" || { cat "$root/err"; fail "minimal failed"; }
"$root/minimal" "$root/none.mkv" 2> "$root/err" && fail "a missing file is no error"
# The metrics, from C: CCC of three pairs and the accuracy and UAR of five labels.
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} -std=c17 -Wall -Wextra -Wpedantic -Werror "$source/examples/score.c" \
    $(pkg-config --cflags --libs affect) -o "$root/score" || fail "score.c does not compile"
[ "$("$root/score")" = 'CCC 0.888889, accuracy 0.800000, UAR 0.750000' ] || fail "score says $("$root/score")"
grep -q 'none.mkv' "$root/err" || fail "the error does not name the file: $(cat "$root/err")"

"$root$prefix/bin/affect" --version | grep -q '^affect ' || fail "the command does not run"
for part in include/affect/affect.h include/affect/session.h include/affect/score.h share/man/man1/affect.1 \
    share/bash-completion/completions/affect; do
    [ -s "$root$prefix/$part" ] || fail "$part is missing"
done
bash -n "$root$prefix/share/bash-completion/completions/affect" || fail "the completion is no bash"
if [ -d "$build/models" ]; then
    "$root$prefix/bin/affect" models list --models "$root$prefix/share/affect/models" | grep -q face.mesh ||
        fail "the installed models are not found"
fi
# HDF5 is read by a program beside the run-time libraries, which the command finds from where it lies.
[ -x "$libraries/affect/affect-hdf5" ] || fail "affect-hdf5 is missing"
[ -x "$libraries/affect/affect-llama" ] || fail "affect-llama is missing"
if /usr/bin/python3 -c "import h5py, sys; h5py.File(sys.argv[1], 'w')['x'] = [[1.0, 2], [3, 4]]" "$root/x.h5" 2> /dev/null; then
    "$root$prefix/bin/affect" data info "$root/x.h5" > "$root/out" 2>&1 || fail "HDF5: $(cat "$root/out")"
    mv "$libraries/affect/affect-hdf5" "$root/"
    "$root$prefix/bin/affect" data info "$root/x.h5" > "$root/out" 2>&1 && fail "HDF5 without affect-hdf5 is no error"
    grep -q 'AFFECT_HDF5' "$root/out" || fail "the error does not say what is missing: $(cat "$root/out")"
    AFFECT_HDF5=$root/affect-hdf5 "$root$prefix/bin/affect" data info "$root/x.h5" > "$root/out" 2>&1 ||
        fail "AFFECT_HDF5: $(cat "$root/out")"
    mv "$root/affect-hdf5" "$libraries/affect/"
fi
# Nothing but affect_ is exported.
strange=$(nm -D --defined-only "$libraries/libaffect.so" | grep -v ' affect_' || true)
[ -z "$strange" ] || fail "exported: $strange"
# The man page: every verb has its section, and roff has nothing to complain about.
for verb in $("$root$prefix/bin/affect" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'); do
    section=".SS affect $(printf '%s' "$verb" | sed 's/-/\\-/g') " # roff's hyphen
    grep -qF "$section" "$root$prefix/share/man/man1/affect.1" || fail "the man page lacks $verb"
done
# Every exit code stands in the man page and in docs/exit-codes.md under its number and name.
sed -n 's/^    X(\([A-Z_]*\), \([0-9]*\),.*/\2 \1/p' "$source/include/affect/status.h" > "$root/codes"
[ "$(wc -l < "$root/codes")" -ge 16 ] || fail "status.h has no table of codes"
while read -r number name; do
    grep -qx "\.B $number" "$root$prefix/share/man/man1/affect.1" || fail "the man page lacks exit code $number"
    grep -q "^| $number | $name |" "$source/docs/exit-codes.md" || fail "docs/exit-codes.md lacks $number $name"
done < "$root/codes"
if command -v man > /dev/null; then
    complaints=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z \
        "$root$prefix/share/man/man1/affect.1" 2>&1 > /dev/null || true)
    [ -z "$complaints" ] || fail "man page: $complaints"
fi
echo "installed, compiled, ran"
