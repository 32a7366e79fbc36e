"""The checking pass: every recording decoded once, before anything is trained on it, and remembered."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from pathlib import Path

import numpy as np

from audioft.audio import isolated_decoder, remarks
from audioft.audio.audible import changes
from audioft.audio.beyond import Beyond, differs
from audioft.audio.hearing import Heard, Hearing
from audioft.audio.io import Info
from audioft.audio.shortfalls import END_TOLERANCE
from audioft.audio.silence import SILENT, Changes
from audioft.core import csv_tables
from audioft.core.wording import counted
from audioft.data.check_cache import Memory, default_cache
from audioft.data.clip import Clip, seconds
from audioft.errors import AudioError, DataError, Problem, bullets, grouped

__all__ = ["SHORTEST", "Checked", "check", "default_cache", "enforce", "headers", "write_bad_files"]

#: Seconds, as they are heard, under which a clip holds nothing to hear, nor one frame of an encoder's convolutions (400
#: samples).
SHORTEST = 0.025
#: Hz, at which encoders hear.
HEARS = 16000


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a clip.

    Attributes:
        seconds: its duration; 0 where it could not be told.
        digest: sha256 of its recording's bytes, in hex; empty where they could not (or need not) be read.
        problem: None, or the stage (`open`, `decode`, `check`) and the reason why it cannot be used.
        note: what is to be said of its recording though it can be used.
    """

    seconds: float
    digest: str
    problem: tuple[str, str] | None = None
    note: str = ""


def check(
    clips: Sequence[Clip],
    *,
    cache: Path | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    hearing: Heard = HEARS,
) -> list[Checked]:
    """Decode each recording once, in blocks, and look at each of its clips.

    Where next to nothing of a recording's energy lies within what is heard, it is decoded once more as it is heard.

    Args:
        clips: N clips; those of one recording are looked at together.
        cache: where findings are remembered by path, size and time of change, see `default_cache`; None
            forgets. A damaged or unwritable one is ignored.
        workers: threads.
        progress: is called with (clips done, N).
        hearing: how recordings reach the encoder.

    Returns:
        N findings, in the order of the clips.
    """
    how = Hearing.of(hearing)
    found: list[Checked | None] = [None] * len(clips)
    files: dict[Path, list[int]] = {}
    for i, clip in enumerate(clips):
        files.setdefault(clip.path, []).append(i)
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        if progress:
            progress(done, len(clips))

    with Memory(cache, how) as memory:
        for path in list(files):
            known = memory.of(path)
            for i in files[path]:
                if (finding := known.get((clips[i].start, clips[i].end))) is not None:
                    found[i] = Checked(*finding)
            files[path] = [i for i in files[path] if found[i] is None]
            if not files[path]:
                del files[path]
        tell(len(clips) - sum(map(len, files.values())))
        for where, results in _looked_at(files, clips, max(1, workers), how):
            for i, result in zip(where, results, strict=True):
                found[i] = result
                # what could not be opened may be mended without a change of the file (permissions): not kept
                if not (result.problem and result.problem[0] == "open"):
                    memory.put(clips[i], dataclasses.astuple(result))
            tell(len(where))
    return [c for c in found if c is not None]


def _looked_at(
    files: dict[Path, list[int]], clips: Sequence[Clip], workers: int, how: Hearing
) -> Iterator[tuple[list[int], list[Checked]]]:
    """The findings of each recording's clips as they come, from threads; only a few recordings wait for one."""
    pool = ThreadPoolExecutor(workers)
    jobs: dict[Future[list[Checked]], list[int]] = {}
    try:
        for path, indices in files.items():
            jobs[pool.submit(_file, path, [clips[i] for i in indices], how)] = indices
            if len(jobs) >= 4 * workers:
                for job in wait(jobs, return_when=FIRST_COMPLETED).done:
                    yield jobs.pop(job), job.result()
        for job in as_completed(list(jobs)):
            yield jobs[job], job.result()
    except BaseException:
        isolated_decoder.stop()  # whoever presses Ctrl-C does not wait for a decoder
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def silence_allowed(checked: Sequence[Checked]) -> list[Checked]:
    """The same findings where silence is no problem: in a recording nothing may happen for a while."""
    return [dataclasses.replace(c, problem=None) if c.problem == ("check", SILENT) else c for c in checked]


