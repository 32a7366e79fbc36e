"""Label new recordings with a trained run or a model folder.

python pipelines/predict_recordings.py runs/speakers samples/recordings
"""

import sys

import audioft

model, *inputs = sys.argv[1:]
failed = 0
for p in audioft.predict(model, inputs):
    if p.error is not None:
        failed += 1
        print(f"{p.path}: {p.error.reason}", file=sys.stderr)
        continue
    others = ", ".join(f"{label} {score:.2f}" for label, score in p.top(3)[1:])
    print(f"{p.path}: {p.label} {p.score:.2f} ({others})")
sys.exit(int(failed > 0))
