"""Checkpoints: all that a run needs to go on as if it had never stopped, and the best weights so far.

Since data and randomness are functions of the step, that is little: weights, optimiser, and where the run stood.
Everything is safetensors and JSON; nothing that is read can run code.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audioft.errors import CheckpointError
from audioft.storage import new_folder, read_json, write_bytes, write_json

FILES = ("model.safetensors", "optimizer.safetensors", "state.json")


@dataclass
class State:
    """Where a run stands.

    Attributes:
        step: optimiser steps done.
        epoch: the epoch that the next step belongs to, from 0.
        step_in_epoch: steps of that epoch done.
        best: the best value of the chosen metric so far; None before the first validation.
        best_loss: the validation loss of that epoch.
        best_epoch: the epoch after which it was reached, from 1.
        stale: validations since then.
        loss, weight: summed over the steps since the last row of metrics.
        skipped: steps whose numbers were not finite, in a row.
        seconds: spent training so far, over all sessions.
        waited, worked: seconds of all steps so far, waiting for data and computing.
        finished: training has ended.
        failures: recordings that failed in training, as `{index: [stage, reason]}`.
    """

    step: int = 0
    epoch: int = 0
    step_in_epoch: int = 0
    best: float | None = None
    best_loss: float = 0.0
    best_epoch: int | None = None
    stale: int = 0
    loss: float = 0.0
    weight: float = 0.0
    skipped: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    worked: float = 0.0
    finished: bool = False
    failures: dict[str, list[str]] = field(default_factory=dict)


class Checkpoints:
    """The checkpoints of a run folder.

    Args:
        folder: `RUN/checkpoints`.
        identity: what makes it the same run (a hash of config and data); one of another run is not continued.
        keep: how many to keep.
    """

    def __init__(self, folder: Path, identity: str, keep: int = 2):
        self.folder, self.identity, self.keep = folder, identity, keep

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, state: State) -> Path:
        """Write the checkpoint of a step, whole or not at all, and remove what is older than the last `keep`."""
        names = names_of(model, optimizer)
        contents = {
            "model.safetensors": pack(model.state_dict()),
            "optimizer.safetensors": pack(optimizer_tensors(optimizer, names)),
            "state.json": json.dumps(asdict(state) | {"identity": self.identity}, indent=2).encode(),
        }
        path = self.folder / f"step-{state.step:08d}"
        with new_folder(path) as partial:
            for name, data in contents.items():
                write_bytes(partial / name, data)
            write_json(partial / "hashes.json", {n: hashlib.sha256(d).hexdigest() for n, d in contents.items()})
        for old in self.written()[: -self.keep]:
            shutil.rmtree(old, ignore_errors=True)
        return path

    def written(self) -> list[Path]:
        """The checkpoints, oldest first."""
        return sorted(p for p in self.folder.glob("step-*") if p.is_dir())

    def load_last(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[State, list[str]]:
        """Put the newest whole checkpoint into `model` and `optimizer`.

        Returns:
            Where the run stood, and a sentence for every newer checkpoint that was found damaged.

        Raises:
            CheckpointError: there is none, or it is of another run.
        """
        damaged: list[str] = []
        for path in reversed(self.written()):
            try:
                contents = self._read(path)
            except CheckpointError as e:
                damaged.append(f"{e}; going back to the one before it")
                continue
            state = json.loads(contents.pop("state.json"))
            if state.pop("identity") != self.identity:
                raise CheckpointError(
                    f"{path} belongs to another run: its data or its settings were different. "
                    "Give the run its own folder (--out), or begin anew with --overwrite"
                )
            model.load_state_dict(unpack(contents["model.safetensors"]))
            load_optimizer(optimizer, unpack(contents["optimizer.safetensors"]), names_of(model, optimizer))
            return State(**state), damaged
        said = "".join(f"\n{d}" for d in damaged)
        raise CheckpointError(f"there is no checkpoint to resume from in {self.folder}{said}")

    def save_best(self, model: nn.Module, about: dict[str, Any]) -> None:
        """Keep the weights of the best epoch so far, for the model folder."""
        with new_folder(self.folder / "best") as partial:
            write_bytes(partial / "model.safetensors", pack(model.state_dict()))
            write_json(partial / "about.json", about)

    def load_best(self, model: nn.Module) -> dict[str, Any]:
        """Put the best weights into `model`; what was said of them."""
        folder = self.folder / "best"
        about = read_json(folder / "about.json", CheckpointError)
        model.load_state_dict(unpack((folder / "model.safetensors").read_bytes()))
        return about

    def _read(self, path: Path) -> dict[str, bytes]:
        hashes = read_json(path / "hashes.json", CheckpointError)
        contents = {}
        for name in FILES:
            try:
                contents[name] = (path / name).read_bytes()
            except OSError as e:
                raise CheckpointError(f"{path / name} cannot be read: {e.strerror}") from e
            if hashlib.sha256(contents[name]).hexdigest() != hashes.get(name):
                raise CheckpointError(f"{path / name} is damaged: its content is not what was written")
        return contents


def pack(tensors: dict[str, torch.Tensor]) -> bytes:
    from safetensors.torch import save

    return save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})


def unpack(data: bytes) -> dict[str, torch.Tensor]:
    from safetensors.torch import load

    return load(data)


def names_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[int, str]:
    """Parameter names by the parameter's identity, for those the optimizer holds."""
    names = {id(p): n for n, p in model.named_parameters()}
    return {id(p): names[id(p)] for group in optimizer.param_groups for p in group["params"]}


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: dict[int, str]) -> dict[str, torch.Tensor]:
    """An optimizer's state as flat tensors, `parameter name/field`."""
    return {
        f"{names[id(p)]}/{key}": torch.as_tensor(value)
        for p, fields in optimizer.state.items()
        for key, value in fields.items()
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], names: dict[int, str]) -> None:
    """The reverse of `optimizer_tensors`."""
    parameters = {names[id(p)]: p for group in optimizer.param_groups for p in group["params"]}
    optimizer.state.clear()
    for key, tensor in tensors.items():
        name, field_name = key.rsplit("/", 1)
        p = parameters[name]
        # the step counter stays where torch keeps it, on the CPU; the moments lie beside their parameter
        placed = tensor if field_name == "step" else tensor.to(p.device)
        optimizer.state[p][field_name] = placed
