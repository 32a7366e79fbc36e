"""Train one model a folder, go on past a failure, and end with a table.

python pipelines/train_batch.py runs/batch samples/speakers samples/sounds
"""

import sys
from pathlib import Path

import audioft

out, *sources = sys.argv[1:]
failed = 0
rows = []
for source in sources:
    folder = Path(out) / Path(source).name
    try:
        run = audioft.finetune(source, out=folder, overrides={"train.epochs": 4}, console=audioft.Console(quiet=True))
    except audioft.AudioftError as problem:
        failed += 1
        rows.append((source, "failed", str(problem).splitlines()[0]))
        continue
    main = run.report.metrics[run.report.main]
    rows.append((source, f"{main.value:.3f}", f"{main.low:.3f} to {main.high:.3f}, {run.model}"))
for row in rows:
    print("{:<24} {:<8} {}".format(*row))
sys.exit(int(failed > 0))
