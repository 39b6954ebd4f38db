#!/bin/sh
# The trainer from outside: a run that is stopped or killed (kill -9) goes on to the same weights, byte for
# byte; threads leave no trace; mistakes in recipes and data are refused with the line. Usage: train.sh AFFECT
set -u
affect=$(realpath "$1") || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

refuse() { # code, text, command...
    code=$1 text=$2
    shift 2
    "$@" >out 2>err
    got=$?
    [ $got = "$code" ] || fail "$*: exit $got, expected $code: $(cat err)"
    grep -q "$text" err || fail "$*: '$(cat err)' does not say '$text'"
    [ "$(wc -l <err)" = 1 ] || fail "$*: not one line: $(cat err)"
}

# 600 lines whose words give their label away, with noise
awk 'BEGIN {
    srand(7)
    split("good fine lovely happy sunny warm", joy, " ")
    split("bad awful gloomy sad rainy cold", sad, " ")
    split("table street car window seven they", any, " ")
    for (i = 0; i < 600; i++) {
        label = int(rand() * 3); text = ""
        for (k = 0; k < 6; k++) {
            r = int(rand() * 6) + 1
            w = rand() < .6 ? any[r] : label == 0 ? joy[r] : label == 1 ? sad[r] : any[r]
            text = text w " "
        }
        printf "%s\t%d\t%d\n", text, label, i
    }
}' >all.tsv
head -400 all.tsv >train.tsv
tail -200 all.tsv >valid.tsv
cat >r.ini <<'R'
[data]
kind = text
labels = joy sadness neutral
train = train.tsv
valid = valid.tsv
buckets = 500
[model]
kind = text_gru
width = 64
vector_width = 32
dropout = 0.2
[augment]
pieces = 0.2
drop_words = 0.1
[train]
epochs = 12
batch = 32
shard = 8
rate = 0.01
average = 0.9
monitor = accuracy
seed = 5
[card]
name = tiny
storage = f32
R

# The log: lines of at most 80 columns, a last one with the score and the next command, nothing of what is not trained.
"$affect" train r.ini -o said --stop-after 2 2>said.txt >/dev/null || fail "the run that is read"
awk 'length($0) > 80 { exit 1 }' said.txt || fail "a line is wider than 80 columns: $(awk 'length($0) > 80' said.txt)"
grep -q '^kept: epoch [12] of 2  accuracy .*F1 0' said.txt || fail "the end has no score: $(tail -2 said.txt)"
grep -q '^next: affect train r.ini' said.txt || fail "the end names no command: $(tail -2 said.txt)"
"$affect" train r.ini -o said 2>said.txt >/dev/null || fail "the rest of it"
[ "$(tail -1 said.txt)" = "next: affect evaluate said DATA..." ] || fail "the end names no command: $(tail -1 said.txt)"
! grep -q 'r(' said.txt || fail "values are told that are not trained"
awk -F, 'NR > 1 && $10 $11 $12 != "" { exit 1 }' said/log.csv || fail "columns of values that are not trained: $(tail -1 said/log.csv)"

data_of() { tail -c 60000 "$1/checkpoint.safetensors" | cksum; } # the header holds the time spent
"$affect" train r.ini -o whole --threads 1 --quiet >/dev/null || fail "the plain run"
"$affect" train r.ini -o threads --threads 3 --quiet >/dev/null || fail "the run with 3 threads"
"$affect" train r.ini -o pieces --stop-after 2 --quiet >/dev/null || fail "two epochs"
"$affect" train r.ini -o pieces --threads 2 --quiet >/dev/null || fail "going on"
for run in threads pieces; do
    cmp -s whole/weights.safetensors $run/weights.safetensors || fail "$run: other weights"
    [ "$(data_of whole)" = "$(data_of $run)" ] || fail "$run: other checkpoint"
done
# killed twice, after at least two and after at least four epochs
rows() { [ -s killed/log.csv ] && wc -l <killed/log.csv || echo 0; }
for least in 3 5; do
    "$affect" train r.ini -o killed --quiet >/dev/null 2>&1 &
    pid=$!
    tries=0
    while [ "$(rows)" -lt $least ] && [ $tries -lt 3000 ]; do
        sleep 0.01
        tries=$((tries + 1))
    done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ "$(rows)" -lt 13 ] || fail "the run was over before it could be killed"
