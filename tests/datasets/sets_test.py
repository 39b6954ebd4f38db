"""affect data info on small files in the layout of sets that are not at hand. usage: sets_test.py AFFECT"""
import collections, json, os, pickle, subprocess, sys, tempfile
try: import numpy as np
except ImportError as e: print("skipped:", e); sys.exit(77)
kept = tempfile.TemporaryDirectory()  # gone when the test ends
affect, folder = sys.argv[1], kept.name
passed = failed = 0
def check(name, got, want):
    global passed, failed
    good = got == want; passed += good; failed += not good
    if not good: print("FAILED", name, repr(got)[:400], repr(want)[:400])
def at(*parts): p = os.path.join(folder, *parts); os.makedirs(os.path.dirname(p), exist_ok=True); return p
def text(path, content): open(path, "w", encoding="utf-8").write(content); return path
def dump(path, value, protocol): pickle.dump(value, open(path, "wb"), protocol=protocol); return path
def every(path):
    r = subprocess.run([affect, "data", "info", path, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(path + r.stderr.decode(), r.returncode, 0)
    return {os.path.relpath(x["path"], folder): x for x in json.loads(r.stdout or "[]", object_pairs_hook=lambda p: (check("no key twice", len(dict(p)), len(p)), dict(p))[1])}
def info(path): return list(every(path).values())[0]
def oddities(x, *names): return [x.get(n, 0) for n in names]
AGAIN, ELSEWHERE = "rows whose id stands further up", "rows that are in another file of this folder too"
rng = np.random.default_rng(3)

# EmoryNLP: emotion-detection-{trn,dev,tst}.json
def utterance(n, who, emotion, words="Oh, yeah!"): return {"utterance_id": n, "speakers": who, "transcript": words, "tokens": [words.split()], "emotion": emotion}
rows = [utterance("s01_e02_c01_u001", ["Joey Tribbiani"], "Neutral"), utterance("s01_e02_c01_u002", ["Phoebe Buffay", "Joey Tribbiani"], "Joyful"), utterance("s01_e02_c01_u002", [], "Joyful", ""), {"utterance_id": "s01_e02_c01_u004", "speakers": ["Monica Geller"], "transcript": "?"}]
x = info(text(at("emory", "emotion-detection-trn.json"), json.dumps({"season_id": "s01", "episodes": [{"episode_id": "s01_e02", "scenes": [{"scene_id": "s01_e02_c01", "utterances": rows}, {"scene_id": "s01_e02_c02", "utterances": []}]}]})))
check("EmoryNLP", (x["is"], x["episodes"], x["scenes"], x["rows"], x["emotion"], x["speaker"], x["licence"][:10]), ("EmoryNLP (scenes)", 1, 2, 4, {"Joyful": 2, "Neutral": 1}, {"Joey Tribbiani": 2, "Monica Geller": 1, "Phoebe Buffay": 1}, "Apache-2.0"))
check("EmoryNLP oddities", oddities(x, AGAIN, "rows without emotion", "rows without a speaker", "rows of zero length", "scenes without an utterance"), [1, 1, 1, 1, 1])
head = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode\n"
text(at("emory_csv", "train.csv"), head + "Hi,Joey,Neutral,1,1,1,2\nYo,Ross,Joyful,1,2,1,2\n"); text(at("emory_csv", "dev.csv"), head + "Hi,Joey,Neutral,1,1,1,2\n")
e = every(at("emory_csv", "")); check("EmoryNLP csv", [e["emory_csv/train.csv"]["is"], *oddities(e["emory_csv/train.csv"], ELSEWHERE), *oddities(e["emory_csv/dev.csv"], ELSEWHERE)], ["EmoryNLP (utterances)", 1, 0])

# MMSA: aligned_50.pkl and unaligned_50.pkl
def split(n, name, unaligned, shift=0):
    frames = {"text": 50, "audio": 375 if unaligned else 50, "vision": 500 if unaligned else 50}; y = np.round(rng.uniform(-3, 3, n), 1); y[:2] = 0
    s = {"raw_text": np.array(["so good"] * n), "id": [f"{name}{(i + shift) // 4}$_${i}" for i in range(n)], "text": rng.normal(size=(n, frames["text"], 6)).astype("f4"), "audio": rng.normal(size=(n, frames["audio"], 5)).astype("f4"), "vision": rng.normal(size=(n, frames["vision"], 2)).astype("f4"),
         "text_bert": np.zeros((n, 3, 50), "f4"), "regression_labels": y, "annotations": np.array(["Negative" if v < 0 else "Positive" if v > 0 else "Neutral" for v in y], dtype=object).tolist()}
    if unaligned: s["audio_lengths"] = [375] * n; s["vision_lengths"] = np.full(n, 500)
    return s
for name, unaligned in ("aligned_50.pkl", False), ("unaligned_50.pkl", True):
    data = {"train": split(12, "a", unaligned), "valid": split(5, "b", unaligned), "test": split(6, "a", unaligned)}; data["train"]["audio"][3, 7, 1] = -np.inf; data["train"]["audio"][3, 8] = np.nan
    if unaligned: data["test"]["audio_lengths"][2] = 0; data["test"]["vision_lengths"][1] = 501
    x = info(dump(at(name), data, 4)); ids = [i for s in data.values() for i in s["id"]]
    check(name, [x["is"], x["root.train.audio"], x["root.test.vision"], x["train rows"], x["valid rows"], x["test rows"]], ["MMSA features (MOSI, MOSEI or SIMS)", f"float32 (12, {375 if unaligned else 50}, 5)", f"float32 (6, {500 if unaligned else 50}, 2)", 12, 5, 6])
    for part, s in data.items():
        check(name + part, x[part + " annotations"], dict(collections.Counter(s["annotations"]))); y = s["regression_labels"]
        check(name + part + " sentiment", x[part + " sentiment"], {k: v for k, v in (("negative", int((y < 0).sum())), ("positive", int((y > 0).sum())), ("zero", int((y == 0).sum()))) if v})
    check(name + " oddities", oddities(x, AGAIN, "videos in several splits", "test rows of zero audio length", "test vision lengths beyond the frames") + [x["root.train.audio values"]["minus_inf"], x["root.train.audio values"]["nan"]], [len(ids) - len(set(ids)), 2, int(unaligned), int(unaligned), 1, 5])
x = info(text(at("label.csv"), "video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode\nv1,1,hm,-1,,,,Negative,train\nv1,2,oh,1,,,,Positive,train\nv2,1,ah,0,,,,Neutral,test\nv2,1,ah,0,,,,Neutral,test\n"))
check("MMSA labels", (x["is"], x["mode"], x["annotation"], x[AGAIN]), ("MMSA labels (CMU-MOSI, CMU-MOSEI, CH-SIMS)", {"test": 2, "train": 2}, {"Neutral": 2, "Negative": 1, "Positive": 1}, 1))

# DialogueRNN: IEMOCAP_features.pkl (Python 2's protocol), MELD's with numbered dialogues, MERBench's raw pickles
ids = {"Ses01F_impro01": ["Ses01F_impro01_F000", "Ses01F_impro01_M000", "Ses01F_impro01_F001"], "Ses05M_script01": ["Ses05M_script01_F000"], "Ses02F_impro03": []}
def rows_of(width): return {k: [rng.normal(size=width) for _ in v] for k, v in ids.items()}
who = {k: [i[-4] for i in v] for k, v in ids.items()}; labels = {"Ses01F_impro01": [0, 5, 5], "Ses05M_script01": [2], "Ses02F_impro03": []}; audio = rows_of(10); audio["Ses05M_script01"] = [np.array([np.nan, -np.inf] + [0.] * 8)] * 2
for protocol in 0, 2, 4:
    x = info(dump(at("IEMOCAP_features.pkl"), (ids, who, labels, rows_of(7), audio, rows_of(5), {k: ["hello"] * len(v) for k, v in ids.items()}, {"Ses01F_impro01", "Ses02F_impro03"}, {"Ses05M_script01", "Ses01F_impro01"}), protocol))
    check(f"IEMOCAP {protocol}", (x["is"][:7], x["dialogues"], x["utterances"], x["labels"], x["speakers"], x["train dialogues"], x["train utterances"], x["test dialogues"], x["test labels"]), ("IEMOCAP", 3, 4, {"5": 2, "0": 1, "2": 1}, {"F": 3, "M": 1}, 2, 3, 2, {"5": 2, "0": 1, "2": 1}))
    check(f"IEMOCAP oddities {protocol}", [x["features [3]"], x["features [4]"], x["features [4] values"]["nan"], x["features [4] values"]["minus_inf"]] + oddities(x, "dialogues in several splits", "dialogues without an utterance", "dialogues whose rows [4] are not one an utterance"), ["4 rows x 7", "5 rows x 10", 2, 2, 1, 1, 1])
meld = {0: [0, 1], 1: [0]}
x = info(dump(at("MELD_features_raw.pkl"), (meld, {0: [[1, 0], [0, 1]], 1: [[1, 0]]}, {0: [0, 6], 1: [4]}, {0: rng.normal(size=(2, 6)), 1: rng.normal(size=(1, 6))}, {0: ["a", "b"], 1: ["c"]}, [0], [1], {0: [0, 2], 1: [1]}), 2))
check("MELD pickle", (x["is"], x["labels"], x["train labels"], x["test dialogues"], x["features [3]"]), ("conversation features (DialogueRNN form: a dict per dialogue)", {"0": 1, "4": 1, "6": 1}, {"0": 1, "6": 1}, 1, "3 rows x 6"))
x = info(dump(at("CMUMOSI_features_raw_2way.pkl"), ({"v": ["v_1"], "w": ["w_1"], "z": ["z_1"]}, {"v": [1.5], "w": [-1.], "z": [0.]}, {"v": ["s"], "w": ["s"], "z": ["s"]}, {"v": ["hm"], "w": ["oh"], "z": ["ah"]}, ["v"], ["w"], ["z"]), 2))
check("MERBench raw pickle", (x["labels"], x["train labels"], x["valid labels"], x["test labels"]), ({"-1": 1, "0": 1, "1.5": 1}, {"1.5": 1}, {"-1": 1}, {"0": 1}))

# ACL-2017 form: lengths without padding
y = np.zeros((3, 4)); y[0, 0] = 1; y[2, 3] = 1
x = info(dump(at("audio.pickle"), (np.zeros((3, 4, 2)), y, np.zeros((2, 4, 2)), y[:2], 4, [2, 0, 5], [1, 4]), 2))
check("bc-LSTM", (x["train utterances"], x["train labels"], x["test labels"], *oddities(x, "train videos of zero length", "train videos longer than their array")), (6, {"0": 4, "1": 2}, {"0": 4, "1": 1}, 1, 1))

# EmoBox: a fold
def line(key, emo, seconds=2.5): return {"key": key, "dataset": "cafe", "wav": f"downloads/{key}.wav", "type": "raw", "sample_rate": 48000, "num_frame": seconds * 48000, "task": "category", "length": seconds, "emo": emo, "channel": 1}
train, test = [line("cafe-01-a", "p"), line("cafe-01-b", "c", 0.0), line("cafe-01-a", "p")], [line("cafe-01-b", "c"), line("cafe-02-a", "p")]
for n, r in ("train", train), ("test", test): text(at("emobox", "fold_1", f"cafe_{n}_fold_1.jsonl"), "".join(json.dumps(v) + "\n" for v in r))
e = every(at("emobox", "")); a, b = (e[f"emobox/fold_1/cafe_{n}_fold_1.jsonl"] for n in ("test", "train"))
check("EmoBox jsonl", (a["is"], a["licence"][:3], a["emo"], b["emo"], b["length"]["max"], *oddities(b, AGAIN, ELSEWHERE, "rows of zero length"), *oddities(a, ELSEWHERE)), ("EmoBox split", "MIT", {"c": 1, "p": 1}, {"p": 2, "c": 1}, 2.5, 1, 1, 1, 0))
x = info(text(at("cafe.json"), json.dumps({r["key"]: {k: r[k] for k in ("wav", "length", "emo", "dataset", "channel")} for r in train}))); check("EmoBox json", (x["is"], x["rows"], x["emo"]), ("EmoBox split", 2, {"c": 1, "p": 1}))

# CREMA-D: raw tables and recordings' names
cremad = {"VideoDemographics.csv": '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n1002,21,"Female","Asian","Hispanic"\n', "SentenceFilenames.csv": '"Stimulus_Number","Filename"\n1,"1001_IEO_NEU_XX"\n2,"1001_IEO_NEU_XX"\n',
          "summaryTable.csv": '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"\n"1","1001_IEO_NEU_XX","N","69.1","N","92.22","N","64.78"\n"2","1001_IEO_HAP_LO","N:S","71","H","57","H","57.38"\n',
          "finishedResponses.csv": '"","localid","pos","ans","ttr","queryType","numTries","clipNum","questNum","subType","clipName","sessionNums","respEmo","respLevel","dispEmo","dispVal","dispLevel"\n"1","a",3,"N_50",900,1,0,1,1,4,"1001_IEO_NEU_XX",1,"N",50,"N","X",50\n"2","a",4,"H_70",800,2,0,1,1,4,"1001_IEO_NEU_XX",1,"H",70,"N","X",50\n',
          "finishedEmoResponses.csv": '"","localid","sessionNums","queryType","questNum","pos","ttr","numTries","clipNum","clipName"\n"1","a",1,1,1,3,900,0,1,"1001_IEO_NEU_XX"\n'}
for n, c in cremad.items(): text(at("crema", n), c)
for n in "1001_IEO_NEU_XX", "1001_DFA_ANG_HI", "1002_DFA_ANG_XX": text(at("crema", "AudioWAV", n + ".wav"), ""); text(at("crema", "VideoFlash", n + ".flv"), "")
e = every(at("crema", ""))
check("CREMA-D", {k.split("/", 1)[1]: v["is"] for k, v in e.items()}, {"AudioWAV": "CREMA-D recordings", "VideoFlash": "CREMA-D recordings", "SentenceFilenames.csv": "CREMA-D stimuli", "VideoDemographics.csv": "CREMA-D actors", "finishedEmoResponses.csv": "CREMA-D first responses with their time", "finishedResponses.csv": "CREMA-D responses of every rater", "summaryTable.csv": "CREMA-D summary of votes"})
check("CREMA-D counts", (e["crema/AudioWAV"]["emotion"], e["crema/VideoFlash"]["speaker"], e["crema/finishedResponses.csv"]["respEmo"], e["crema/finishedResponses.csv"]["queryType"], e["crema/SentenceFilenames.csv"][AGAIN], e["crema/VideoDemographics.csv"]["Sex"]), ({"ANG": 2, "NEU": 1}, {"1001": 2, "1002": 1}, {"H": 1, "N": 1}, {"1": 1, "2": 1}, 1, {"Female": 1, "Male": 1}))

# MERBench: raw labels, transcripts, label npz with a clip in two splits, features an npy a clip
text(at("mer", "train-label.csv"), "name,discrete,valence\ns_1,happy,1.5\ns_2,angry,-2\n"); text(at("mer", "test3-label.csv"), "name,discrete\ns_2,angry\n"); text(at("mer", "transcription-engchi-polish.csv"), 'name,chinese,english\ns_1,\u6211,"Me, I"\n')
for i in range(12): np.save(at("mer", "features", "chinese-hubert-large-UTT", f"s_{i}.npy"), np.full(16, np.nan if i == 3 else i, "f4"))
for i in range(12): np.save(at("mer", "features", "clip-FRA", f"s_{i}.npy"), np.zeros((i, 8), ">f4"))
text(at("mer", "features", "clip-FRA", "s_99.npy"), "no array")
corpus = lambda names: {n: {"emo": "happy", "val": -10} for n in names}
np.savez_compressed(at("mer", "label-6way.npz"), train_corpus=corpus(["a", "b"]), test1_corpus=corpus(["b", "c"])); np.savez_compressed(at("mer", "label_4way.npz"), whole_corpus={"Ses01F_impro01_F000": {"emo": 2, "val": -10}})
e = every(at("mer", "")); u, f = e["mer/features/chinese-hubert-large-UTT"], e["mer/features/clip-FRA"]
check("MERBench raw", (e["mer/train-label.csv"]["is"], e["mer/train-label.csv"]["discrete"], oddities(e["mer/train-label.csv"], ELSEWHERE), e["mer/transcription-engchi-polish.csv"]["is"]), ("MERBench labels (MER 2023)", {"angry": 1, "happy": 1}, [1], "MERBench transcripts"))
check("MERBench npz", (e["mer/label-6way.npz"]["is"], e["mer/label-6way.npz"]["train_corpus"], e["mer/label-6way.npz"]["clips in several splits"], e["mer/label_4way.npz"]["is"]), ("MERBench labels", 2, 1, "MERBench labels"))
check("MERBench features", (u["files"], u["shape of a row"], u["values"]["nan"], f["files"], f["shape of a row"], f["rows of a file"]["max"], *oddities(f, "files of zero length", "unreadable files")), (12, {"float32 (16)": 12}, 16, 13, {"float32 (8)": 12}, 11, 1, 1))

# Booth 2016: raw traces, features, fused traces, the tasks put to raters
x = info(text(at("TaskA_ann1.csv"), "Time(sec),Data\n0.03,0.5\n0.03,0.5\n0.10,0.6\n0.05,0.4\n")); check("Booth raw", [x["is"]] + oddities(x, "rows that run backwards in time", "rows at the time of the one before"), ["Booth 2016 trace", 1, 1])
for column, what in ("Time(sec),Intensity", "feature"), ("Time(sec),Diff Intensity", "feature (difference)"), ("Time_sec,Data", "fused trace"): x = info(text(at("b.csv"), column + "\n0.0,0.5\n0.1,nan\n")); check("Booth " + what, (x["is"], x["licence"], x[column.split(",")[1]]["nan"]), ("Booth 2016 " + what, "MIT", 1))
x = info(text(at("MTurk_batch_0.csv"), "ref_video_url,a_video_url,b_video_url,ref_start,ref_end,a_start,a_end,b_start,b_end\nu,u,u,255.3,260.1,19.4,22.6,145.9,149.3\n")); check("Booth tasks", x["is"], "Booth 2016 triplets to compare")

# FER+ as published, EmoBank's perspectives, GoEmotions' raters, MELD's recordings
x = info(text(at("fer2013new.csv"), "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\nTraining,fer0000000.png,4,0,0,1,3,2,0,0,0,0\nTraining,fer0000000.png,6,0,1,1,0,0,0,0,1,0\nPublicTest,fer0028638.png,4,0,0,0,1,0,0,4,1,0\n"))
check("FER+", (x["is"], x["Usage"], x["most votes"], *oddities(x, AGAIN, "rows whose votes are not ten")), ("FER+ votes", {"Training": 2, "PublicTest": 1}, {"neutral": 3}, 1, 1))
check("EmoBank reader", info(text(at("reader.csv"), "id,V,A,D,stdV,stdA,stdD,N\nx_1,3.2,3,3.1,.4,0,.3,5\n"))["is"], "EmoBank (means and deviations of one perspective)")
check("GoEmotions raters", info(text(at("goemotions_1.csv"), "text,id,author,subreddit,link_id,parent_id,created_utc,rater_id,example_very_unclear,admiration,neutral\nhi,e1,a,s,l,p,1.0,7,FALSE,1,0\n"))["example_very_unclear"], {"FALSE": 1})
for i in range(3): text(at("train_splits", f"dia{i}_utt0.mp4"), "")
check("MELD recordings", (info(at("train_splits", ""))["files"], info(at("train_splits", ""))["is"][:15]), (3, "MELD recordings"))
print(f"{passed} passed, {failed} failed"); sys.exit(failed > 0)
