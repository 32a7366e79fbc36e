"""Three convolutions that begin as a log-mel filterbank, and how its bands move.

Random filters over waveforms take long to become something like a spectrogram; these begin as one (as LEAF's do,
Zeghidour et al. 2021), inside what transformers can load: a convolution, a layer norm over its channels, and a GELU,
three times.

1. Band-pass filters in three phases, which the GELU rectifies.
2. Their levels, smoothed over time, each through a few steps of threshold and slope: the pieces of a logarithm.
3. The logarithm of each band, from the pieces: its mean over a frame, its slope and its bend; the slope of the
   spectrum; and its flutter.

A layer norm stands in the way of that. It takes the mean of the channels away, which would put a loud band into every
silent one: a channel that is minus the sum of the others keeps the mean at 0. And it divides by their deviation, so
that how loud a moment is would be lost: two constant channels of opposite sign, far larger than the others, keep it
alike at every moment. The gain of the norm puts back what the division takes. A filter of such gain is spoilt by steps
of the size that a transformer needs, so these weights are best frozen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

PHASES = 3
LOWEST_HZ = 60.0
NARROWEST_HZ = 60.0
WIDTH = 0.12  # of a band, as a share of its centre: about the ear's
GAIN = 1000.0  # of the waveform (variance 1) before it is rectified: above 1 / GAIN a GELU is as good as a corner
QUIETEST = 1e-3  # level (a filter of unit energy gives 1 for white noise of variance 1) where the logarithm begins
THRESHOLDS = (0.0, 3e-3, 2e-2, 1.2e-1)  # levels between the straight pieces of the logarithm
LOUDEST = 1.0  # level where the last piece is as high as the logarithm
CORNER = 2.0  # at how many times the unit of a GELU a piece's own unit lies
CONSTANTS = (30.0, 15_000.0, 300.0)  # of each convolution, far above its other channels
SCALE = 0.1  # of the second convolution's weights, whose constants would else be beyond float16
SLOPE = 2.0  # of the last norm
OFFSET = 4.0  # of its outputs, so that the last GELU passes what is negative too
OWN = 0.3  # of the random weights of the projection, beside a copy of as many channels as there is room for
SPARE = 3  # channels of a convolution that carry no sound: the balance and two constants


def problem(config: Any) -> str | None:
    """Why a shape cannot begin as a filterbank; None if it can.

    Args:
        config: transformers', of the whole encoder.
    """
    if len(config.conv_dim) != 3:
        return f"needs three convolutions; conv_dim has {len(config.conv_dim)}"
    if getattr(config, "feat_extract_norm", "layer") != "layer" or not config.conv_bias:
        return "needs feat_extract_norm: layer and conv_bias: true"
    if config.feat_extract_activation != "gelu":
        return f"needs feat_extract_activation: gelu, not {config.feat_extract_activation}"
    if min(config.conv_dim) < 16:
        return f"needs at least 16 channels a convolution; conv_dim is {list(config.conv_dim)}"
    return None


def start_as_filterbank(model: Any, rate: int) -> None:
    """Give the convolutions of a model of transformers the weights of a log-mel filterbank.

    Args:
        model: for whose config `problem` finds none.
        rate: Hz.
    """
    layers = model.feature_extractor.conv_layers
    with torch.no_grad():
        for layer, constant in zip(layers, CONSTANTS, strict=True):
            for weights in (*layer.conv.parameters(), *layer.layer_norm.parameters()):
                weights.zero_()
            layer.conv.bias[-2:] = torch.tensor([constant, -constant])
        _filters(layers[0], rate)
        bands = _pieces(layers[1], filters=(layers[0].conv.out_channels - SPARE) // PHASES)
        _movements(layers[2], bands)
        projection = model.feature_projection.projection.weight
        projection.copy_(torch.eye(*projection.shape) + OWN * projection)
        for layer in layers:
            layer.conv.weight[-SPARE] = -layer.conv.weight[:-SPARE].sum(0)


def gabor_bank(bands: int, taps: int, rate: int) -> np.ndarray:
    """`(3 * bands, taps)` Gabor filters, evenly spaced in mel from 60 Hz to 95 % of half the rate.

    Three phases of each centre frequency in turn, a third of a period apart: their sum is 0, and that of their
    rectified outputs nearly steady. Of unit energy, the phases of a band taken together, times the square root of 3.
    """
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (LOWEST_HZ, 0.475 * rate))
    centres = 700 * (10 ** (np.linspace(low, high, bands) / 2595) - 1)
    time = (np.arange(taps) - (taps - 1) / 2) / rate
    filters = []
    for centre in centres:
        width = max(NARROWEST_HZ, WIDTH * centre)
        envelope = np.exp(-0.5 * (np.pi * width * time) ** 2) * np.hanning(taps)
        envelope *= np.sqrt(2) / np.linalg.norm(envelope)
        turns = 2 * np.pi * np.arange(PHASES) / PHASES
        filters += [envelope * np.cos(2 * np.pi * centre * time + turn) for turn in turns]
    return np.stack(filters).astype(np.float32)


def _filters(layer: Any, rate: int) -> None:
    bands = (layer.conv.out_channels - SPARE) // PHASES
    used = bands * PHASES
    layer.conv.weight[:used, 0] = torch.from_numpy(gabor_bank(bands, layer.conv.kernel_size[0], rate))
    layer.layer_norm.weight[:used] = GAIN * _deviation(layer, CONSTANTS[0])


def _pieces(layer: Any, filters: int) -> int:
    """`(channels - 3) / 4` bands of levels, each above four thresholds; returns the number of bands."""
    bands = min((layer.conv.out_channels - SPARE) // len(THRESHOLDS), filters)
    window = torch.hann_window(layer.conv.kernel_size[0] + 2)[1:-1]
    smooth = _triangles(bands, filters).repeat_interleave(PHASES, dim=1) / PHASES
    levels = SCALE * smooth[:, :, None] * (window / window.sum())  # times GAIN, as the filters gave them
    deviation = _deviation(layer, CONSTANTS[1])
    for k, (threshold, unit) in enumerate(zip(THRESHOLDS, _units(), strict=True)):
        piece = slice(k * bands, (k + 1) * bands)
        layer.conv.weight[piece, : levels.shape[1]] = levels
        layer.layer_norm.weight[piece] = CORNER / (unit * GAIN * SCALE) * deviation
        layer.layer_norm.bias[piece] = -CORNER * threshold / unit
    return bands


def _movements(layer: Any, bands: int) -> None:
    """As many of the patterns below as there are channels for, of the logarithm of each band's level."""
    steps = layer.conv.kernel_size[0]
    at = torch.linspace(-1, 1, steps)
    mean = torch.full((steps,), 1 / steps)
    bend = at.square() - at.square().mean()
    flutter = torch.tensor([(-1.0) ** i for i in range(steps)])
    eye = torch.eye(bands)
    tilt = [(eye[d:] - eye[:-d]) / 2 for d in (1, 4)]
    patterns = [(eye, mean), *((eye, p / p.abs().sum().clamp(min=1e-6)) for p in (at, bend))]
    patterns += [(tilt[0], mean), (tilt[1], mean), (eye, flutter / steps)]
    rows = [band[:, None] * over_time for over_bands, over_time in patterns for band in over_bands]
    rows = rows[: layer.conv.out_channels - SPARE]
    pieces = _piece_slopes()
    for channel, row in enumerate(rows):
        for k, slope in enumerate(pieces):
            layer.conv.weight[channel, k * bands : (k + 1) * bands] = slope * row
    layer.layer_norm.weight[: len(rows)] = SLOPE * _deviation(layer, CONSTANTS[2])
    layer.layer_norm.bias[: len(rows)] = OFFSET


def _units() -> list[float]:
    return [max(threshold, THRESHOLDS[1] / 3) for threshold in THRESHOLDS]


def _piece_slopes() -> list[float]:
    """What each piece counts in the logarithm: by how much the slope changes at its threshold."""
    corners = np.array([*THRESHOLDS, LOUDEST])
    slopes = np.diff(np.log1p(corners / QUIETEST)) / np.diff(corners)
    return list(np.diff(slopes, prepend=0.0) * np.array(_units()) / CORNER)


def _deviation(layer: Any, constant: float) -> float:
    """Of the channels, where the two constants are all there is."""
    return constant * (2 / layer.conv.out_channels) ** 0.5


def _triangles(bands: int, filters: int) -> Tensor:
    """`(bands, filters)`: each band a triangle over the filters, of sum 1."""
    centres = torch.linspace(0, filters - 1, bands)[:, None]
    width = max(1.0, filters / bands)
    weights = (1 - (torch.arange(filters) - centres).abs() / width).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)