done
"$affect" train r.ini -o killed --quiet >/dev/null || fail "going on after kill -9"
cmp -s whole/weights.safetensors killed/weights.safetensors || fail "killed: other weights"
[ "$(data_of whole)" = "$(data_of killed)" ] || fail "killed: other checkpoint"
for file in recipe.ini log.csv curves.svg confusion.svg card.json validation.txt words.txt; do
    [ -s whole/$file ] || fail "no $file in the run"
done

# it learned, and the written model is what was measured
"$affect" evaluate whole valid.tsv --rounds 50 --json >e.json || fail "evaluate"
accuracy=$(sed -n 's/.*"accuracy": {"value": \([0-9.]*\).*/\1/p' e.json)
awk "BEGIN { exit !($accuracy > .6) }" || fail "accuracy is $accuracy"
"$affect" predict whole "happy lovely sunny good" | grep -q "joy" || fail "predict"

# a rate that falls when nothing gets better: it does fall, and a run that goes on knows how far
sed 's/^rate = .*/rate = 0.03\nschedule = plateau\nplateau_patience = 1\nplateau_factor = 0.5/' r.ini >plateau.ini
"$affect" train plateau.ini -o fall --quiet >/dev/null || fail "a plateau schedule"
for n in 3 7 9; do "$affect" train plateau.ini -o falls --stop-after $n --quiet >/dev/null || fail "$n epochs"; done
"$affect" train plateau.ini -o falls --quiet >/dev/null || fail "a plateau schedule that goes on"
cmp -s fall/weights.safetensors falls/weights.safetensors || fail "plateau in pieces: other weights"
[ "$(data_of fall)" = "$(data_of falls)" ] || fail "plateau in pieces: other checkpoint"
awk -F, 'NR == 2 { first = $3 } { last = $3 } END { exit !(last <= first / 2) }' fall/log.csv || fail "the rate never fell"

# a teacher's word against wrong labels: with all the weight on the teacher, only they are unlearnt
awk -F'\t' '{ printf "%s\t%d\t%s\n", $1, NR % 3, $3 }' train.tsv >wrong.tsv
sed 's/train = train.tsv/train = wrong.tsv/; s/^epochs = 12/epochs = 6\nlabel_teachers = whole\nteacher_share = 1/' r.ini >student.ini
"$affect" train student.ini -o student --quiet >/dev/null || fail "learning from a teacher"
sed 's/^teacher_share = 1/teacher_share = 0/' student.ini >alone.ini
"$affect" train alone.ini -o alone --quiet >/dev/null || fail "a teacher without a say"
accuracy_of() { sed -n 's/.*"accuracy": {"value": \([0-9.]*\).*/\1/p' "$1/card.json"; }
awk "BEGIN { exit !($(accuracy_of student) > .6 && $(accuracy_of alone) < .5) }" ||
    fail "student $(accuracy_of student), alone $(accuracy_of alone)"

# what is frozen stays as the start left it, byte for byte
sed 's/^epochs = 12/epochs = 1\nstart = whole\nfreeze = vectors gru score head/; /^average/d' r.ini >ice.ini
"$affect" train ice.ini -o ice --quiet >/dev/null || fail "a frozen network"
cmp -s whole/weights.safetensors ice/weights.safetensors || fail "frozen parameters moved"

# values with a hidden layer of their own, and numbers of what a text looks like
awk 'BEGIN { srand(3); print "split,V,A,D,text"
    for (i = 0; i < 400; i++) {
        v = int(rand() * 3) - 1; loud = rand() < .5
        word = v < 0 ? "bad" : "long"
        if (v > 0) word = "good"
        printf "%s,%.2f,%.2f,3,the %s day%s\n", (i < 300 ? "train" : "dev"), 3 + v + .2 * rand(), (loud ? 4 : 3),
            word, (loud ? "!" : ".")
    }
}' >values.csv
sed 's/\(train\|valid\) = .*/\1 = values.csv/; s/^kind = text$/kind = text\nvalues = valence arousal\nsurface = yes/;
    s/^monitor.*/monitor = r/; s/^width = 64/width = 16\nvalue_hidden = 8/' r.ini >values.ini
