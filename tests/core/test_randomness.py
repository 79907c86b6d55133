"""Keyed random numbers: known answers, independence of order, and honest distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom, philox4x32

# The known-answer vectors of Random123 (Salmon et al. 2011) for philox4x32, ten rounds.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_known_answers(counter, key, answer):
    words = philox4x32(tuple(np.array([c], dtype=np.uint64) for c in counter), key)
    assert tuple(int(w[0]) for w in words) == answer


def test_a_draw_has_an_address():
    random = KeyedRandom(seed=7)
    everything = random.normal("noise", np.arange(50)[:, None], np.arange(80))
    assert everything.shape == (50, 80)
    assert random.normal("noise", 13, 57) == everything[13, 57]
    backwards = random.normal("noise", np.arange(50)[::-1, None], np.arange(80)[::-1])
    np.testing.assert_array_equal(backwards[::-1, ::-1], everything)


@pytest.mark.parametrize(
    "other",
    [
        KeyedRandom(seed=8).uniform("noise", np.arange(1000)),
        KeyedRandom(seed=7).uniform("epoch", np.arange(1000)),
        KeyedRandom(seed=7).uniform("noise", np.arange(1000), 1),
        KeyedRandom(seed=7).uniform("noise", np.arange(1000) + 2**40),
    ],
    ids=["seed", "purpose", "item", "star"],
)
def test_every_part_of_the_address_counts(other):
    here = KeyedRandom(seed=7).uniform("noise", np.arange(1000))
    assert not (here == other).any()
    assert abs(np.corrcoef(here, other)[0, 1]) < 0.12


def test_distributions():
    random = KeyedRandom(seed=0)
    u = random.uniform("test", np.arange(400)[:, None], np.arange(500)).ravel()
    assert u.min() > 0.0
    assert u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    z = random.normal("test", np.arange(400)[:, None], np.arange(500)).ravel()
    assert stats.kstest(z, "norm").pvalue > 1e-3
    # Neighbours in both directions are uncorrelated (standard error 0.0022).
    grid = z.reshape(400, 500)
    assert abs((grid[1:] * grid[:-1]).mean()) < 0.01
    assert abs((grid[:, 1:] * grid[:, :-1]).mean()) < 0.01


def test_generator_is_keyed_too():
    a = KeyedRandom(seed=1).generator("x", 5).normal(size=4)
    np.testing.assert_array_equal(a, KeyedRandom(seed=1).generator("x", 5).normal(size=4))
    assert not (a == KeyedRandom(seed=1).generator("x", 6).normal(size=4)).any()


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_bad_seed(seed):
    with pytest.raises(InputError, match="whole number"):
        KeyedRandom(seed=seed)
