# Pitch, formants and harmonicity every 10 ms, then jitter and shimmer of the whole file.
form Measure
  sentence file
endform
sound = Read from file: file$
pitch = To Pitch: 0.01, 75, 600
frames = Get number of frames
selectObject: sound
formants = To Formant (burg): 0.01, 5, 5500, 0.025, 50
selectObject: sound
harmonicity = To Harmonicity (cc): 0.01, 75, 0.1, 1
for i to frames
  selectObject: pitch
  t = Get time from frame number: i
  f0 = Get value in frame: i, "Hertz"
  selectObject: formants
  f1 = Get value at time: 1, t, "hertz", "linear"
  f2 = Get value at time: 2, t, "hertz", "linear"
  selectObject: harmonicity
  hnr = Get value at time: t, "cubic"
  if f0 <> undefined and f1 <> undefined and f2 <> undefined and hnr <> undefined
    appendInfoLine: "frame ", fixed$ (t, 6), " ", f0, " ", f1, " ", f2, " ", hnr
  endif
endfor
selectObject: sound, pitch
points = To PointProcess (cc)
jitter = Get jitter (local): 0, 0, 0.0001, 0.02, 1.3
selectObject: points, sound
shimmer = Get shimmer (local_dB): 0, 0, 0.0001, 0.02, 1.3, 1.6
appendInfoLine: "whole ", jitter, " ", shimmer
