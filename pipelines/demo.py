"""Train on the sample voices, measure, label new recordings, and check that the labels are right: `make demo`.

The new recordings carry the voice's name in their file name, so the answer can be checked.
"""

import sys
import time
from pathlib import Path

import audioft

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")

began = time.monotonic()
same = {"train.precision": "fp32"}  # the same numbers on every machine
run = audioft.finetune("samples/speakers", out=OUT, overrides=same, overwrite=True)
trained = time.monotonic() - began
quiet = audioft.Console(quiet=True)
report = audioft.evaluate(run, "samples/speakers", out=OUT / "evaluation", overwrite=True, console=quiet)

print("\nnew recordings")
right = total = 0
for p in audioft.predict(run, "samples/recordings"):
    truth = Path(p.path).name.split("_")[0]
    total, right = total + 1, right + (p.label == truth)
    judged = "right" if p.label == truth else f"wrong: {truth}"
    print(f"  {p.path:<44} {p.label or 'FAILED':<8} {p.score:.2f}  {judged}")

accuracy = report.metrics["accuracy"]
print(f"""
fine-tuned in {trained:.0f} s, measuring included
test side     accuracy {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}), {report.clips} clips
new           {right} of {total} right
run folder    {run.folder}
model         {run.model}
report        {run.folder / "report.html"}
label more    .venv/bin/audioft predict {run.folder} YOUR_RECORDING.wav""")
sys.exit(0 if right == total and accuracy.value >= 0.8 else "the model is not as right as it should be")
