"""The two-sample test and the features it sees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.measures.reconstruction import _bic_harmonics
from pelsvae_cadence.training.evaluate.measures.samples import (
    Drawn,
    draw_like,
    exposure_error,
    nearest_in_training,
)
from pelsvae_cadence.training.evaluate.measures.two_sample import (
    _given_columns,
    _held_out_scores,
    observed_features,
    real_against_real,
    two_sample_by_provenance,
    two_sample_test,
)
from pelsvae_cadence.training.open_set.table import OpenSet


def auc_of(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], *, twins: bool = False) -> float:
    """Area under the ROC curve of the held-out scores, as scikit-learn has it."""
    scores = _held_out_scores(first, second, twins=twins)
    return float(roc_auc_score(np.repeat([0, 1], [len(v) for v in scores]), np.concatenate(scores)))


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
    assert auc_of(a, b) == pytest.approx(0.5, abs=0.1)
    assert auc_of(a, c) > 0.85


def test_features_measure_the_curves() -> None:
    k = np.arange(1, 3)
    turn = 0.8
    curve = PhaseCurve(cos=np.array([[1.0, 0.4 * np.cos(turn)]]), sin=np.array([[0.0, -0.4 * np.sin(turn)]]))
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
        fit = _bic_harmonics(phase, mag, sigma)
        assert low <= fit.n_harmonics <= high
    assert _bic_harmonics(phase[:4], mag[:4], 0.6).n_harmonics == 1


def test_small_samples_are_refused() -> None:
    with pytest.raises(InputError, match="samples of 5 and 40"):
        _held_out_scores(np.zeros((5, 2)), np.zeros((40, 2)))


def test_twins_share_a_fold() -> None:
    """A copy recognised by its period must not push the area below one half."""
    rng = np.random.default_rng(0)
    shape, period = rng.normal(size=(2, 300)), rng.normal(size=300)
    first, second = (np.column_stack([s, period]) for s in shape)
    apart, together = (auc_of(first, second, twins=t) for t in (False, True))
    assert together == pytest.approx(0.5, abs=0.06)
    assert apart < together
    a, b = _held_out_scores(first, first, twins=True)
    # Twins that are alike in everything get one score.
    np.testing.assert_array_equal(a, b)
    with pytest.raises(InputError, match="twins in samples of 30 and 40"):
        _held_out_scores(np.zeros((30, 1)), np.zeros((40, 1)), twins=True)


def few(stars: OpenSet, star_class: str, split: str, n: int) -> OpenSet:
    return stars.take(np.flatnonzero((stars.star_class == star_class) & (stars.split == split))[:n])


def test_two_sample_test_sees_wrong_stars(open_stars: OpenSet) -> None:
    model = LightCurveModel.load()
    rows, other = (few(open_stars, "RRLYR", part, 120) for part in ("test", "validation"))
    control = real_against_real(rows, other, repeats=1)
    assert abs(control.auc - 0.5) < 4 * control.error
    drawn = draw_like(model, rows)
    # A star beyond the training range is drawn at its border.
    assert np.median(np.abs(drawn.period / rows.period - 1)) < 1e-9
    found = two_sample_test(rows, [drawn])
    assert found.auc < 0.8
    assert 0.01 < found.error < 0.1
    mean = PhaseCurve(
        cos=np.repeat(drawn.curve.cos.mean(axis=0)[None], len(rows), axis=0),
        sin=np.repeat(drawn.curve.sin.mean(axis=0)[None], len(rows), axis=0),
    ).normalised()
    assert two_sample_test(rows, [type(drawn)(**{**vars(drawn), "curve": mean})]).auc > 0.9


def test_each_provenance_is_judged(open_stars: OpenSet) -> None:
    """Stars of one provenance are drawn wrong: only they are found out."""
    mine = np.concatenate(
        [
            np.flatnonzero((open_stars.star_class == "CEP") & (open_stars.provenance == p))[:80]
            for p in ("observed", "observed-fourier")
        ]
    )
    rows = open_stars.take(mine)
    assert set(rows.provenance.tolist()) == {"observed", "observed-fourier"}
    wrong = rows.provenance == "observed"
    cos = np.where(wrong[:, None], np.roll(rows.cos, 7, axis=0), rows.cos)
    sin = np.where(wrong[:, None], -rows.sin, rows.sin)
    drawn = Drawn(
        curve=PhaseCurve(cos=cos, sin=sin),
        period=rows.period,
        teff=rows.teff,
        abs_mag_g=rows.abs_mag_g,
        amplitude_i=rows.amplitude_i,
    )
    every, parts = two_sample_by_provenance(rows, [drawn])
    assert every == two_sample_test(rows, [drawn])
    assert parts["observed"].auc > 0.8
    assert parts["observed-fourier"].auc < 0.65
    assert parts["observed"].n == 80
    _, none = two_sample_by_provenance(rows, [drawn], fewest=81)
    assert none == {}


def test_draws_are_addressed_by_the_star(open_stars: OpenSet) -> None:
    model = LightCurveModel.load()
    rows = few(open_stars, "ECL", "test", 30)
    whole, part = draw_like(model, rows, seed=4), draw_like(model, rows.take([7, 3]), seed=4)
    np.testing.assert_array_equal(whole.curve.cos[[7, 3]], part.curve.cos)
    np.testing.assert_array_equal(whole.teff[[7, 3]], part.teff)


def test_the_nearest_training_star_is_copied(open_stars: OpenSet) -> None:
    train = few(open_stars, "CEP", "train", 200)
    same = nearest_in_training(train, train, ("period", "teff", "abs_mag_g"))
    np.testing.assert_array_equal(same.amplitude_i, train.amplitude_i)
    np.testing.assert_allclose(same.curve.cos, train.cos)
    columns = _given_columns(train, ("period", "abs_mag_g"))
    np.testing.assert_array_equal(columns[:, 1], train.abs_mag_g)


def test_exposure_error(open_stars: OpenSet) -> None:
    rows = open_stars.take(np.flatnonzero(open_stars.galaxy == "LMC")[::20])
    error = exposure_error(rows)
    assert error.min() >= 0.007
    order = np.argsort(rows.abs_mag_i)
    at = np.interp(18.7, rows.abs_mag_i[order] + 18.477, error[order])
    assert at == pytest.approx(0.0505, rel=0.02)
    simulated = open_stars.take(np.flatnonzero(open_stars.galaxy == "SIM")[:3])
    assert np.unique(exposure_error(simulated)).size == 1
