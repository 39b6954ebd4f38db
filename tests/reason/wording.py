"""affect check on another wording than that of claims.py: it was written after the checker, which then had to learn from it.
usage: wording.py AFFECT"""
import itertools
import json
import os
import subprocess
import sys
import tempfile

from made import timeline

affect = os.path.abspath(sys.argv[1])
d, names = timeline(4)
ep=d['tiers'][0]['intervals']
def c(text,kind,person,modality,direction,t0,t1,evidence): return dict(text=text,kind=kind,person=person,modality=modality,direction=direction,t0=t0,t1=t1,evidence=evidence)
claims=[];truth=[]
def add(ok,*a): claims.append(c(*a)); truth.append(ok)
W={'smile':['The corners of the mouth go up briefly.','A bright smile flashes across her face at {a:.1f} s.','You can see a smile build up and fade within {l:.1f} seconds.','Smiling is visible at {a:.1f} s.'],
'brow_raise':['Both brows shoot up.','A quick eyebrow flash occurs at {a:.1f} s.','The eyebrows are raised between {o:.1f} and {f:.1f} s.'],
'brow_furrow':['The brows draw together.','A frown crosses the face at {a:.1f} s.','The forehead tightens into a frown.'],
'micro_expression':['Something flickers across the face for an instant: a micro-expression.','A very brief facial movement is seen at {a:.1f} s.'],
'pitch_rise':['The voice climbs in pitch at {a:.1f} s.','Vocal pitch goes up.','The intonation rises.'],
'pitch_fall':['The voice drops.','Vocal pitch sinks at {a:.1f} s.','The intonation falls towards {f:.1f} s.'],
'emphasis':['A word is stressed.','Vocal emphasis is heard at {a:.1f} s.'],
'pause':['There is a moment of silence.','The speaker hesitates and pauses at {a:.1f} s.','Speech stops for {l:.1f} s.'],
'negation':['The speaker uses a negation.','Something is negated at {a:.1f} s.'],
'swearing':['A swear word slips out.','The speaker curses at {a:.1f} s.'],
'intensifier':['An intensifier is used.','The wording is intensified at {a:.1f} s.']}
for e in d['events']:
    for t in W[e['kind']]:
        nat={'pitch_rise':'rise','pitch_fall':'fall'}.get(e['kind'])
        f=dict(a=e['apex'],o=e['onset'],f=e['offset'],l=e['offset']-e['onset'])
        add(True,t.format(**f),'event',e['person'],e['modality'],nat,e['onset'],e['offset'],[e['id']])
A={'happiness':['in good spirits','content','delighted','upbeat'],'sadness':['downcast','low','dejected','gloomy','down'],'anger':['annoyed','mad','irate','hostile'],'fear':['anxious','scared','worried','nervous'],'neutral':['calm','composed','without strong emotion','emotionally flat']}
for e in ep:
    for w in A[e['label']]:
        n=names[e['person']-1]
        for t in ('{n} looks {w} here.','The overall impression is that {n} is {w} from {a:.0f} s until {b:.0f} s.'):
            add(True,t.format(n=n,w=w,a=e['t0'],b=e['t1']),'state',e['person'],'fused',None,e['t0'],e['t1'],[e['id']])
    wrong={'happiness':'miserable','sadness':'thrilled','anger':'cheerful','fear':'relaxed and happy','neutral':'enraged'}[e['label']]
    add(False,f"{names[e['person']-1]} seems {wrong}.",'state',e['person'],'fused',None,e['t0'],e['t1'],[e['id']])
for a in ep:
    for b in ep:
        if a['person']==b['person'] and a['t1']==b['t0']:
            dv=b['attributes']['valence']-a['attributes']['valence']; da=b['attributes']['arousal']-a['attributes']['arousal']
            if abs(dv)>.3:
                n=names[a['person']-1]
                for t in (['{n} cheers up around {t:.0f} s.','Things get more positive for {n}.','There is a clear improvement in mood.','{n} becomes happier, with valence going up.'] if dv>0 else ['{n} sours around {t:.0f} s.','Things get more negative for {n}.','There is a clear decline in mood.','{n} becomes less happy, valence going down.']):
                    add(True,t.format(n=n,t=b['t0']),'change',a['person'],'fused','rise' if dv>0 else 'fall',a['t0'],b['t1'],[a['id'],b['id']])
                for t in (['The mood of {n} collapses.','Valence plunges.'] if dv>0 else ['The mood of {n} soars.','Valence surges.']):
                    add(False,t.format(n=n),'change',a['person'],'fused','rise' if dv>0 else 'fall',a['t0'],b['t1'],[a['id'],b['id']])
                add(False,'Valence stays flat.','change',a['person'],'fused','steady',a['t0'],b['t1'],[a['id'],b['id']])
N={'smile':'smile','brow_raise':'eyebrow raise','brow_furrow':'frown','micro_expression':'micro-expression','pitch_rise':'pitch rise','pitch_fall':'pitch fall','emphasis':'vocal emphasis','pause':'pause','negation':'negation','swearing':'swear word','intensifier':'intensifier'}
es=d['events']
for a,b in itertools.combinations(es,2):
    if a['kind']!=b['kind'] and .5<b['onset']-a['onset']<6 and b['apex']>a['apex']+.3:
        p=a['person'] if a['person']==b['person'] else None
        m=a['modality'] if a['modality']==b['modality'] else 'fused'
        x,y=N[a['kind']],N[b['kind']]; lag=b['onset']-a['onset']
        t1=max(a['offset'],b['offset'])
        for ok,t in ((True,'The {y} only starts once the {x} has begun.'),(True,'The {x} anticipates the {y}.'),(True,'The {x} is the earlier of the two, the {y} the later.'),(True,'It starts with a {x}; later there is a {y}.'),(True,'Subsequent to the {x}, a {y} occurs.'),(False,'The {y} anticipates the {x}.'),(False,'It starts with a {y}; later there is a {x}.'),(False,'The {x} comes only after the {y}.')):
            add(ok,t.format(x=x,y=y),'order',p,m,None,a['onset'],t1,[a['id'],b['id']])
        for ok,t in ((True,'The {y} lags the {x} by {l:.2f} s.'),(True,'There are {ms:.0f} ms between the {x} and the {y}.'),(True,'{l:.1f} seconds after the {x} comes the {y}.'),(False,'The {y} lags the {x} by {w:.2f} s.'),(False,'There are {wm:.0f} ms between the {x} and the {y}.')):
            add(ok,t.format(x=x,y=y,l=lag,ms=lag*1000,w=lag*2+.5,wm=lag*3000),'lag',p,m,None,a['onset'],t1,[a['id'],b['id']])
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    with open("t.json", "w") as f:
        json.dump(d, f)
    with open("e.json", "w") as f:
        json.dump({"schema": "affect-explanation/1", "claims": claims}, f)
    done = subprocess.run([affect, "check", "t.json", "e.json", "--json"], capture_output=True, text=True)
assert done.returncode == 0, done.stderr
counts = {(a, b): 0 for a in (True, False) for b in (True, False)}
for k, ok in zip(json.loads(done.stdout)["claims"], truth):
    supported = k["verdict"] == "supported"
    counts[ok, supported] += 1
    if supported != ok:
        print("true, flagged:" if ok else "false, passed:", k["text"], k["reason"], k["evidence"])
precision = counts[False, False] / (counts[False, False] + counts[True, False])
recall = counts[False, False] / (counts[False, False] + counts[False, True])
print(f"{len(claims)} claims: precision {precision:.3f}, recall {recall:.3f}")
assert precision >= 0.95 and recall >= 0.95
