"""affect score takes the files of published sets as gold: ids, labels and values are found as `affect data` and
`affect evaluate` find them. Expected values are worked out here. usage: sets.py AFFECT"""
import json, os, pickle, subprocess, sys, tempfile
import numpy as np
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, folder = sys.argv[1], kept.name
failed = 0


def check(name, got, want):
    global failed
    if got != want and not (isinstance(want, float) and abs(got - want) < 1e-12):
        failed += 1
        print("FAILED", name, repr(got), repr(want))


def put(name, text):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


def run(*words):
    done = subprocess.run([affect, "score", *words, "--bootstrap", "0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def score(*words):
    code, out, err = run(*words)
    check(f"{words[0]}: {err}", (code, err), (0, ""))
    return json.loads(out) if not code else {"values": {}}


# MELD: the id is dialogue and utterance; predictions stand in another order, one is missing.
meld = put("train_sent_emo.csv", "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n"
           '1,"Hi, you",A,joy,positive,0,0\n2,No,B,anger,negative,0,1\n3,Well,A,neutral,neutral,1,0\n4,Oh,B,joy,positive,1,1\n')
pred = put("meld-pred.csv", "id,label\n1_0,neutral\n0_1,joy\n0_0,joy\n")
got = score("classes", "--gold", meld, "--pred", pred)
check("MELD items", (got["items"], got["values"]["accuracy"]), (3, 2 / 3))
# The set's own columns stay what they are.
own = score("classes", "--gold", meld, "--pred", put("own.csv", "Emotion\njoy\nanger\njoy\njoy\n"), "--column", "Emotion")
check("own column", (own["items"], own["values"]["accuracy"]), (4, 0.75))

# GoEmotions and XED: numbers become names.
go = put("dev.tsv", 'I say "no"\t2,17\ta1\nfine, thanks\t27\tb2\nwow\t26\tc3\n')
got = score("multilabel", "--gold", go, "--pred", put("go.csv", 'id,labels\nc3,surprise\na1,"anger,love"\nb2,neutral\n'))
# true positives 3 (anger, neutral, surprise), one missed (joy), one too many (love)
check("GoEmotions", (got["items"], got["values"]["micro_f1"], got["values"]["subset_accuracy"]), (3, 2 * 3 / (2 * 3 + 2), 2 / 3))
xed = put("en-annotated.tsv", "a line\t1, 8\nanother\t5\n")
got = score("multilabel", "--gold", xed, "--pred", put("xed.csv", 'id,labels\n0,"trust,anger"\n1,fear\n'))
check("XED", (got["items"], got["values"]["subset_accuracy"]), (2, 0.5))
code, out, err = run("multilabel", "--gold", put("bad.tsv", "one\t28\tx1\n"), "--pred", pred)
check("a number that no label has", (code, "bad.tsv:1" in err and "0 to 27" in err), (4, True))

# EmoTale: the mean of three raters, one of whom said nothing; values of the set's own range.
emotale = put("data.csv", "path,speaker,emotion,a1_V,a2_V,a3_V,a1_A,a2_A,a3_A,a1_D,a2_D,a3_D\n"
              "x.wav,s1,anger,1,2,3,4,4,4,3,3,3\ny.wav,s2,happiness,5,,4,2,3,4,1,1,1\nz.wav,s2,neutral,3,3,3,3,3,3,2,2,2\n")
got = score("classes", "--gold", emotale, "--pred", put("e.csv", "path,label\nx.wav,anger\ny.wav,neutral\nz.wav,neutral\n"))
got2 = score("regression", "--gold", emotale, "--pred", put("v.csv", "path,valence\nx.wav,2\ny.wav,4.5\nz.wav,4\n"), "--column", "valence")
check("EmoTale valence", got2["values"]["mae"], 1 / 3)
check("EmoTale labels", got["values"]["accuracy"], 2 / 3)
code, out, err = run("classes", "--gold", put("far.csv", open(emotale).read().replace("4,4,4", "4,9,4")), "--pred", pred)
check("a rating outside the scale", (code, "a2_A" in err and "1 to 5" in err), (4, True))

# MMSA: all splits of a pickle, by id.
def part(ids, y): return {"id": ids, "regression_labels": np.array(y), "annotations": ["x"] * len(y), "text": np.zeros((len(y), 2, 3))}
mmsa = put("aligned_50.pkl", pickle.dumps({"train": part(["a$_$0", "a$_$1"], [-1.5, 2.]), "valid": part(["b$_$0"], [0.]), "test": part(["c$_$0", "c$_$1"], [1., -3.])}))
got = score("regression", "--gold", mmsa, "--pred", put("m.csv", "id,value\nc$_$1,-2\nc$_$0,1.5\n"))
got2 = score("classes", "--gold", mmsa, "--pred", put("ma.csv", "id,annotation\na$_$0,x\nb$_$0,x\n"), "--column", "annotation")
check("MMSA annotation", (got2["items"], got2["values"]["accuracy"]), (2, 1.0))
check("MMSA", (got["items"], got["values"]["mae"]), (2, 0.75))
code, out, err = run("regression", "--gold", put("tree.pkl", pickle.dumps({"a": {"b": 1}})), "--pred", pred)
check("another tree", (code, len(err.splitlines()), "equally long sequences" in err), (4, 1, True))

# FER+: the same reader of votes as training has.
votes = put("votes.csv", "neutral,happiness,surprise,contempt,unknown,NF\n6,2,1,1,0,0\n1,8,1,0,0,0\n0,9,1,0,x,0\n")
code, out, err = run("ferplus", "--gold", votes, "--pred", votes, "--labels", "neutral,happiness,surprise,contempt")
check("votes", (code, "votes.csv:4" in err and "a count of votes" in err), (4, True))

print("failed" if failed else "all passed")
sys.exit(failed > 0)
