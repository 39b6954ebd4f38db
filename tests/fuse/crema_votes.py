#!/usr/bin/env python3
"""How people weigh a face against a voice: fits log p(both) = wf log p(face) + wv log p(voice) + b
on the votes of CREMA-D (the same clips judged from voice, face and both). Prints the weights that
src/fuse/label.c uses, and how they do on twenty actors left out of the fit.

    tests/fuse/crema_votes.py ../shared/data/crema_d_votes/tabulatedVotes.csv
"""
import sys

import numpy as np
import pandas as pd
from scipy.optimize import minimize

table = pd.read_csv(sys.argv[1], index_col=0)
cats = list("ADFHNS")
by_kind = {k: g.set_index("fileName")[cats] for k, g in table.groupby(table.index // 100000)}
clips = by_kind[1].index.intersection(by_kind[2].index).intersection(by_kind[3].index)
voice, face, both = [by_kind[k].loc[clips].values.astype(float) for k in (1, 2, 3)]
log_voice, log_face = [
    np.log((x + 0.5) / (x + 0.5).sum(1, keepdims=True)) for x in (voice, face)
]
actor = np.array([clip[:4] for clip in clips])
names = np.unique(actor)
np.random.RandomState(0).shuffle(names)
held = np.isin(actor, names[:20])


def loss(t, rows):
    z = t[0] * log_face[rows] + t[1] * log_voice[rows] + np.r_[t[2:], 0]
    z -= z.max(1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    return -(both[rows] * log_p).sum() / both[rows].sum(), log_p


def fit(mask):
    best = minimize(lambda t: loss(t * mask, ~held)[0], np.r_[1, 1, np.zeros(5)], method="L-BFGS-B")
    return best.x * mask


print("experts      w_face w_voice  NLL held out  same majority  (%d clips)" % held.sum())
for name, mask in (
    ("both", np.ones(7)),
    ("face alone", np.r_[1, 0, np.ones(5)]),
    ("voice alone", np.r_[0, 1, np.ones(5)]),
):
    t = fit(mask)
    nll, log_p = loss(t, held)
    same = (log_p.argmax(1) == both[held].argmax(1)).mean()
    print("%-12s %6.3f %7.3f  %12.4f  %13.4f" % (name, t[0], t[1], nll, same))
