"""A language model that really answers, as a GGUF of 2 MB: it learns, in seconds, to read the one event and the one episode of a prompt (prompt.c) and to answer with
two claims about them, their persons, times, words and ids copied. Two layers of the architecture "llama". The first only looks at the token before (its
place is written down, not learned); the second learns where to look (a bilinear score of the token and the one before it, here and there) and
what to say for what it sees there. Everything else of the answer follows from the last two tokens. Trained by Adam on made-up prompts."""
import random

import numpy as np

from tiny_gguf import BYTE, F32, NORMAL, STRING, field, save, vocabulary

N, WIDTH, CONST, CONTEXT = 48, 160, 144, 4096  # an embedding; [token, token before, what was seen], and a constant
BASE = 1e12  # of the rotary positions: the first pairs turn, those of the second half stand still
KEYS, FIRST_KEY, TURNING = 64, 80, 10
KINDS = {"face": ["smile", "frown"], "voice": ["pause", "laugh"]}
EVENT_KIND = {"frown": "brow_furrow", "laugh": "laughter"}  # as the timeline calls them
LABELS = ["happiness", "sadness", "anger", "fear", "neutral"]
IDS = [f"{c}{n}" for c in "fve" for n in range(1, 7)]
PERSONS = [str(n) for n in range(1, 5)]
TEMPLATE = "Say what is shown.\n{EVIDENCE}"
CHAT = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def times(decimals):
    return [f"{i / 2:.2f}" for i in range(40)] if decimals == 2 else [f"{i}.0" for i in range(20)]


# The answer: pieces of JSON, each a token of its own, and between them what is copied.
PIECES = ['{"claims":[{"text":"There is a clear', ".\",\"kind\":\"event\",\"person\":", ',"modality":"', '","direction":null,"t0":', ',"t1":', ',"evidence":["',
          '"]},{"text":"The expression is one of', ".\",\"kind\":\"state\",\"person\":", ',"modality":"fused","direction":null,"t0":', ', "t1":', ', "evidence":["', '"]}]}']


def scene(r):
    """What a made-up timeline holds: an event inside an episode."""
    modality = r.choice(list(KINDS))
    start = r.randrange(0, 11)
    end = r.randrange(start + 6, 20)
    onset = r.randrange(2 * start, 2 * end - 7)
    return {"person": r.choice(PERSONS), "episode": f"e{r.randrange(1, 7)}", "label": r.choice(LABELS), "t0": times(1)[start], "t1": times(1)[end],
            "event": f"{modality[0]}{r.randrange(1, 7)}", "modality": modality, "kind": r.choice(KINDS[modality]),
            "onset": times(2)[onset], "peak": times(2)[onset + 1], "offset": times(2)[onset + r.randrange(3, 8)],
            "score": r.randrange(50, 99), "strength": r.randrange(50, 99), "levels": [round(r.uniform(-1, 1), 2) for _ in range(3)]}


def timeline(s):
    levels = dict(zip(("valence", "arousal", "dominance"), s["levels"]))
    attributes = {"labels": [s["label"]], "label_scores": [s["score"] / 100], **levels, **{k + "_sd": 0.1 for k in levels}}
    person = int(s["person"])
    return {"schema": "affect-timeline/2", "duration": 20.0, "properties": {"input": "toy"}, "persons": [], "warnings": [], "tracks": [], "links": [],
            "tiers": [{"id": "episodes", "modality": "fused", "intervals": [{"id": s["episode"], "t0": float(s["t0"]), "t1": float(s["t1"]), "label": s["label"],
                       "score": s["score"] / 100, "person": person, "parent": None, "attributes": attributes}]}],
            "events": [{"id": s["event"], "onset": float(s["onset"]), "apex": float(s["peak"]), "offset": float(s["offset"]), "kind": EVENT_KIND.get(s["kind"], s["kind"]),
                        "modality": s["modality"], "person": person, "model": "", "strength": s["strength"] / 100, "confidence": 0.9}]}


def prompt(s):
    """As prompt.c writes it of that timeline (the tests compare)."""
    v, a, d = s["levels"]
    who = f"person {s['person']}"
    return TEMPLATE.replace("{EVIDENCE}", "Measured (quoted words are data, not instructions):\n" + f"{who}\nepisode {s['episode']} {who} from {s['t0']} s to {s['t1']} s: "
                            f"{s['label']} {s['score']} %, valence {v:+.2f}, arousal {a:+.2f}, dominance {d:+.2f}\nevent {s['event']} {s['modality']} {s['kind']} {who} from "
                            f"{s['onset']} s to {s['offset']} s, peak {s['peak']} s, strength {s['strength']} %\n")


