"""Where a model is: in a run, in a folder, or on the hub."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from audioft.core.quieter import quieter
from audioft.core.wording import first_line
from audioft.errors import ModelError, UsageError

DESCRIPTIONS = (
    *("config.json", "preprocessor_config.json", "audioft.json", "heard.csv", "README.md"),
    "model.safetensors.index.json",
)
EMBEDDED = Path(__file__).parent.parent / "assets"  # encoders in the package
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def is_id(name: str) -> bool:
    """Whether `name` could be a hub id, as `superb/wav2vec2-base-superb-ks`; not where its first half is a folder."""
    return HUB_ID.fullmatch(name) is not None and not Path(name).parent.is_dir()


def misspelt(name: str) -> str | None:
    """What is to be said of an encoder's name that is nearly that of an embedded one; None where nothing is.

    Such a name is not asked for at the hub, whose encoders are `OWNER/NAME`.
    """
    embedded = [p.parent.name for p in EMBEDDED.glob("*/config.json")]
    if "/" in name or name in embedded or Path(name).is_dir():
        return None
    near = difflib.get_close_matches(name.lower(), embedded, n=1, cutoff=0.7)
    return f"{name!r} is no folder and no embedded encoder: did you mean {near[0]!r}?" if near else None


@contextlib.contextmanager
def quiet_hub() -> Iterator[None]:
    """Without the lines of the hub's client about each request that it tries again: in the end it is said once."""
    import huggingface_hub.utils.logging  # noqa: F401  (sets the level when it is imported, which must be before)

    with quieter("huggingface_hub"):
        yield


def download(name: str) -> Path:
    """The folder of a model on the hub, downloaded where it is not yet; weights as safetensors where it has them.

    Raises:
        ModelError: there is none of that id, or no network and it was not downloaded before.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        with quiet_hub():
            found = snapshot_download(name, allow_patterns=[*DESCRIPTIONS, "encoder/*", "model*.safetensors"])
            if not any(Path(found).rglob("*.safetensors")):
                found = snapshot_download(name, allow_patterns=["pytorch_model*"])
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError, ValueError) as e:
        raise ModelError(
            f"model {name!r}: there is no such folder, and it cannot be had from the hub; give a run folder, a model "
            f"folder, or a hub id that exists (without a network, one downloaded before: `hf download {name}`)."
            f"\nThe hub's client says: {first_line(e)}"
        ) from e
    return Path(found)


def _refuse_unfinished(path: Path) -> None:
    """Say of a run without a model how far it came."""
    resume = f"`audioft train --resume --out {path}`"
    if (path / "config.yaml").is_file():
        kept = path / "checkpoints"
        if kept.is_dir() and any(kept.iterdir()):
            raise UsageError(f"run {path} has no model yet: its training has not ended; go on with {resume}")
        raise UsageError(f"run {path} has no model: it was stopped before its first checkpoint; begin it with {resume}")
    if (path / "bad_files.csv").is_file():
        raise UsageError(
            f"{path} holds no model: a run never began there; mend what {path / 'bad_files.csv'} lists, "
            f"and train again (`audioft train DATA --out {path}`)"
        )


def refuse_model(name: str, path: Path) -> None:
    """Say what to give instead of a run, and of a model folder whose encoder lies deeper in it.

    A model folder in transformers' format is an encoder, too: its head is left over.
    """
    if (path / "config.json").is_file() and not (path / "audioft.json").is_file():
        return
    run = (path / "config.yaml").is_file()
    model = path / "model" if run else path
    if not (model / "audioft.json").is_file():
        if run:
            raise UsageError(f"encoder {name!r} is a run that has no model; give `mini`, a folder or a hub id")
        return
    encoder = model / "encoder" if (model / "encoder").is_dir() else model
    if (model / "adapter").is_dir():
        raise UsageError(
            f"encoder {name!r} holds an adapter without its encoder; make it whole first, `audioft merge {name} --out "
            "WHOLE`, and go on from that with `audioft train DATA --from WHOLE`"
        )
    if encoder != path:
        raise UsageError(
            f"encoder {name!r} is a trained model: `audioft train DATA --from {name}` goes on from it; its encoder "
            f"alone is {encoder}: give that path (`--encoder {encoder}`, of a probe `--encoders {encoder}`)"
        )


def holds_model(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is a model's or a run's, by the names of its files; a run need not have come to a model yet.

    >>> holds_model("samples/keywords")
    False
    """
    holding = ("model/audioft.json", "audioft.json", "config.json", "config.yaml")
    return exported_file(path) is not None or any((Path(path) / name).is_file() for name in holding)


def exported_file(path: str | os.PathLike[str]) -> Path | None:
    """The file of a model that `audioft export` wrote, which `path` is or which lies in the folder that it is."""
    path = Path(path)
    if path.suffix.lower() == ".onnx" and path.is_file():
        return path
    inside = path / "model.onnx"
    of_torch = any((path / name).is_file() for name in ("audioft.json", "model.safetensors"))
    return inside if inside.is_file() and not of_torch else None


def model_folder(path: str | os.PathLike[str]) -> Path:
    """The model folder that `path` is, or that lies in the run folder that it is; or that of a hub id."""
    path = Path(path)
    if not path.exists():
        if (EMBEDDED / path / "config.json").is_file():
            raise UsageError(
                f"model {path}: that is the embedded encoder, which labels nothing before it is trained: "
                f"`audioft train DATA --encoder {path}`"
            )
        if not is_id(str(path)):
            raise UsageError(
                f"model {path}: no such folder; give a run folder or a model folder, or the hub id of a classifier "
                "(OWNER/NAME)"
            )
        return download(str(path))
    if (path / "model").is_dir():
        return path / "model"
    if not (path / "config.json").is_file():
        _refuse_unfinished(path)
    return path
