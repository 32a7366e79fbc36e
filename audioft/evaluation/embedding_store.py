"""Features of clips on disk, for the encoder that made them and no other.

The folder holds at most `AUDIOFT_EMBEDDINGS_GB` gigabytes, 5 if that environment variable is not set: what was used
longest ago is thrown away at the end of a pass, see `audioft.core.disk_cache`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core import disk_cache
from audioft.core.storage import write_bytes
from audioft.data.check import default_cache
from audioft.data.clip import Clip
from audioft.errors import AudioftError
from audioft.models.encoder import Encoder
from audioft.models.log_mel import LogMel
from audioft.models.weight_files import fingerprint_of

VERSION = 2  # of what is computed: raise it whenever a clip's features become others
LIMIT = "AUDIOFT_EMBEDDINGS_GB"
GIGABYTES = 5.0


def default_store() -> Path:
    """The folder `embeddings` beside the cache of the checking pass.

    Raises:
        UsageError: `AUDIOFT_EMBEDDINGS_GB` is no number of gigabytes.
    """
    disk_cache.limit_of(LIMIT, GIGABYTES)  # told before anything is computed
    return default_cache().parent / "embeddings"


def fingerprint(encoder: Encoder | LogMel) -> str:
    """A hash, in hex, of all that an encoder's output depends on besides the waveform."""
    return fingerprint_of(encoder, encoder.settings if isinstance(encoder, LogMel) else settings_of(encoder))


def settings_of(encoder: Encoder) -> dict[str, Any]:
    """Of an encoder's config what its output may depend on."""
    settings = encoder.model.config.to_dict()
    for key in ("_name_or_path", "transformers_version", "id2label", "label2id", "architectures"):
        settings.pop(key, None)
    return settings


class Store:
    """Features on disk, a file a clip, in a folder of the encoder. Whatever is wrong with it, work goes on.

    In a `with` block nothing of this encoder is thrown away; at its end the folder is brought within its limit, if
    anything was added.

    Args:
        folder: of all encoders.
        encoder: whose features these are; its weights are hashed once, here.
        max_seconds: see `embed_clips`.

    Raises:
        UsageError: `AUDIOFT_EMBEDDINGS_GB` is no number of gigabytes.
    """

    def __init__(self, folder: Path, encoder: Encoder | LogMel, max_seconds: float):
        self.limit, self.root, self.added = disk_cache.limit_of(LIMIT, GIGABYTES), folder, False
        self.max_seconds = max_seconds
        self.owner = _hash(VERSION, fingerprint(encoder), repr(encoder.preprocessing), float(max_seconds))
        self.folder = folder / self.owner[:32]
        self.shape = (encoder.num_layers + 1, 2 * encoder.hidden_size)
        self.failure: str | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Store:
        self._open.enter_context(disk_cache.using(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        if self.added:
            disk_cache.trim(self.root, self.limit)

    def name(self, clip: Clip, digest: str) -> str:
        """What names a clip's features; nothing does if its recording could not be read."""
        return _hash(self.owner, digest, clip.start, clip.end) if digest else ""

    def get(self, name: str) -> np.ndarray | None:
        """`(L + 1, 2 * H)` float32, if they are there and whole."""
        from safetensors import SafetensorError, safe_open

        path = self._path(name)
        if not name or not path.is_file():
            return None
        try:
            with safe_open(path, "np") as file:
                about, row = file.metadata() or {}, file.get_tensor("features")
        except (OSError, SafetensorError, ValueError):
            return None
        # a name in the file itself: a file that was renamed or copied is another clip's
        whole = about.get("name") == name and about.get("sha256") == hashlib.sha256(row.tobytes()).hexdigest()
        if not whole or row.shape != self.shape or row.dtype != np.float32:
            return None
        disk_cache.used(path)
        return row

    def put(self, name: str, row: np.ndarray) -> None:
        """Keep a clip's features; the first refusal of the file system is remembered, and nothing more is written."""
        from safetensors.numpy import save

        if not name or self.failure is not None:
            return
        about = {"name": name, "sha256": hashlib.sha256(row.tobytes()).hexdigest()}
        try:
            self._path(name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self._path(name), save({"features": row}, about), shared=True)
            self.added = True
        except (OSError, AudioftError) as e:
            self.failure = str(e)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.safetensors"


def opened(
    folder: Path | None, encoder: Encoder | LogMel, max_seconds: float
) -> contextlib.AbstractContextManager[Store | None]:
    """An encoder's `Store`, for a `with` block; None where there is no folder."""
    return contextlib.nullcontext() if folder is None else Store(folder, encoder, max_seconds)


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
