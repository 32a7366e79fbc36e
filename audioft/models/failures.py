"""What transformers, the hub's client and the file formats raise while an encoder is loaded, as one message."""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

from audioft.core.wording import first_line
from audioft.errors import ModelError


@contextlib.contextmanager
def explained(name: str, source: str) -> Iterator[None]:
    """Turn what is raised while an encoder is loaded into one message.

    Args:
        name: of the encoder, as it was given.
        source: the folder it is loaded from, or its hub id.

    Raises:
        ModelError: in the place of whatever was raised.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError) as e:
        file = damaged(Path(source))
        if file is None:
            raise ModelError(f"encoder {name!r}: its weights cannot be read: {first_line(e)}") from e
        raise ModelError(
            f"encoder {name!r}: {file} ({file.stat().st_size:,} bytes) is damaged or not there as a whole; copy or "
            f"download it again: {first_line(e)}"
        ) from e
    except (OSError, ValueError, KeyError, TypeError, json.JSONDecodeError) as e:
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
