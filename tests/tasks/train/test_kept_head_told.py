"""What `train --from` says of the model it goes on from."""

from __future__ import annotations

import makers
import pytest


@pytest.mark.parametrize(
    ("labels", "kept"), [(("high", "low"), "encoder and head kept"), (("high", "mid"), "the head is made new")]
)
def test_what_is_kept_is_not_called_left_over(labels, kept, trained, audioft_command, tmp_path):
    data = makers.tones(tmp_path / "data", labels=labels)
    code, out, err = audioft_command("train", data, "--from", trained.folder, *makers.QUICK_ARGUMENTS, "--dry-run")
    assert code == 0, err
    assert kept in out
    assert "left over" not in out