"$affect" train values.ini -o values --quiet >/dev/null || fail "training values"
r_of() { sed -n "s/.*\"$1\": {\"value\": \([-0-9.]*\).*/\1/p" values/card.json; }
awk "BEGIN { exit !($(r_of r_valence) > .8 && $(r_of r_arousal) > .8) }" ||
    fail "r of valence $(r_of r_valence), arousal $(r_of r_arousal)"
grep -q '"side": 10, "value_hidden": 8' values/card.json || fail "the card does not tell of the value layer"
"$affect" predict values "the good day!" | grep -q valence || fail "predicting values"
"$affect" models export values values.onnx >/dev/null && [ -s values.onnx ] || fail "export of a run"

# sentences by rule teach what the data do not say: that "not" takes a feeling away; texts in batches by length; in pieces too
cat >rules.txt <<'R'
# what is not known stays so
word a joy .4 .1 : lovely, happy, sunny, warm
word a sadness -.4 0 : awful, sad, rainy, cold
thing : the table, the street
frame a 1 0 1 0 : @ is *
frame a 0 1 -.3 0 : @ is not *
frame a 1 0 1 0 : @ is &, but *
line joy=0,sadness=0,neutral=1 0 0 : they see @
R
sed 's/^kind = text$/kind = text\ncontrast = rules.txt\ncontrasts = 800/; s/^epochs = 12/epochs = 8\norder = by_length\nthresholds = each/; s/^\[train\]/[loss]\nlabels = several\n[train]/;
    s/^monitor.*/monitor = macro_f1/' r.ini >rules.ini
"$affect" train rules.ini -o rules --threads 1 --quiet >/dev/null || fail "training with sentences by rule"
"$affect" train rules.ini -o parts --threads 3 --stop-after 3 --quiet >/dev/null || fail "three epochs of it"
"$affect" train rules.ini -o parts --quiet >/dev/null || fail "going on with it"
cmp -s rules/weights.safetensors parts/weights.safetensors || fail "sentences by rule: other weights in pieces"
share() { "$affect" predict --json "$1" "$2" | jq ".classes.$3"; }
awk "BEGIN { exit !($(share rules 'the table is lovely' joy) > .6 && $(share rules 'the table is not lovely' joy) < .4) }" ||
    fail "denied: $(share rules 'the table is lovely' joy) became $(share rules 'the table is not lovely' joy)"
# a threshold for each label, as output biases: no worse where they were fitted than one for all of them, and nothing else moved
sed '/^thresholds/d' rules.ini >one.ini
"$affect" train one.ini -o one --quiet >/dev/null || fail "one threshold"
f1() { "$affect" evaluate "$1" train.tsv --rounds 0 --json | jq .metrics.macro_f1.value; }
f1_valid() { "$affect" evaluate "$1" valid.tsv --rounds 0 --json | jq .metrics.macro_f1.value; }
cmp -s rules/weights.safetensors one/weights.safetensors && fail "thresholds = each changed nothing"
awk "BEGIN { exit !($(f1 rules) >= $(f1 one) - .001) }" || fail "a threshold each: macro F1 $(f1 rules), one for all $(f1 one)"
# the one threshold by the validation samples: what it is worth where it was not chosen is said, and it is that of the best F1 there
sed 's/^thresholds = each/threshold_on = validation/' rules.ini >chosen.ini
"$affect" train chosen.ini -o chosen 2>err >/dev/null || fail "a threshold by validation: $(cat err)"
grep -q 'threshold 0\.[0-9]*: macro F1 0\.[0-9]* on the validation samples, 0\.[0-9]* with each fifth cut' err || fail "a threshold by validation: $(tail -3 err)"
awk "BEGIN { exit !($(f1_valid chosen) >= $(f1_valid one)) }" || fail "a threshold by validation: macro F1 $(f1_valid chosen), by training samples $(f1_valid one)"
# one label a sample and a network of several: what it says loudest is judged too
"$affect" evaluate rules valid.tsv --rounds 0 --json | jq -e '.strongest.accuracy > .5 and .strongest.majority < .5' >/dev/null ||
    fail "strongest: $("$affect" evaluate rules valid.tsv --rounds 0 | grep strongest)"