def headers(clips: Sequence[Clip], hearing: Heard = HEARS) -> list[Checked]:
    """What the headers alone say: durations, and what cannot be opened, is too short or out of range."""
    known: dict[Path, Info | AudioError] = {}
    how = Hearing.of(hearing)
    out = []
    for clip in clips:
        if clip.path not in known:
            try:
                known[clip.path] = header = isolated_decoder.probe(clip.path)
                how.refuse(clip.path, header.rate)
            except AudioError as e:
                known[clip.path] = e
        info = known[clip.path]
        if isinstance(info, AudioError):
            out.append(Checked(0.0, "", (info.stage, info.reason)))
        elif math.isnan(info.seconds):
            out.append(Checked(0.0 if clip.end is None else clip.end - clip.start, "", note=how.lacking(info.rate)))
        else:
            found = _Look(clip, info, how).judged(info.frames, "", contents=False)
            out.append(dataclasses.replace(found, note=how.lacking(info.rate)))
    return out


def write_bad_files(path: str | Path, clips: Sequence[Clip], checked: Sequence[Checked]) -> int:
    """Write the clips that cannot be used as CSV `path,start,end,stage,reason`; returns their number."""
    bad = [(clip, c.problem) for clip, c in zip(clips, checked, strict=True) if c.problem]
    rows: list[Sequence[str]] = [("path", "start", "end", "stage", "reason")]
    for clip, problem in bad:
        end = "" if clip.end is None else seconds(clip.end)
        rows.append((clip.name, seconds(clip.start) if clip.start else "", end, *problem))
    csv_tables.write(Path(path), rows, errors="backslashreplace")
    return len(bad)


def enforce(clips: Sequence[Clip], checked: Sequence[Checked], max_bad: float, table: str | Path | None = None) -> None:
    """Stop where more than the share `max_bad` (0 to 1) of the clips cannot be used, or all of them.

    Args:
        clips: N clips.
        checked: their findings.
        max_bad: the share that may be bad.
        table: where all bad ones are listed, for the message.

    Raises:
        DataError: names what is wrong with them, and the table.
    """
    bad = bad_ones(clips, checked)
    if not bad or (len(bad) <= max_bad * len(clips) and len(bad) < len(clips)):
        return
    listed = f"; all are listed in {table}" if table else ""
    raise DataError(
        f"{len(bad)} of {len(clips)} clips ({len(bad) / len(clips):.1%}) cannot be used, more than data.max_bad="
        f"{max_bad:g} allows{listed}. Mend them, exclude them (data.exclude), or raise data.max_bad:{bullets(bad, 10)}"
    )


def bad_ones(clips: Sequence[Clip], checked: Sequence[Checked]) -> list[Problem]:
    """What is wrong with the clips that cannot be used."""
    return [Problem(clip.key, c.problem[1]) for clip, c in zip(clips, checked, strict=True) if c.problem]


def notes(clips: Sequence[Clip], checked: Sequence[Checked]) -> list[str]:
    """What is to be said of recordings that can be used, a sentence a kind."""
    found = {clip.path: Problem(clip.name, c.note) for clip, c in zip(clips, checked, strict=True) if c.note}
    return grouped(found.values())


def told(bad: Sequence[Problem], count: int, table: str | Path | None) -> str:
    """A sentence about clips that cannot be used, of so many: what is wrong with them, and where all are listed."""
    where = f", see {table}" if table else ""
    return f"{len(bad)} of {counted(count, 'recording')} cannot be used{where}{bullets(bad, 5)}"


