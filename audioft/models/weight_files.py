"""Weights in files: written as transformers writes them, told apart, and what is said of those that cannot be read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from audioft.core.storage import write_bytes
from audioft.core.wording import first_line
from audioft.errors import ModelError

if TYPE_CHECKING:
    from audioft.models.classifier import AudioClassifier


def write_weights(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a whole file, as `new_file` does."""
    from safetensors.torch import save as serialised

    write_bytes(path, serialised(tensors, metadata={"format": "pt"}))


def misfits(expected: Mapping[str, Tensor | None], found: Mapping[str, Tensor]) -> list[str]:
    """The names, at most three, of what is on one side only or of another shape on the other; none if all fits."""
    shapes = [{k: None if t is None else t.shape for k, t in side.items()} for side in (expected, found)]
    return sorted(k for k in expected.keys() | found.keys() if shapes[0].get(k) != shapes[1].get(k))[:3]


@contextlib.contextmanager
def explained(name: str, source: str) -> Iterator[None]:
    """Turn what is raised while an encoder is loaded into one message.

    Args:
        name: of the encoder, as it was given.
        source: the folder it is loaded from, or its hub id.

    Raises:
        ModelError: in the place of whatever was raised.
    """
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        yield
    except StrictDataclassError as e:
        lines = str(e).strip().splitlines()  # the first one names a class of theirs, the last one what it found
        raise ModelError(
            f"encoder {name!r}: its config.json is not one that transformers takes: {lines[-1].strip()[:300]}; copy or "
            "download it again"
        ) from e
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError) as e:
        file = damaged(Path(source))
        if file is None:
            raise ModelError(f"encoder {name!r}: its weights cannot be read: {first_line(e)}") from e
        raise ModelError(
            f"encoder {name!r}: {file} ({file.stat().st_size:,} bytes) is damaged or not there as a whole; copy or "
            f"download it again: {first_line(e)}"
        ) from e
    except (OSError, ValueError, KeyError, TypeError, json.JSONDecodeError) as e:
        if "Could not load this library" in str(e):  # torch's words for packages that do not go together
            raise ModelError(
                f"encoder {name!r} cannot be loaded by this installation: {first_line(e)}; `audioft doctor` says "
                "what to install"
            ) from e
        remedy = (
            "give a local folder, the embedded encoder `mini`, or a hub id that exists; without a network a hub id "
            "works once it has been downloaded (`hf download ID`), and HF_HUB_OFFLINE=1 keeps from asking for it"
        )
        raise ModelError(f"encoder {name!r} cannot be loaded: {remedy}.\ntransformers says: {first_line(e)}") from e


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Let what safetensors' own writer raises be an `OSError`, as that of any other.

    Raises:
        OSError: it could not write.
    """
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as e:
        raise OSError(f"{first_line(e)}; is the disk full?") from e


def damaged(folder: Path) -> Path | None:
    """The first file of weights in a folder that cannot be opened; None where there is none."""
    from safetensors import SafetensorError, safe_open

    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, "np"):
                pass
        except (SafetensorError, OSError):
            return file
    pickled = folder / "pytorch_model.bin"
    return pickled if pickled.is_file() and not list(folder.glob("*.safetensors")) else None


def fingerprint(model: AudioClassifier) -> str:
    """A sha256, in hex, over all that an embedding depends on: the weights, the parts, and what is done to a clip.

    It is the same on every device, and for a model that was saved and loaded again.
    """
    return fingerprint_of(model, {"spec": model.spec, "preprocessing": model.encoder.preprocessing.told()})


def fingerprint_of(module: nn.Module, about: Mapping[str, Any]) -> str:
    """A sha256, in hex, over a module's weights with their names, and over what else is said of it."""
    return weights_hash(module.state_dict(), about)


def weights_hash(weights: Mapping[str, Tensor], about: Mapping[str, Any] | None = None) -> str:
    """A sha256, in hex, over weights with their names, and over what else is said of them."""
    found = hashlib.sha256(b"" if about is None else json.dumps(about, sort_keys=True, default=str).encode())
    for name, value in sorted(weights.items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
