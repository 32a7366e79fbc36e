"""Where and how exactly the program computes: addresses for randomness, threads, device, precision, processes."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from audioft.errors import AudioftError, UsageError

LAUNCH = "start them with `torchrun --nproc_per_node N -m audioft ...` or `accelerate launch`, or unset WORLD_SIZE"


def address(*parts: object) -> int:
    """A 63-bit seed that depends on all `parts` and on their order, the same on every machine.

    Randomness has an address instead of a state: what is drawn for an example depends on (seed, epoch, example,
    repeat) and on nothing that happened before, so neither the number of workers nor a resume can change it.

    >>> address(7, 0, "a") == address(7, 0, "a") != address(7, 1, "a")
    True
    """
    text = "\x1f".join(f"{type(p).__name__}:{p}" for p in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "big") >> 1


def generator(*parts: object) -> np.random.Generator:
    """A numpy generator at an address, see `address`."""
    return np.random.default_rng(address(*parts))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread while inside.

    A float sum over 160,000 numbers differs in its last bits between one and two threads, so whatever is done to
    a single example is done in one, in a worker process and in the main one alike.
    """
    import torch

    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """A `torch.nn.Module` in eval mode while inside; afterwards in the mode it had."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


class Processes:
    """The device this process computes on, and the processes it computes with.

    Args:
        device: `auto` (a GPU if there is one), `cpu`, `cuda`, or a torch device.

    Raises:
        UsageError: there is no such device.
        AudioftError: WORLD_SIZE announces processes that could not be joined.
    """

    def __init__(self, device: str = "auto"):
        import torch
        from accelerate import Accelerator

        find_device(device)
        announced = int(os.environ.get("WORLD_SIZE") or "1")
        told = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
        if announced > 1 and (absent := [name for name in told if name not in os.environ]):
            raise AudioftError(  # without these the processes would fail to find, or wait for, each other
                f"WORLD_SIZE says {announced} processes, but {', '.join(absent)} of a launcher are not set; {LAUNCH}"
            )
        cpu = device == "cpu" or (device == "auto" and not torch.cuda.is_available())
        self.accelerator = Accelerator(cpu=cpu)
        self.device = torch.device(device) if device not in ("auto", "cuda", "cpu") else self.accelerator.device
        self.rank, self.count = self.accelerator.process_index, self.accelerator.num_processes
        if announced != self.count:
            raise AudioftError(f"WORLD_SIZE says {announced} processes, but {self.count} took part; {LAUNCH}")
        if self.count > 1:
            atexit.unregister(_leave)  # of an earlier run in this process
            atexit.register(_leave)

    @property
    def main(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    @property
    def first_here(self) -> bool:
        """Whether this process is the first of those on its machine, and makes what they share there."""
        return self.accelerator.is_local_main_process

    def wait(self) -> None:
        """Go on once all processes have come here."""
        self.accelerator.wait_for_everyone()

    def add_up(self, tensors: list, bucket: int = 2**24) -> None:
        """Replace each tensor by its sum over all processes, in place, in buckets of `bucket` numbers."""
        if self.count == 1:
            return
        import torch

        while tensors:
            taken: list = []
            size = 0
            while tensors and (not taken or size + tensors[0].numel() <= bucket):
                taken.append(tensors[0])
                size += tensors[0].numel()
                tensors = tensors[1:]
            flat = torch.cat([t.reshape(-1) for t in taken]).to(self.device)
            torch.distributed.all_reduce(flat)
            for t, part in zip(taken, flat.split([t.numel() for t in taken]), strict=True):
                t.copy_(part.view_as(t))

    def gather(self, value: list) -> list:
        """The lists of all processes as one, on every process."""
        if self.count == 1:
            return value
        import torch

        parts: list = [None] * self.count
        torch.distributed.all_gather_object(parts, value)
        return [v for part in parts for v in part]


def _leave() -> None:
    """Part from the other processes, however this one ends.

    Their threads let go of tensors, for which they need an interpreter: one that has begun to end makes them abort it.
    """
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def launched(device: str = "auto") -> Processes | None:
    """The processes that a launcher started; None of a process alone, which needs no accelerate for it."""
    return Processes(device) if int(os.environ.get("WORLD_SIZE") or "1") > 1 else None


def refuse_several(what: str) -> None:
    """Raise a UsageError where a launcher has started several processes for what one process does.

    Args:
        what: the beginning of a sentence, as `report`.
    """
    count = os.environ.get("WORLD_SIZE") or "1"
    if count != "1":
        raise UsageError(
            f"{what} runs in one process, and WORLD_SIZE says {count}; call it without torchrun or accelerate"
        )


def find_device(asked: str):
    """The torch device of that name; `auto` is a GPU if there is one.

    >>> find_device("cpu")
    device(type='cpu')

    Raises:
        UsageError: it is unknown, or this machine has none.
    """
    import torch

    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(asked)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {asked!r} is unknown; expected auto, cpu or cuda")
    if device.type == "cuda" and not (device.index or 0) < torch.cuda.device_count():
        raise UsageError(f"device {asked!r}: torch finds {torch.cuda.device_count()} GPUs here; take cpu or auto")
    return device


def choose_precision(asked: str, device) -> str:
    """`fp32` or `bf16`; `auto` takes bf16 where the device computes in it natively.

    On a CPU that is avx512_bf16 or AMX, on a GPU Ampere or later.
    """
    if asked != "auto":
        return asked
    return "bf16" if has_bfloat16(device) else "fp32"


def explain_precision(asked: str, device) -> str:
    """What `choose_precision` chooses, and why.

    >>> explain_precision("bf16", find_device("cpu"))
    'bf16 (as asked)'
    """
    what = "GPU" if device.type == "cuda" else "processor"
    why = f"this {what} computes in bfloat16" if has_bfloat16(device) else f"this {what} has no native bfloat16"
    return f"{choose_precision(asked, device)} ({'as asked' if asked != 'auto' else why})"


def has_bfloat16(device) -> bool:
    """Whether a device computes in bfloat16 natively."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    native = torch.backends.cpu.get_cpu_capability().startswith("AVX512") and _cpu_flag("avx512_bf16")
    return device.type == "cpu" and (native or _cpu_flag("amx_bf16"))


def has_int8(device) -> bool:
    """Whether a device multiplies matrices of 8-bit numbers faster than floats, as a processor with VNNI or AMX."""
    return device.type == "cpu" and any(map(_cpu_flag, ("avx512_vnni", "avx_vnni", "amx_int8")))


@functools.cache
def _cpu_flag(flag: str) -> bool:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            return any(flag in line.split() for line in f if line.startswith("flags"))
    except OSError:
        return False


def memory(field: str) -> int | None:
    """A line of Linux' `/proc/self/status` in bytes, as `VmRSS` or `VmHWM`; None elsewhere."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    rows = [line.split() for line in text.splitlines() if line.startswith(f"{field}:")]
    return int(rows[0][1]) * 1024 if rows else None