# texts of the training's own words are usual, others less so; the end of the run said what is
known() { "$affect" predict --json whole "$1" | sed -n 's/.*"in_distribution": \([0-9.]*\).*/\1/p'; }
awk "BEGIN { exit !($(known 'happy table lovely sunny good street') >= .5) }" || fail "a usual text is unknown"
awk "BEGIN { exit !($(known 'zxqv zxqv zxqv zxqv zxqv zxqv zxqv') < .5) }" || fail "a strange text is known"

# a second run may start from the weights of a first, and rules choose rows manifest by manifest
sed 's/^epochs = 12/epochs = 1\nstart = whole/' r.ini >more.ini
"$affect" train more.ini -o more --quiet >/dev/null || fail "starting from another run"
first=$(sed -n 2p more/log.csv | cut -d, -f6)
awk "BEGIN { exit !($first > .6) }" || fail "starting from another run: accuracy $first after one epoch"
for n in 1 2 3 4; do
    for who in a b; do
        ffmpeg -nostdin -v error -y -f lavfi -i "sine=frequency=$((200 * n)):duration=0.6" -ar 16000 $who$n.wav
    done
done
printf 'path,label,speaker,take\na1.wav,joy,1,1\na2.wav,sad,2,1\na3.wav,joy,3,2\na4.wav,sad,3,2\n' >first.csv
printf 'path,label,actor\nb1.wav,joy,7\nb2.wav,sad,8\nb3.wav,joy,9\nb4.wav,sad,9\n' >second.csv
cat >voice.ini <<'R'
[data]
kind = audio
labels = happiness sadness
values = valence arousal
places = happiness 0.8 0.5 sadness -0.6 -0.3
train = first.csv second.csv
train_except = first: speaker 3 | second: actor 9
valid = first.csv second.csv
valid_only = first: take 2 | second: actor 9
[model]
kind = voice_crnn
width = 8
[train]
epochs = 1
batch = 4
shard = 2
monitor = last
[card]
name = tiny.voice
R
"$affect" train voice.ini -o voice --quiet >/dev/null || fail "training on two manifests"
grep -q "^4 samples, 4 scored" voice/validation.txt || fail "rules chose $(head -1 voice/validation.txt)"
grep -q "r_valence" voice/validation.txt || fail "classes have no places"

# functionals against the speaker's own clips: a quieter microphone for all of them changes nothing
echo path,label,speaker >loud.csv && cp loud.csv quiet.csv
for n in 1 2 3 4 5 6 7 8; do
    ffmpeg -nostdin -v error -y -f lavfi -i "sine=frequency=$((150 * n)):duration=0.7" -f lavfi \
        -i "anoisesrc=d=0.7:a=0.2:seed=$n" -filter_complex "[0]volume=0.${n}[s];[s][1]amix" -ar 16000 loud$n.wav
    ffmpeg -nostdin -v error -y -i loud$n.wav -af volume=-9dB quiet$n.wav
    for set in loud quiet; do echo "$set$n.wav,$([ $((n % 2)) = 0 ] && echo sad || echo joy),x" >>$set.csv; done
done
sed 's/^kind = audio/kind = audio\nfunctionals = egemaps/' voice.ini >side.ini
"$affect" train side.ini -o side --quiet >/dev/null || fail "training with functionals"
grep -q '"side": 88' side/card.json || fail "the card does not tell of functionals"
nll() { "$affect" evaluate "$1" "$2" --rounds 0 | sed -n '/^== each clip/q; s/^nll *\([0-9.]*\).*/\1/p'; }
awk "BEGIN { d = $(nll side loud.csv) - $(nll side quiet.csv); exit !(d < .003 && d > -.003) }" ||
    fail "functionals: $(nll side loud.csv) became $(nll side quiet.csv)"

