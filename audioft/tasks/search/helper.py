"""A process that does trials for `audioft search --jobs`: `python -m audioft.tasks.search.helper STUDY ASKED`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from audioft.configuration import config as configs
from audioft.core import startup
from audioft.core.progress import Console
from audioft.errors import AudioftError
from audioft.tasks.search import storage, study_folder


def main(folder: Path, asked: dict) -> int:
    """Do trials of the study in a folder until none is left; what goes wrong is told by whoever began it."""
    try:
        with startup.terminable():
            storage.require()
            from audioft.tasks.search import searching

            config = configs.load(folder / study_folder.CONFIG)
            searching.help_with(config, folder, searching.Asked(**asked), Console(quiet=True))
    except AudioftError as e:
        return e.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
