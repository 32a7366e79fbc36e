"""How far a merged label's scores are from the sum of its parts: `python tests/benchmarks/relabelled.py MODEL DATA`."""

import sys
import tempfile
from pathlib import Path

import audioft

if __name__ == "__main__":
    model, data = sys.argv[1:]
    first, second = audioft.load_model(model).labels[:2]
    with tempfile.TemporaryDirectory() as place:
        made = audioft.relabel(model, Path(place) / "merged", merge={"both": [first, second]})
        pairs = list(zip(audioft.predict(model, data), audioft.predict(made, data), strict=True))
    off = max(abs(old.scores[first] + old.scores[second] - new.scores["both"]) for old, new in pairs)
    print(f"{len(pairs)} recordings, {first!r} and {second!r} made one: largest difference {off:.0e}")