# both ways are judged and written: known by the other clips, and alone
"$affect" evaluate side loud.csv --rounds 0 --json --scores scores.tsv >ways.json || fail "evaluate --scores"
jq -e '.metrics.nll.value != .alone.metrics.nll.value and .alone.scored == 8' ways.json >/dev/null || fail "$(cat ways.json)"
[ "$(cut -f1 scores.tsv | sort | uniq -c | tr -s ' ' | tr '\n' ';')" = " 8 alone; 8 known; 1 way;" ] || fail "$(cat scores.tsv)"
# the loss is that of the logits written, at the card's temperature
t=$(jq .temperature side/card.json)
awk -F'\t' -v t="$t" -v want="$(jq .alone.metrics.nll.value ways.json)" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i ~ /^logit_/) { name[i] = $i; sub(/^logit_/, "", name[i]) } next }
    $1 == "alone" { sum = 0; for (i in name) { sum += exp($i / t); if (name[i] == $4) gold = $i / t } loss += log(sum) - gold; n++ }
    END { d = loss / n - want; exit !(n == 8 && d < 1e-4 && d > -1e-4) }' scores.tsv || fail "logits are not those that were judged"

# other names: labels that become one share their answers, "-" leaves out, of the data and of the network
printf '# by valence\nsadness\tbad\nanger\tbad\nsad\tbad\n' >bad.tsv
"$affect" evaluate side loud.csv --map bad.tsv --rounds 0 --json >mapped.json || fail "evaluate --map"
jq -e '[.classes[].label] | contains(["bad"]) and (contains(["sadness"]) | not)' mapped.json >/dev/null || fail "$(cat mapped.json)"
jq -e '[.classes[] | select(.label == "bad").support] == [4] and .scored == 8' mapped.json >/dev/null || fail "$(cat mapped.json)"
printf 'sad\t-\n' >bad.tsv
"$affect" evaluate side loud.csv --map bad.tsv --rounds 0 --json >mapped.json || fail "evaluate --map with -"
jq -e '.scored == 4 and .skipped == 4' mapped.json >/dev/null || fail "$(cat mapped.json)"
printf 'sad bad\n' >bad.tsv
refuse 4 "bad.tsv:1: expected a label, a tab" "$affect" evaluate side loud.csv --map bad.tsv

# the summary's network: level means nothing, copies and balance; what is held out is judged and not learnt
sed 's/^kind = voice_crnn/kind = voice_mlp/; s/^train = .*/train = loud.csv quiet.csv/; s/^valid = .*/valid = loud.csv/;
    s/^kind = audio/kind = audio\ncopies = 1\ncache = kept/; s/^epochs/balance = .5\ntemperature = 2\nepochs/' voice.ini >summed.ini
mkdir kept
if "$affect" train summed.ini -o summed --quiet >/dev/null 2>why; then
    grep -q '"summary": ' summed/card.json || fail "the card does not tell of the summary"
    grep -q '"temperature": 2,' summed/card.json || fail "the recipe's temperature is not the card's"
    [ "$(ls kept | wc -l)" = 16 ] || fail "$(ls kept | wc -l) clips were kept, expected 16"
    "$affect" evaluate summed loud.csv --rounds 0 --json >a.json && "$affect" evaluate summed quiet.csv --rounds 0 --json >b.json
    [ "$(jq -n 'input.alone.metrics.nll.value - input.alone.metrics.nll.value | fabs < .01' a.json b.json)" = true ] ||
        fail "alone, the level counts: $(jq .alone.metrics.nll.value a.json b.json)"
    sum=$(sha256sum <summed/weights.safetensors)
    "$affect" train summed.ini -o again --quiet --threads 1 >/dev/null && [ "$(sha256sum <again/weights.safetensors)" = "$sum" ] ||
        fail "from the cache and one thread the weights are others"
    "$affect" train summed.ini -o held --quiet --hold-out quiet >/dev/null || fail "--hold-out"
    [ "$(jq .validation.samples held/card.json)" = 8 ] || fail "held out: $(jq .validation.samples held/card.json)"
    "$affect" train summed.ini -o rows --quiet --hold-out "loud: label joy" >/dev/null || fail "--hold-out of rows"
    [ "$(jq -c '[.validation.samples, (.validation.classes[] | select(.support > 0).label)]' rows/card.json)" = '[4,"happiness"]' ] ||
        fail "$(jq -c .validation rows/card.json)"
    refuse 7 "made with another recipe or --hold-out" "$affect" train summed.ini -o held --quiet
    refuse 11 "none contains 'nowhere'" "$affect" train summed.ini -o x --quiet --hold-out nowhere
