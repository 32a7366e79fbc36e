from __future__ import annotations

import importlib.metadata
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from audioft.audio import io
from audioft.tasks.doctor import diagnosis


def named(findings):
    return {f.name: f for f in findings}


def test_here_all_is_well(audioft_command, monkeypatch):
    monkeypatch.setattr(diagnosis, "LOW_DISK", 0)  # as may be the case where the tests run
    monkeypatch.setattr(diagnosis, "LOW_MEMORY", 0)
    code, out, _ = audioft_command("doctor")
    assert code == 0, out
    for said in ("torch 2.11", "libsndfile", "WAV, FLAC, OGG, Opus, MP3, AIFF", "train.precision=auto", "all is well"):
        assert said in out
    assert len(out.splitlines()) <= 24, "one screen"


def test_what_is_missing_or_of_another_version_has_a_remedy(monkeypatch, audioft_command):
    monkeypatch.setattr(diagnosis, "LOW_DISK", 0)
    monkeypatch.setattr(diagnosis, "LOW_MEMORY", 0)
    version = importlib.metadata.version
    told = {"transformers": "4.40.0"}

    def other(name):
        if name == "peft":
            raise importlib.metadata.PackageNotFoundError(name)
        return told.get(name) or version(name)

    monkeypatch.setattr(importlib.metadata, "version", other)
    found = named(diagnosis.examine())
    assert "4.40.0, needed is" in found["transformers"].found
    assert found["transformers"].remedy.startswith("pip install 'transformers")
    assert found["peft"].found.startswith("missing")
    code, out, _ = audioft_command("doctor")
    assert code == 1
    assert "to be seen to: 2" in out


def test_a_pair_that_cannot_be_imported(monkeypatch):
    def fails(name):
        raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(diagnosis.importlib, "import_module", fails)
    found = diagnosis._pair()
    assert "libcudart" in found.found
    assert "torchaudio" in found.remedy


def test_a_full_disk_and_a_decoder_that_is_missing(monkeypatch, tmp_path):
    def no_mp3(path, rate, channels, form, subtype):
        if form == "MP3":
            raise ValueError("unknown format")
        return begun(path, rate, channels, form, subtype)

    begun = io.begun
    monkeypatch.setattr(io, "begun", no_mp3)
    assert diagnosis._decoders().found.startswith("MP3 cannot be read")
    monkeypatch.setattr(diagnosis, "LOW_DISK", float("inf"))
    assert "free some" in diagnosis._disk("runs", tmp_path / "not" / "there").remedy


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert "nothing can be kept in /proc/none" in diagnosis._cache().found
    assert "XDG_CACHE_HOME" in diagnosis._cache().remedy
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    assert diagnosis._cache().remedy is None
    assert not (tmp_path / "new").exists(), "looking leaves nothing"


def test_what_nobody_thought_of_is_a_line_too():
    def broken():
        raise ZeroDivisionError("oh")

    assert "ZeroDivisionError: oh" in diagnosis._guarded(broken).found


def test_the_hub_is_asked_only_when_told_to(monkeypatch):
    from huggingface_hub import constants

    asked = []
    monkeypatch.setattr(diagnosis, "_reached", lambda *given: asked.append(given) or diagnosis.Finding("hub", "asked"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert "not asked" in diagnosis._hub(False).found
    assert not asked
    assert diagnosis._hub(True).found == "asked"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in diagnosis._hub(True).found


@pytest.mark.parametrize("status", [200, 404])
def test_a_hub_that_answers_and_one_that_does_not(status):
    class Hub(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *given):
            pass

    server = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    assert diagnosis._reached(address, "").remedy is None
    server.shutdown()
    server.server_close()
    assert "cannot be reached" in diagnosis._reached(address, "").found
