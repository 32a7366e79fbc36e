"""What a model must tell speakers apart better than: statistics of log-mel spectra, with nothing learnt.

They hear the voice's range, and just as well the room, the microphone and the noise. A list of trials on which they do
well is one on which sessions stand in for speakers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from audioft.data.batching import pad
from audioft.data.clip import Clip
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError
from audioft.evaluation.recording_embeddings import Embeddings
from audioft.evaluation.scoring import preparation_of
from audioft.models.log_mel import LogMel
from audioft.models.pooling import statistics

#: What stands for these statistics where a model is asked for.
NAME = "log-mel"
WINDOW = 10.0  # seconds that are turned into a spectrum at once


def embed(clips: Sequence[Clip], progress: Callable[[float], None] | None = None) -> Embeddings:
    """Mean and deviation over time of 80 log-mel bands, as embeddings.

    Each of the 160 numbers is counted in deviations from its mean over these very clips: their cosine would otherwise
    be that of any two recordings. So a clip's embedding depends on the others, which favours this floor a little over
    models, for which the clips are new.

    Args:
        clips: what to embed; of longer ones the mean over windows of 10 s.
        progress: told how many seconds of the clips have been heard.
    """
    spectra = LogMel()
    prepare = preparation_of(spectra)
    rows, kept, seconds, failures = [], [], [], {}
    for i, clip in enumerate(clips):
        found, samples = [], 0
        try:
            for window in clip_windows(clip, prepare, WINDOW):
                waveform, lengths = pad([window.waveform])
                with torch.inference_mode():
                    frames = spectra.frames(waveform, lengths)
                found.append(torch.cat(statistics(frames), -1)[0].double().numpy())
                samples += window.samples
        except AudioError as e:
            failures[i] = e
            continue
        rows.append(np.mean(found, axis=0))
        kept.append(i)
        seconds.append(samples / prepare.per_second)
        if progress is not None:
            progress(sum(seconds))
    vectors = np.stack(rows) if rows else np.zeros((0, 2 * spectra.hidden_size))
    if len(rows):
        vectors = (vectors - vectors.mean(0)) / np.maximum(vectors.std(0), 1e-9)
    return Embeddings(vectors, np.array(kept, int), np.array(seconds), failures)