else
    grep -q "voice.embedding" why || fail "training on summaries: $(cat why)"
    echo "no speech embedding here: networks on summaries are not trained"
fi

# refusals: exit code and the line
sed 's/sadness -0.6 -0.3/sadness -0.6/' voice.ini >bad.ini
refuse 4 "bad.ini:5: .*every label with 2 numbers" "$affect" train bad.ini -o x --quiet
sed 's/second: actor 9/second: nobody 9/' voice.ini >bad.ini
refuse 4 "second.csv:1: .*wants a column 'nobody'" "$affect" train bad.ini -o x --quiet
sed 's/^rate = .*/rate = fast/' r.ini >bad.ini
refuse 4 "bad.ini:19: .*rate = fast: expected a number" "$affect" train bad.ini -o x --quiet
sed 's/^rate/rat/' r.ini >bad.ini
refuse 4 "bad.ini:19: \[train\] knows no key 'rat'" "$affect" train bad.ini -o x --quiet
sed 's/text_gru/voice_crnn/' r.ini >bad.ini
refuse 4 "bad.ini:8: .*expected a text_" "$affect" train bad.ini -o x --quiet
sed 's/shard = 8/shard = 7/' r.ini >bad.ini
refuse 4 "bad.ini:18: .*divisor" "$affect" train bad.ini -o x --quiet
echo "nonsense" >>bad.ini
refuse 4 "bad.ini:26: expected 'key = value'" "$affect" train bad.ini -o x --quiet
sed '3s/\t[0-9]*\t/\t9\t/' train.tsv >t2.tsv
sed 's/train.tsv/t2.tsv/' r.ini >bad.ini
refuse 4 "t2.tsv:3: column .*expected label numbers from 0 to 2" "$affect" train bad.ini -o x --quiet
sed 's/start = whole/start = whole\nfreeze = zebra/' more.ini >bad.ini
refuse 4 "bad.ini:[0-9]*: .*no parameter 'zebra...'" "$affect" train bad.ini -o x --quiet
sed 's/whole/voice/' student.ini >bad.ini
refuse 4 "bad.ini:[0-9]*: .*label_teachers = voice: expected teachers" "$affect" train bad.ini -o x --quiet
sed 's/accuracy/last/' plateau.ini >bad.ini
refuse 4 "bad.ini:[0-9]*: .*schedule = plateau: expected a monitor other" "$affect" train bad.ini -o x --quiet
sed 's/accuracy/r/' r.ini >bad.ini
refuse 4 "bad.ini:21: .*monitor = r: expected values" "$affect" train bad.ini -o x --quiet
sed 's/^frame a 1 0 1 0 : @ is \*/frame a 1 0 : @ is */' rules.txt >bad.txt
sed 's/rules.txt/bad.txt/' rules.ini >bad.ini
refuse 4 "bad.txt:5: expected 'word'" "$affect" train bad.ini -o x --quiet
sed 's/neutral=1 0 0/neutral=x 0 0/' rules.txt >bad.txt
refuse 4 "bad.txt:8: expected 'word', 'frame', 'line' or 'thing'" "$affect" train bad.ini -o x --quiet
sed 's/^frame a/frame b/' rules.txt >bad.txt
refuse 4 "bad.txt: no word for slot 'b'" "$affect" train bad.ini -o x --quiet
sed 's/^labels = several/labels = one/' rules.ini >bad.ini
refuse 4 "thresholds = each: expected several labels" "$affect" train bad.ini -o x --quiet
sed 's/^kind = text$/kind = audio/; s/text_gru/voice_crnn/' rules.ini >bad.ini
refuse 4 "contrast = rules.txt: expected texts" "$affect" train bad.ini -o x --quiet
refuse 3 "no-such.ini" "$affect" train no-such.ini --quiet
sed 's/epochs = 12/epochs = 7/' r.ini >other.ini
refuse 7 "another recipe" "$affect" train other.ini -o whole --quiet
printf 'path,label\nnone.wav,joy\n' >m.csv
printf 'text,label\nhello,zebra\n' >z.csv
refuse 4 "z.csv:2: column 'label' is 'zebra'" "$affect" evaluate whole z.csv
refuse 8 "nowhere" "$affect" evaluate ./nowhere valid.tsv
exit $((failures > 0))
