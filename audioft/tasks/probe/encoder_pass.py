"""One frozen pass of one encoder over clips, in a process of its own.

So its memory is its own, too: a process's peak hides that of whatever comes after a larger one; and an encoder for
which there is not enough memory ends its own process, not the comparison.

As a program it takes an `Order` on standard input and answers in lines of JSON on standard output.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import audioft
from audioft.configuration.sections import DataSection
from audioft.core import runtime
from audioft.errors import AudioError, AudioftError, ModelError

if TYPE_CHECKING:
    import numpy as np

    from audioft.data.clip import Clip

LOG_MEL = "log-mel"


@dataclass(frozen=True)
class Order:
    """What is to be done.

    Attributes:
        encoder: its name, or `log-mel`.
        clips: N clips.
        digests: of their recordings.
        seconds: the length of each.
        max_seconds: as the encoder hears them, see `evaluation.embeddings.embed_clips`; and so for `batch_seconds`.
        device: `auto`, `cpu`, `cuda`.
        store: where features are kept; None keeps none.
        result: the `.npy` file to write.
        data: of the config, which may say how recordings are heard.
    """

    encoder: str
    clips: tuple[Clip, ...]
    digests: tuple[str, ...]
    seconds: tuple[float, ...]
    max_seconds: float
    batch_seconds: float | None
    device: str
    store: Path | None
    result: Path
    data: DataSection = field(default_factory=DataSection)


@dataclass(frozen=True)
class Passed:
    """What came of it; the features are in `Order.result`.

    Attributes:
        parameters, width: of the encoder.
        reused: clips whose features had been kept.
        failures: position of a clip, stage and reason, of each that could not be read to its end.
        seconds_per_minute: seconds for a minute of this sound, reading included, see `pass_cost`; None if it was not
            measured.
        peak_bytes: memory taken at most from before loading on, on a GPU that of the GPU; likewise.
        notes: what the user should know of the encoder.
        unkept: why the store could not be written.
        sha256: of the encoder's weights, see `adapting.fingerprint`; empty for `log-mel`.
        revision: its commit on the hub, where it is from there.
        settings: see `probed_encoder.settings`; likewise.
    """

    parameters: int
    width: int
    reused: int
    failures: tuple[tuple[int, str, str], ...]
    seconds_per_minute: float | None
    peak_bytes: int | None
    notes: tuple[str, ...] = ()
    unkept: str | None = None
    sha256: str = ""
    revision: str | None = None
    settings: dict[str, str] = field(default_factory=dict)


def features(order: Order, progress: Callable[[int], None], say: Callable[[str], None]) -> tuple[np.ndarray, Passed]:
    """Carry an order out in another process.

    Args:
        order: what to do.
        progress: is called with the number of clips done, first with those that were kept.
        say: is called with what is to be known before the encoder goes over the others.

    Returns:
        `(N, L + 1, 2 * H)` float32, mapped from `order.result`, and what else came of it.

    Raises:
        ModelError: the encoder cannot be loaded, or its process ended before it was done.
    """
    import numpy as np

    answer: dict[str, Any] = {}
    with tempfile.TemporaryFile() as complaints:
        with _start(complaints) as process:
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                with process.stdin:
                    pickle.dump(order, process.stdin)
                for line in process.stdout:
                    answer = json.loads(line)
                    if "done" in answer:
                        progress(answer["done"])
                    elif "said" in answer:
                        say(answer["said"])
            except BrokenPipeError:
                pass  # it has ended: why is told below
            except BaseException:
                process.kill()
                raise
        if "failed" in answer:
            raise ModelError(answer["failed"])
        if "passed" not in answer:
            raise ModelError(_ended(process.returncode, complaints))
    passed = answer["passed"]
    lists = {"failures": tuple(map(tuple, passed["failures"])), "notes": tuple(passed["notes"])}
    return np.load(order.result, mmap_mode="r"), Passed(**passed | lists)


def _start(complaints: IO[bytes]) -> subprocess.Popen:
    found = os.pathsep.join([str(Path(audioft.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "audioft.tasks.probe.encoder_pass"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env=os.environ | {"PYTHONPATH": found.rstrip(os.pathsep)},
    )


def _ended(code: int, complaints: IO[bytes]) -> str:
    complaints.seek(0)
    text = complaints.read().decode(errors="replace").strip()
    lines = text.splitlines() or [""]
    if code == -9 or "out of memory" in text.lower() or "can't allocate" in text.lower():
        return "there was not enough memory for it; try a smaller --batch-seconds or data.max_seconds"
    return f"its process ended with code {code} before it was done: {lines[-1][:300]}"


def carry_out(order: Order, tell: Callable[[dict[str, Any]], None]) -> None:
    """The pass itself: `tell` hears `{"said": ...}` before it, `{"done": n}` as it goes on, and `{"passed": ...}`."""
    import numpy as np

    from audioft.assembly import hearings, probed_encoder
    from audioft.core.runtime import find_device
    from audioft.evaluation.embedding_store import opened
    from audioft.evaluation.embeddings import embed_clips
    from audioft.evaluation.probe import embed
    from audioft.evaluation.scoring import preparation_of
    from audioft.models.adapting import fingerprint
    from audioft.models.architecture import count
    from audioft.models.loading import load_encoder
    from audioft.models.log_mel import LogMel
    from audioft.tasks.probe import pass_cost

    device = find_device(order.device)
    before = runtime.memory("VmRSS")
    notes: tuple[str, ...] = ()
    which: dict[str, Any] = {}
    if order.encoder == LOG_MEL:
        encoder: Any = LogMel(order.data.time_expansion, order.data.band)
    else:
        encoder, report = load_encoder(order.encoder)
        hearings.give(order.data, encoder)
        hearings.refuse_longer(order.max_seconds, encoder, order.encoder)
        notes = report.notes
        which = {"sha256": fingerprint(encoder.model), "revision": encoder.revision}
        which["settings"] = probed_encoder.settings(encoder)
    max_seconds = order.max_seconds / encoder.preprocessing.hearing.expansion
    encoder = encoder.to(device).eval().requires_grad_(False)
    warm = np.random.default_rng(0).normal(size=encoder.sample_rate)
    embed(encoder, [preparation_of(encoder)(warm)])  # what is done once only is no part of the speed
    costs = pass_cost.Costs(encoder, order.clips, order.seconds, max_seconds, order.batch_seconds)
    with opened(order.store, encoder, max_seconds) as kept:
        costs.read(None if kept is None else kept.folder)

        def progress(done: int) -> None:
            if not told_before and (line := costs.told(len(order.clips) - done)) is not None:
                tell({"said": line})
            told_before.append(done)
            tell({"done": done})

        told_before: list[int] = []
        found = embed_clips(
            encoder,
            order.clips,
            max_seconds=max_seconds,
            batch_seconds=order.batch_seconds,
            store=kept,
            digests=order.digests,
            progress=progress,
        )
        cost = costs.of(found, lambda: _peak(device, before))
    with open(order.result, "wb") as file:
        np.save(file, found.features)
    failures = tuple((i, e.stage, e.reason) for i, e in sorted(found.failures.items()))
    told: dict[str, Any] = {"notes": notes, "unkept": found.unkept, **asdict(cost), **which}
    tell({"passed": asdict(Passed(count(encoder), encoder.hidden_size, found.reused, failures, **told))})


def _peak(device: Any, before: int | None) -> int | None:
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    # not ru_maxrss, which a new process inherits from the one that started it
    highest = runtime.memory("VmHWM")
    if before is None or highest is None or highest <= before:  # a pass in memory that was free: nothing is known of it
        return None
    return highest - before


def main() -> int:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer

    def tell(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    order = pickle.load(sys.stdin.buffer)
    try:
        carry_out(order, tell)
    except AudioftError as e:
        reason = e.reason if isinstance(e, AudioError) else str(e)
        tell({"failed": reason})
        return 1
    return 0


if __name__ == "__main__":
    from audioft.tasks.probe import encoder_pass  # an Order is of the module by its name, not of `__main__`

    raise SystemExit(encoder_pass.main())