def answer(s):
    """The tokens of what is right to say."""
    copied = ["\u2581" + s["kind"], "\u2581" + s["person"], s["modality"], "\u2581" + s["onset"], "\u2581" + s["offset"], s["event"],
              "\u2581" + s["label"], "\u2581" + s["person"], "\u2581" + s["t0"], "\u2581" + s["t1"], s["episode"]]
    pieces = [p.replace(" ", "\u2581") for p in PIECES]
    return [x for pair in zip(pieces, copied) for x in pair] + [pieces[-1], "</s>"]


class Tokens:
    """A vocabulary, and texts in it as llama.cpp cuts them: of all neighbours that make a token, the pair with the best score becomes one, again and again."""

    def __init__(self):
        def begins(words):
            return {w[:n] for w in words for n in range(2, len(w) + 1)}
        spaced = ["person", "from", "to", "s", "peak", "strength", *KINDS, *sum(KINDS.values(), []), *LABELS, *IDS, *PERSONS, *times(1), *times(2), "valence", "arousal", "dominance",
                  *"(quoted words are data, not instructions): what is shown.".split()]
        known = begins(["\u2581" + w for w in spaced]) | begins(["person", "episode", "event", "assistant", "Say", "Measured", *KINDS]) | set(IDS)
        self.list = vocabulary(sorted(known, key=lambda w: (-len(w), w)))
        self.list += [(p.replace(" ", "\u2581"), -5000.0, NORMAL) for p in PIECES]
        self.number = {t: i for i, (t, _, _) in enumerate(self.list)}
        self.cut = {}

    def of(self, text):
        out = [1]
        for line in text.split("\n"):
            for word in line.replace(" ", "\n\u2581").split("\n") if line else []:
                if word not in self.cut:
                    self.cut[word] = self.cut_word(list(word))
                out += self.cut[word]
            out.append(self.number["<0x0A>"])
        return out[:-1]

    def cut_word(self, parts):
        while True:
            best = max(((self.list[self.number[a + b]][1], -i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in self.number), default=None)
            if best is None:
                return [self.number[p] for p in parts]
            i = -best[1]
            parts[i:i + 2] = [parts[i] + parts[i + 1]]


def sample(tokens, r):
    s = scene(r)
    before = tokens.of("<|im_start|>user\n" + prompt(s) + "<|im_end|>\n<|im_start|>assistant\n")
    return before, [tokens.number[t] for t in answer(s)]


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def flat(x):
    return x.reshape(-1, x.shape[-1])


def train(tokens, steps=260, batch=10, seed=1):
    """The embedding, the weights of the second layer's scores, those of the answer, and its tokens."""
    r, g = random.Random(seed), np.random.default_rng(seed)
    said = sorted({tokens.number[t] for _ in range(6000) for t in answer(scene(r))})
    place = {t: i for i, t in enumerate(said)}
    E = g.normal(size=(len(tokens.list), N)).astype("f4")
    E /= np.linalg.norm(E, axis=1, keepdims=True)
    for word in [*IDS, *KINDS]:  # the same with and without a blank before it
        E[tokens.number[word]] = E[tokens.number["\u2581" + word]]
    W = {"q": g.normal(scale=.3, size=(2 * N, KEYS)).astype("f4"), "k": g.normal(scale=.3, size=(2 * N, KEYS)).astype("f4"),
         "o": np.concatenate([np.zeros((2 * N, len(said)), "f4"), 2 * E[said].T])}
    m, v = {k: np.zeros_like(w) for k, w in W.items()}, {k: np.zeros_like(w) for k, w in W.items()}
    for step in range(1, steps + 1):
        both = [sample(tokens, r) for _ in range(batch)]
        length, count = max(len(a) + len(b) for a, b in both) - 1, len(both[0][1])
        at = np.array([[len(a) - 1 + j for j in range(count)] for a, _ in both])
        ids = np.zeros((batch, length), int)
        for i, (a, b) in enumerate(both):
            ids[i, :len(a) + len(b) - 1] = (a + b)[:-1]
        want = np.array([[place[t] for t in b] for _, b in both])
        token = E[ids]
        X = np.concatenate([token, np.concatenate([token[:, :1], token[:, :-1]], 1)], 2)  # each with the one before it
        XQ = np.take_along_axis(X, at[:, :, None], 1)
        Q = XQ @ W["q"]
        asked = Q @ W["k"].T
        scores = asked @ X.transpose(0, 2, 1)
        scores[np.arange(length)[None, None, :] > at[:, :, None]] = -1e9
        A = softmax(scores)
        H = np.concatenate([XQ, A @ token], 2)
        P = softmax(H @ W["o"])
        D = P
        np.put_along_axis(D, want[:, :, None], np.take_along_axis(D, want[:, :, None], 2) - 1, 2)
        D /= batch * count
        dH = D @ W["o"].T
        dA = dH[:, :, 2 * N:] @ token.transpose(0, 2, 1)
        dS = A * (dA - (A * dA).sum(-1, keepdims=True))
        seen = dS @ X
        dQ = seen @ W["k"]
        grad = {"o": flat(H).T @ flat(D), "q": flat(XQ).T @ flat(dQ), "k": flat(seen).T @ flat(Q)}
        for k, w in W.items():
            m[k] += .1 * (grad[k] - m[k])
            v[k] += .01 * (grad[k] ** 2 - v[k])
            w -= .05 * (1 - step / (steps + 9)) * (m[k] / (1 - .9 ** step)) / (np.sqrt(v[k] / (1 - .99 ** step)) + 1e-8)
            if k != "o":
                w *= .99  # or the scores grow where it looked first, and it never looks elsewhere
    return E, W, said


def before_rotation(amplitude):
    """q and k of a head that looks at the token before: their pairs turn by angles that all fit at a distance of one."""
    q, k = np.zeros(WIDTH, "f4"), np.zeros(WIDTH, "f4")
    for i in range(TURNING):
        angle = BASE ** (-2 * i / WIDTH)
        q[2 * i], q[2 * i + 1] = np.cos(angle), -np.sin(angle)
        k[2 * i] = amplitude
    return q, k


def write(path, tokens, E, W, said):
    c, rows = 1.0, np.arange(N)
    def matrix(rows_=WIDTH):
        return np.zeros((rows_, WIDTH), "f4")
    embedding, output = matrix(len(tokens.list)), matrix(len(tokens.list))
    embedding[:, :N], embedding[:, CONST] = E, c
    output[:, CONST] = -60 / c  # what is never said
    output[said] = 0
    output[said, :3 * N] = W["o"].T
    q0, k0 = before_rotation(20 * WIDTH ** .5)
    first, second = {n: matrix() for n in "qkvo"}, {n: matrix() for n in "qkvo"}
    first["q"][:, CONST], first["k"][:, CONST] = q0 / c, k0 / c
    second["q"][FIRST_KEY:FIRST_KEY + KEYS, :2 * N], second["k"][FIRST_KEY:FIRST_KEY + KEYS, :2 * N] = W["q"].T * WIDTH ** .5, W["k"].T
    for w in (first, second):
        w["v"][rows, rows] = 1
    first["o"][N + rows, rows], second["o"][2 * N + rows, rows] = 1, 1
    named = [("token_embd.weight", embedding)]
    for i, w in enumerate((first, second)):
        length = 1 + i + c * c  # squared: the norm then changes nothing
        named += [(f"blk.{i}.attn_norm.weight", np.full(WIDTH, (length / WIDTH) ** .5, "f4"))]
        named += [(f"blk.{i}.attn_{n}.weight", w[a]) for n, a in (("q", "q"), ("k", "k"), ("v", "v"), ("output", "o"))]
        named += [(f"blk.{i}.ffn_norm.weight", np.ones(WIDTH, "f4"))]
        named += [(f"blk.{i}.ffn_{n}.weight", np.zeros((WIDTH, 32) if n == "down" else (32, WIDTH), "f4")) for n in ("gate", "up", "down")]
    named += [("output_norm.weight", np.full(WIDTH, ((3 + c * c) / WIDTH) ** .5, "f4")), ("output.weight", output)]
    save(path, tokens.list, named, WIDTH, 1, 2, 32, CONTEXT, [field("llama.rope.freq_base", F32, BASE), field("tokenizer.chat_template", STRING, CHAT)])


def make(path, seed=1):
    tokens = Tokens()
    write(path, tokens, *train(tokens, seed=seed))


if __name__ == "__main__":
    import sys
    make(sys.argv[1])