def too_short(duration: float, expansion: float = 1.0) -> str:
    return f"only {1000 * duration:.1f} ms long, expected at least {1000 * SHORTEST / expansion:.3g} ms"


class _Look:
    """One clip while its recording passes by."""

    __slots__ = ("changes", "clip", "finite", "first", "how", "last", "rate")  # a recording may have thousands

    def __init__(self, clip: Clip, info: Info, how: Hearing):
        self.clip, self.rate, self.how = clip, info.rate, how
        rate = info.rate
        self.first = round(clip.start * rate)
        self.last = None if clip.end is None else round(clip.end * rate)
        self.changes, self.finite = Changes(info.format), True

    def take(self, at: int, block: np.ndarray) -> None:
        stop = len(block) if self.last is None else self.last - at
        part = block[max(0, self.first - at) : max(0, stop)]
        if not len(part):
            return
        if not np.isfinite(part).all():
            self.finite = False
            return
        self.changes.take(part)

    def judged(self, total: int, digest: str, contents: bool = True) -> Checked:
        """The finding, of a recording of `total` frames."""
        clip, rate = self.clip, self.rate
        last = total if self.last is None else min(self.last, total)
        duration = max(0, last - self.first) / rate
        problem = None
        if self.first >= total:
            problem = f"the clip starts at {clip.start:g} s, the recording ends at {total / rate:.2f} s"
        elif self.last is not None and self.last - total > END_TOLERANCE * rate:
            problem = f"the clip ends at {clip.end:g} s, the recording already at {total / rate:.2f} s"
        elif duration * self.how.expansion < SHORTEST:
            problem = too_short(duration, self.how.expansion)
        elif contents and not self.finite:
            problem = "samples that are not finite (NaN or infinity)"
        elif contents and not self.changes.sound():
            problem = SILENT
        note = self.changes.note() if contents and not problem else ""
        return Checked(duration, digest, ("check", problem) if problem else None, note)


def _file(path: Path, clips: list[Clip], how: Hearing) -> list[Checked]:
    digest, lost = "", ""
    at = 0
    looks: list[_Look] = []
    try:
        info = isolated_decoder.probe(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        how.refuse(path, info.rate)
        looks = [_Look(clip, info, how) for clip in clips]
        # a recording may have thousands of cuts: each block is shown to those that it lies in
        later = sorted(looks, key=lambda look: look.first, reverse=True)
        now: list[_Look] = []
        beyond = Beyond(info.rate, how) if differs(info.rate, how) else None
        for block in isolated_decoder.stream(path, rate=None, block_seconds=1.0):
            while later and later[-1].first < at + len(block):
                now.append(later.pop())
            for look in now:
                look.take(at, block)
            if beyond is not None:
                beyond.take(block)
            at += len(block)
            now = [look for look in now if look.last is None or look.last > at]
        said = [remarks.of(path), how.lacking(info.rate)]
        if beyond is not None:
            said.append(beyond.told())
            lost = beyond.nothing() if beyond.faint and not changes(path, how) else ""
    except (AudioError, OSError) as e:
        remarks.of(path)
        stage, reason = (e.stage, e.reason) if isinstance(e, AudioError) else ("open", f"cannot be read: {e.strerror}")
        # a clip that ends before the damage is whole
        return [
            look.judged(at, digest)
            if look.last is not None and look.last <= at
            else Checked(0.0, digest, (stage, reason))
            for look in looks
        ] or [Checked(0.0, digest, (stage, reason)) for _ in clips]
    note = "; ".join(filter(None, said))
    return [_with(look.judged(at, digest), lost, note) for look in looks]


def _with(found: Checked, lost: str, note: str) -> Checked:
    """A finding, and what is to be said of the whole recording."""
    if lost and found.problem is None:
        return dataclasses.replace(found, problem=("check", lost))
    return dataclasses.replace(found, note="; ".join(filter(None, (note, found.note))))
