"""The two-sample test and the features it sees."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.errors import InputError
from pelsvae_cadence.phase_curve import PhaseCurve
from pelsvae_cadence.training.two_sample import (
    bic_harmonics,
    fold_noise,
    observed_features,
    two_sample_auc,
)


def sawteeth(n: int, decay: float, seed: int) -> PhaseCurve:
    rng = np.random.default_rng(seed)
    k = np.arange(1, 9)
    power = (decay + 0.03 * rng.normal(size=(n, 1))) ** (k - 1)
    angle = 0.4 * (k - 1) + 0.05 * rng.normal(size=(n, 8))
    return PhaseCurve(cos=-power * np.cos(angle), sin=power * np.sin(angle)).normalised()


def features(curves: PhaseCurve, star_class: str, seed: int) -> np.ndarray:
    n = len(curves)
    return observed_features(curves, star_class, np.full(n, 0.5), np.full(n, 0.02), seed=seed)


@pytest.mark.parametrize("star_class", ["RRLYR", "ECL"])
def test_alike_and_unlike_samples(star_class: str) -> None:
    a, b, c = (
        features(sawteeth(150, decay, seed), star_class, seed)
        for decay, seed in ((0.5, 1), (0.5, 2), (0.6, 3))
    )
    assert two_sample_auc(a, b) == pytest.approx(0.5, abs=0.1)
    assert two_sample_auc(a, c) > 0.85


def test_features_measure_the_curves() -> None:
    k = np.arange(1, 3)
    turn = 0.8
    curve = PhaseCurve(
        cos=np.array([[1.0, 0.4 * np.cos(turn)]]), sin=np.array([[0.0, -0.4 * np.sin(turn)]])
    )
    scaled = curve.normalised()
    for shift in (0.0, 0.3):
        row = observed_features(
            scaled.shifted(shift), "CEP", np.array([0.5]), np.array([1e-4]), n_points=400
        )[0]
        assert row[0] == pytest.approx(np.log10(0.5), abs=1e-3)
        assert row[1] == pytest.approx(0.4, abs=1e-3)
        # phi21 does not depend on the phase zero.
        assert row[4] == pytest.approx(np.cos(turn), abs=5e-3)
        assert row[7] == pytest.approx(np.sin(turn), abs=5e-3)
    grid = scaled.evaluate(np.arange(2000) / 2000)[0]
    rise = ((grid.argmin() - grid.argmax()) / 2000) % 1
    assert row[10] == pytest.approx(rise, abs=5e-3)
    assert len(k) == curve.n_harmonics


def test_bic_finds_the_order() -> None:
    truth = sawteeth(1, 0.6, 0)
    phase = np.random.default_rng(1).random(300)
    rng = np.random.default_rng(2)
    for sigma, low, high in ((0.001, 8, 12), (0.6, 1, 4)):
        mag = truth.evaluate(phase)[0] + sigma * rng.normal(size=300)
        fit = bic_harmonics(phase, mag, sigma)
        assert low <= fit.n_harmonics <= high
    assert bic_harmonics(phase[:4], mag[:4], 0.6).n_harmonics == 1


def test_small_samples_are_refused() -> None:
    with pytest.raises(InputError, match="samples of 5 and 40"):
        two_sample_auc(np.zeros((5, 2)), np.zeros((40, 2)))


def test_fold_noise() -> None:
    assert fold_noise([12.0, 18.7, 19.64]) == pytest.approx([0.007, 0.0505, 0.1], abs=0.002)
