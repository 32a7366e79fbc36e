from __future__ import annotations

import numpy as np
import pytest
import torch

from audioft.augmentation import Augmentation, Chain, augmentations

RATE = 16_000


def parts(*names: str, p: float = 1) -> list[Augmentation]:
    return [augmentations.build({"name": name, "p": p}) for name in names]


def draws(*names: str, seed: int = 0) -> dict:
    chain = Chain(parts(*names, p=0.7))
    return dict(zip(names, chain.draw(np.random.default_rng(seed), 16_000, RATE), strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_others_in_the_chain_change_no_draw(seed):
    alone = draws("noise", "pitch", "time_mask", seed=seed)
    for others in (
        ("gain", "noise", "pitch", "time_mask"),
        ("noise", "speed", "pitch", "reverb", "time_mask"),
        ("time_mask", "pitch", "noise", "shift"),
    ):
        among = draws(*others, seed=seed)
        assert {k: among[k] for k in alone} == alone


def test_two_of_one_name_draw_differently():
    first, second = Chain(parts("gain", "gain")).draw(np.random.default_rng(0), 100, RATE)
    assert first != second


def test_parts_are_applied_in_order_to_what_the_one_before_gave():
    chain = Chain(parts("speed", "gain"))
    waveform = torch.linspace(-1, 1, 3000)
    drawn = chain.draw(np.random.default_rng(0), 3000, RATE)
    by_hand = chain.parts[1].apply(chain.parts[0].apply(waveform, RATE, drawn[0]), RATE, drawn[1])
    assert torch.equal(chain.apply(waveform, RATE, drawn), by_hand)
    assert torch.equal(chain(waveform, RATE, np.random.default_rng(0)), by_hand)


def test_the_caller_generator_moves_by_one_number_whatever_the_chain():
    short, long = np.random.default_rng(0), np.random.default_rng(0)
    Chain([]).draw(short, 100, RATE)
    Chain(parts("noise", "reverb", "time_mask")).draw(long, 100, RATE)
    assert short.random() == long.random()


def test_p_0_leaves_the_clip_alone():
    chain = Chain(parts(*augmentations.names(), p=0))
    waveform = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    drawn = chain.draw(np.random.default_rng(0), 4000, RATE)
    assert drawn == [None] * len(chain.parts)
    assert torch.equal(chain.apply(waveform, RATE, drawn), waveform)
    assert chain.describe(drawn) == "unchanged"


def test_a_short_clip_stays_long_enough_for_an_encoder():
    faster = Chain([augmentations.build({"name": "speed", "p": 1, "min_rate": 2, "max_rate": 2})])
    for samples, expected in ((1000, 500), (600, 400), (400, 400), (100, 100)):
        assert len(faster(torch.ones(samples), RATE, np.random.default_rng(0))) == expected


def test_draws_of_another_chain_are_refused():
    with pytest.raises(ValueError):
        Chain(parts("gain", "shift")).apply(torch.zeros(10), RATE, [None])


def test_the_description_names_what_happened_only():
    chain = Chain([*parts("gain"), *parts("noise", p=0), *parts("shift")])
    said = chain.describe(chain.draw(np.random.default_rng(0), 16_000, RATE))
    assert said.startswith("gain ")
    assert ", shift " in said
    assert "noise" not in said
