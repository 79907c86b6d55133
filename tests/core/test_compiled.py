"""Compiled loops give what NumPy gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core import compiled as _compiled
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.randomness import KeyedRandom


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> _compiled._Work:
    pytest.importorskip("numba", reason="Numba is an option: pelsvae-cadence[scale]")
    fresh = _compiled._Work()
    monkeypatch.setattr(_compiled, "_work", fresh)
    return fresh


def test_compiled_loops_are_bit_identical_to_numpy(work: _compiled._Work) -> None:
    rng = np.random.default_rng(5)
    curve = PhaseCurve(cos=rng.normal(size=(7, 33)), sin=rng.normal(size=(7, 33)))
    phase = rng.uniform(-1e4, 1e4, (7, 301))
    star, item = rng.integers(0, 2**62, (40, 1)), rng.integers(0, 2**40, 17)
    random = KeyedRandom(seed=11)

    def results() -> list[bytes]:
        draws = random.normal("a", star, item), random.uniform("b", 3), random.uniform("b", star)
        assert [d.shape for d in draws] == [(40, 17), (), (40, 1)]
        return [
            curve.evaluate(phase).tobytes(),
            curve.evaluate(phase[0]).tobytes(),
            *(d.tobytes() for d in draws),
        ]

    by_numpy = results()
    assert work.functions is None, "so little work is not worth loading Numba"
    work.steps = 10**12
    assert results() == by_numpy
    assert work.functions is not None


def test_without_numba_numpy_goes_on(work: _compiled._Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError("numba")

    expected = KeyedRandom(seed=1).uniform("a", np.arange(3))
    monkeypatch.setattr(_compiled, "_compile", missing)
    work.steps = 10**12
    assert KeyedRandom(seed=1).uniform("a", np.arange(3)).tolist() == expected.tolist()
    assert work.failed
