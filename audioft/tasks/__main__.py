"""`python -m audioft.tasks`: write down for type checkers what the tasks declare."""

from pathlib import Path

from audioft import tasks

(Path(tasks.__file__).parent / "public.pyi").write_text(tasks.stub(), encoding="utf-8")
