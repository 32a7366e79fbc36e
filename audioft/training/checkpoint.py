"""Checkpoints: all that a run needs to go on as if it had never stopped, and the best weights up to each of them.

Since data and randomness are functions of the step, that is little: weights, optimiser, and where the run stood.
Everything is safetensors and JSON; nothing that is read can run code.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audioft.core.places import need, size_of
from audioft.core.storage import damaged, new_folder, read_json, recover, write_bytes, write_json
from audioft.errors import AnotherRunError, CheckpointError
from audioft.models.weight_files import weights_hash
from audioft.training.state import State

FILES = ("model.safetensors", "optimizer.safetensors", "state.json")
BEST = ("model.safetensors", "about.json")
NAMES_NONE = (CheckpointError, TypeError, KeyError, ValueError)  # what a damaged checkpoint raises, asked for its best


@dataclass(frozen=True)
class Saving:
    """When to write checkpoints: after an epoch, if it pays, and besides every so many steps or minutes (0: never).

    Attributes:
        steps, minutes: see above.
        apart: seconds since the last one, before which none is written after an epoch.
    """

    steps: int = 0
    minutes: float = 0.0
    apart: float = 0.0

    def pays(self, cost: float, since: float) -> bool:
        """Whether a save that takes `cost` seconds is quick, or a tenth of what would be lost without it at most."""
        return since >= self.apart and (cost < 2 or cost <= since / 10)


class Checkpoints:
    """The checkpoints of a run folder.

    Args:
        folder: `RUN/checkpoints`.
        identity: what makes it the same run (a hash of config and data); one of another run is not continued.
        keep: how many to keep.
        fixed: names of parameters that never change in the run. They are not written: whoever goes on has them, which
            a hash tells.
        begun: called when one is written after a step whose loss was finite: the run has come to something.
    """

    def __init__(
        self,
        folder: Path,
        identity: str,
        keep: int = 2,
        fixed: Collection[str] = (),
        begun: Callable[[], None] = lambda: None,
    ):
        self.folder, self.identity, self.keep = folder, identity, keep
        self.fixed, self._begun = frozenset(fixed), begun
        self._fixed_hash: str | None = None

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, state: State) -> Path:
        """Write the checkpoint of a step, whole or not at all, and remove what is older than the last `keep`."""
        about = {"identity": self.identity, "fixed": self._hash(model)}
        contents = {
            "model.safetensors": pack(self._changing(model)),
            "optimizer.safetensors": pack(optimizer_tensors(model, optimizer)),
            "state.json": json.dumps(asdict(state) | about, indent=2).encode(),
        }
        path = self.folder / f"step-{state.step:08d}"
        with new_folder(path, listed=["*"]) as partial:
            for name, data in contents.items():
                write_bytes(partial / name, data)
        if state.step > 1 and not state.skipped:  # the loss of this step is that of weights which the run has learnt
            self._begun()
        for old in self.written()[: -self.keep]:
            shutil.rmtree(old, ignore_errors=True)
        self._drop_best()
        return path

    def refuse_full(self, model: nn.Module, averages: int = 0) -> None:
        """Raise where there is no room for what the run will write at most; what is there already counts as room.

        Those are the checkpoints kept and one being written, each with its best weights (AdamW has two numbers beside
        each that changes, and there may be `averages`), and the model.

        Raises:
            AudioftError: names the bytes needed and those free.
        """
        most = (4 + averages) * _bytes(self._changing(model)) * (self.keep + 1) + _bytes(model.state_dict())
        remedy = "give another --out, or keep fewer checkpoints (train.keep=1)"
        need(self.folder, most - size_of(self.folder), "checkpoints and model take", remedy)

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
        lost: list[str] = []
        for old in self.folder.glob(".*.old"):  # a save that was killed
            recover(self.folder / old.name.removeprefix(".").removesuffix(".old"))
        for partial in self.folder.glob(".*.partial"):
            shutil.rmtree(partial, ignore_errors=True)
        for path in reversed(self.written()):
            found = damaged(path, FILES)
            state = {} if found else read_json(path / "state.json", CheckpointError)
            if found is None and state["best_epoch"] is not None:  # without them the run would have no end
                found = damaged(self._best(state["best_epoch"]), BEST)
                found = found and f"{found}, and {path.name} cannot be gone on from without the best weights up to it"
            if found is not None:
                lost.append(f"{found}; going back to the checkpoint before {path.name}")
                continue
            if state.pop("identity") != self.identity:
                raise AnotherRunError(
                    f"{path} belongs to another run: its data or its settings were different. "
                    "Give the run its own folder (--out), or begin anew with --overwrite"
                )
            self._load(model, (path / "model.safetensors").read_bytes(), state.pop("fixed", ""), path)
            load_optimizer(model, optimizer, unpack((path / "optimizer.safetensors").read_bytes()))
            return State(**state), lost
        said = "".join(f"\n  - {d}" for d in lost)
        remedy = "put its files back from a copy, or begin anew with --overwrite"
        raise CheckpointError(f"no checkpoint in {self.folder} can be gone on from:{said}\n{remedy}")

    def save_best(self, model: nn.Module, about: dict[str, Any]) -> None:
        """Keep the weights of the best epoch so far, for the model folder.

        Those of an epoch before stay as long as a checkpoint is there that would be gone on from with them.

        Args:
            model: has the weights.
            about: JSON to keep beside them; `epoch`, from 1, is their name.
        """
        self._drop_best()
        with new_folder(self._best(about["epoch"]), listed=["*"]) as partial:
            write_bytes(partial / "model.safetensors", pack(self._changing(model)))
            write_json(partial / "about.json", about | {"fixed": self._hash(model)})

    def load_best(self, model: nn.Module, epoch: int) -> dict[str, Any]:
        """Put the weights after an epoch that was the best so far into `model`; what was said of them."""
        folder = self._best(epoch)
        if (found := damaged(folder, BEST)) is not None:
            raise CheckpointError(f"the best weights of the run are lost: {found}; begin anew with --overwrite")
        about = read_json(folder / "about.json", CheckpointError)
        self._load(model, (folder / "model.safetensors").read_bytes(), about.pop("fixed", ""), folder)
        return about

    def _best(self, epoch: int) -> Path:
        return self.folder / f"best-{epoch:06d}"

    def _drop_best(self) -> None:
        """Remove the best weights that no checkpoint would be gone on from with."""
        named = set()
        for path in self.written():
            with contextlib.suppress(*NAMES_NONE):
                named.add(self._best(read_json(path / "state.json", CheckpointError)["best_epoch"]))
        for folder in set(self.folder.glob("best-*")) - named:
            shutil.rmtree(folder, ignore_errors=True)

    def _changing(self, model: nn.Module) -> dict[str, torch.Tensor]:
        return {k: v for k, v in model.state_dict().items() if k not in self.fixed}

    def _hash(self, model: nn.Module) -> str:
        """Of the weights that never change; empty if there are none."""
        if self._fixed_hash is None:
            weights = {k: v for k, v in model.state_dict().items() if k in self.fixed}
            self._fixed_hash = weights_hash(weights) if weights else ""
        return self._fixed_hash

    def _load(self, model: nn.Module, data: bytes, fixed: str, path: Path) -> None:
        weights = unpack(data)
        if self.fixed & weights.keys():  # written by an audioft that wrote all of them
            model.load_state_dict(weights)
            return
        if fixed != self._hash(model):
            raise CheckpointError(
                f"{path} goes on from an encoder with other frozen weights than the one that was loaded now; give "
                "encoder.name the encoder that the run began with, or begin anew with --overwrite"
            )
        absent, unknown = model.load_state_dict(weights, strict=False)
        if unknown or set(absent) != self.fixed:
            raise CheckpointError(f"{path} does not fit the model: {', '.join([*absent, *unknown][:3])}")


def _bytes(tensors: dict[str, torch.Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors.values())


def pack(tensors: dict[str, torch.Tensor]) -> bytes:
    from safetensors.torch import save

    return save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})


def unpack(data: bytes) -> dict[str, torch.Tensor]:
    from safetensors.torch import load

    return load(data)


def _held(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, nn.Parameter]:
    """The parameters of the model that the optimizer holds, by name."""
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return {name: p for name, p in model.named_parameters() if id(p) in held}


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """An optimizer's state as flat tensors, `parameter name/field`."""
    fields = ((name, optimizer.state.get(p, {})) for name, p in _held(model, optimizer).items())
    return {f"{name}/{key}": torch.as_tensor(value) for name, own in fields for key, value in own.items()}


def load_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """The reverse of `optimizer_tensors`."""
    parameters = _held(model, optimizer)
    optimizer.state.clear()
    for key, tensor in tensors.items():
        name, field_name = key.rsplit("/", 1)
        p = parameters[name]
        # the step counter stays where torch keeps it, on the CPU; the moments lie beside their parameter
        optimizer.state[p][field_name] = tensor if field_name == "step" else tensor.to(p.device)
