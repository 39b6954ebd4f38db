#!/bin/sh
# usage: compose.sh COMPOSE AFFECT: a scene of drawn clips, judged by ffprobe and by its own truth.
set -eu
compose=$(realpath "$1") affect=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }
ffmpeg -v error -f lavfi -i color=c=red:s=160x120:r=25:d=2 \
    -f lavfi -i "aevalsrc=.2*sin(2764.6*t)*between(t\,.5\,1.4999):s=16000:d=2" -c:a pcm_s16le red.mkv
ffmpeg -v error -f lavfi -i color=c=blue:s=160x120:r=25:d=2 -f lavfi -i "sine=880:r=16000:d=2" -c:a pcm_s16le blue.mkv
cat > scene.txt << END
size 320 180 25    # a comment
noise -90
offset .25
shot 1.6
see anna red.mkv left
see ben blue.mkv right
shot 2 dissolve .4
see ben blue.mkv full
shot 1
photo anna red.mkv 10,10,100,100
hear anna red.mkv at 1 label joy
hear nobody blue.mkv at 3.2 for .5 gain -6
interval contradictions anna 1 2 a smile over a low voice
event smile face anna 1 1.5 2
property lag.voice .25
END
"$compose" scene.txt . out
[ -z "$(ls -d out.work* 2> /dev/null)" ] || fail "work folder left"
[ "$(ffprobe -v error -show_entries format=duration -of csv=p=0 out.mp4 | cut -c1-3)" = 4.6 ] || fail "not 4.6 s"
# The truth reads as a timeline, and says what was put in.
"$affect" report out.truth/timeline.json --format json > again.json || fail "the truth is no timeline"
truth() { jq -e "$1" out.truth/timeline.json > /dev/null || fail "truth: $1"; }
truth '.schema == "affect-timeline/2" and .properties.av_offset_s == "0.250" and .properties["lag.voice"] == ".25"'
truth '[.persons[].name] == ["anna", "ben"]'
truth '[.tiers[] | select(.id == "persons") | .intervals[] | [.label, .t0, .t1]] | sort == [["anna", 0, 2], ["ben", 0, 3.6]]'
truth '[.tiers[] | select(.id == "photos") | .intervals[] | [.label, .t0, .t1]] == [["anna", 3.6, 4.6]]'
truth '[.tiers[] | select(.id == "speaking") | .intervals[] | [.label, .t0, .t1]] == [["anna", 1.5, 2.5], ["nobody", 3.2, 3.7]]'
truth '[.tiers[] | select(.id == "emotions") | .intervals[] | [.label, .t0, .t1]] == [["joy", 1, 2.5]]'
truth '[.events[] | [.kind, .onset, .apex, .offset]] == [["smile", 1, 1.5, 2]]'
# The sound is late by the offset: silent before 1.75 s, loud after it.
loud() { ffmpeg -v info -ss "$1" -t "$2" -i out.mp4 -af volumedetect -f null - 2>&1 | sed -n 's/.*mean_volume: \(-*[0-9]*\).*/\1/p'; }
[ "$(loud 1.0 0.65)" -lt -60 ] || fail "sound before its time: $(loud 1.0 0.65) dB"
[ "$(loud 1.85 0.6)" -gt -30 ] || fail "no sound at its time: $(loud 1.85 0.6) dB"
# The picture: red left and blue right, then, when it has dissolved, blue on both sides.
colour() { ffmpeg -v error -ss "$1" -i out.mp4 -frames:v 1 -vf "crop=40:40:$2:70,scale=1:1,format=rgb24" -f rawvideo - | od -An -tu1; }
red() { [ "$1" -gt 150 ] && [ "$3" -lt 90 ]; }
blue() { [ "$1" -lt 90 ] && [ "$3" -gt 150 ]; }
# shellcheck disable=SC2046 # three numbers
{
    red $(colour 0.5 40) || fail "not red at the left: $(colour 0.5 40)"
    blue $(colour 0.5 240) || fail "not blue at the right: $(colour 0.5 240)"
    blue $(colour 2.6 40) || fail "not dissolved into blue: $(colour 2.6 40)"
}
# A scene that is wrong is told by its line.
printf 'size 320 180 25\nshot 1\nsee anna red.mkv nowhere\n' > bad.txt
if "$compose" bad.txt . bad 2> error; then fail "a wrong scene passed"; fi
grep -q '^compose: bad.txt:3: ' error || fail "error says: $(cat error)"
echo ok
