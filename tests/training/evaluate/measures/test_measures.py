"""Trends, memory, eclipses, separation, response, latent table and contract."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.errors import bootstrap_error
from pelsvae_cadence.training.evaluate.measures.contract import dependence_on_visits
from pelsvae_cadence.training.evaluate.measures.eclipses import _measure_shapes, compare_eclipses
from pelsvae_cadence.training.evaluate.measures.latent_table import latent_table
from pelsvae_cadence.training.evaluate.measures.memory import nearest_distance, training_distance
from pelsvae_cadence.training.evaluate.measures.response import response
from pelsvae_cadence.training.evaluate.measures.samples import choose, draw_like, nearest_in_training
from pelsvae_cadence.training.evaluate.measures.separation import macro_f1, separation
from pelsvae_cadence.training.evaluate.measures.trends import (
    _circular_difference,
    _compare_trends,
    _phase_difference,
    rise_fraction,
    skewness,
)
from pelsvae_cadence.training.open_set.table import OpenSet
from pelsvae_cadence.validate.report import Figure


def test_targets_are_met_within_two_errors() -> None:
    assert Figure.within("a", 0.5, high=0.4).passed is False
    near = Figure.within("a", 0.5, error=0.06, high=0.4, note="n")
    assert near.passed
    assert near.note == "+- 0.06; n; met within two standard errors"
    assert near.target == "<= 0.4"
    assert Figure.within("a", 0.5, error=0.04, high=0.4).passed is False
    assert Figure.within("a", 1.3, error=0.1, low=0.8, high=1.2).passed
    assert Figure.within("a", 1.3, error=0.1).passed is None


def test_bootstrap_error_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(size=400)
    error = bootstrap_error(lambda i: float(values[i].mean()), 400, seed=1)
    assert error == pytest.approx(0.05, rel=0.2)


def test_shape_measures() -> None:
    # Brightest (smallest) at phase 0; a rise of 0.2 cycles from minimum at 0.8.
    phase = np.arange(512) / 512
    wave = np.interp(phase, [0, 0.8, 1], [-0.5, 0.5, -0.5])
    term = np.fft.rfft(wave)[1:65] * 2 / 512
    curve = PhaseCurve(cos=term.real[None], sin=-term.imag[None])
    assert rise_fraction(curve)[0] == pytest.approx(0.2, abs=0.02)
    assert abs(skewness(curve)[0]) < 0.02
    turn = PhaseCurve(cos=np.array([[1.0, 0.3]]), sin=np.array([[0.0, 0.0]]))
    for shift in (0.0, 0.21):
        assert _phase_difference(turn.shifted(shift))[0] == pytest.approx(0.0, abs=1e-12)
    assert _circular_difference(np.array([3.0]), np.array([-3.0]))[0] == pytest.approx(6 - 2 * np.pi)


def test_trends_see_an_offset_and_know_their_noise() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=800)
    real = np.sin(4 * x) + 0.2 * rng.normal(size=800)
    good = [np.sin(4 * x) + 0.2 * rng.normal(size=800) for _ in range(20)]
    fair = _compare_trends(x, real, good)
    assert fair.rms < 2.0 * fair.noise
    assert fair.noise == pytest.approx(0.02, rel=0.15)
    off = _compare_trends(x, real, [g + 0.3 for g in good])
    assert off.rms == pytest.approx(0.3, abs=0.05)
    turned = _compare_trends(x, real + 3.0, [g + 3.0 - 2 * np.pi for g in good], angle=True)
    assert turned.rms == pytest.approx(fair.rms, abs=0.01)


def test_memory_finds_copies(open_stars: OpenSet) -> None:
    train, rows = (choose(open_stars, "RRLYR", part, 300) for part in ("train", "test"))
    copies = nearest_in_training(train, rows, ("period",))
    assert training_distance(train, rows, [copies]).ratio == pytest.approx(0.0, abs=1e-6)
    assert training_distance(train, rows, [copies]).nearest_tenth == pytest.approx(0.0, abs=1e-6)
    other = nearest_in_training(choose(open_stars, "RRLYR", "validation", 300), rows, ("period",))
    fair = training_distance(train, rows, [other])
    assert fair.ratio == pytest.approx(1.0, abs=4 * fair.error)
    assert fair.nearest_tenth == pytest.approx(1.0, abs=0.3)
    pair = PhaseCurve(cos=np.array([[1.0], [0.5]]), sin=np.zeros((2, 1)))
    assert nearest_distance(pair, pair.take([1])) == pytest.approx([0.5 / np.sqrt(2), 0], abs=1e-7)


def test_eclipses_are_measured(open_stars: OpenSet) -> None:
    phase = np.arange(1024) / 1024
    far = np.minimum(phase, 1 - phase)
    flat = np.interp(far, [0.03, 0.05, 0.45, 0.5], [0.8, 0, 0, 0.4])
    sharp = np.interp(far, [0, 0.08, 0.5], [0.8, 0, 0])
    term = np.fft.rfft(np.stack([flat, sharp]), axis=1)[:, 1:200] * 2 / 1024
    found = _measure_shapes(PhaseCurve(cos=term.real, sin=-term.imag), [1.0, 0.5])
    assert found["width"] == pytest.approx([0.08, 0.08], abs=0.004)
    assert found["depth ratio"] == pytest.approx([0.5, 0.0], abs=0.02)
    assert found["depth"] == pytest.approx([0.8, 0.4], abs=0.02)
    assert found["flatness"][0] > 0.7
    assert found["flatness"][1] < 0.25
    a, b = (choose(open_stars, "ECL", part, 300) for part in ("test", "validation"))
    pairs = [(t.curve, np.asarray(t.amplitude_i)) for t in (a, b)]
    same = compare_eclipses(pairs[0], pairs[1], [pairs[0]])
    assert all(c.distance == 0.0 for c in same.values())
    deeper = compare_eclipses(pairs[0], pairs[1], [(pairs[0][0], 1.5 * pairs[0][1])])
    assert deeper["depth"].distance > deeper["depth"].chance > deeper["width"].distance


def test_macro_f1() -> None:
    truth = np.array(["a", "a", "b", "b"])
    assert macro_f1(truth, truth) == 1.0
    assert macro_f1(truth, np.array(["a", "b", "b", "b"])) == pytest.approx((2 / 3 + 0.8) / 2)


@pytest.mark.slow
def test_separation_and_response(open_stars: OpenSet) -> None:
    model = LightCurveModel.load()
    kept = np.isin(open_stars.star_class, ["CEP", "RRLYR", "ECL", "LPV"])
    some = open_stars.take(kept)
    learn, test = (some.take(np.flatnonzero(some.split == p)[::5]) for p in ("validation", "test"))
    found = separation(model, learn, test, with_period=True, seeds=(0,))
    assert 0.8 < found.trtr <= 1.0
    assert 0.8 < found.ratio < 1.2
    answer = response(model, choose(open_stars, "RRLYR", "test", 80), seeds=(0, 1))
    assert answer["all"].gain > 1.0 + 2.0 * answer["all"].error
    assert all(v.change > 0 for v in answer.values())


@pytest.mark.slow
def test_latent_table(open_stars: OpenSet) -> None:
    kept = np.isin(open_stars.star_class, ["CEP", "RRLYR"])
    some = open_stars.take(kept)
    train, test = (
        some.take(np.flatnonzero(some.split == p)[:: 1 + 2 * i]) for i, p in enumerate(("test", "validation"))
    )
    found = latent_table(LightCurveModel.load(), train, test)
    # Knowing the stars' own physics must beat somebody else's; splitting rows must leak.
    assert found.rmse["forest"] < found.rmse["forest permuted"]
    assert found.row_split["forest permuted"] < 0.7 * found.rmse["forest permuted"]
    assert found.macro_f1["latent"] > found.macro_f1["permuted"]


def test_dependence_on_visits() -> None:
    model = LightCurveModel.load()
    assert dependence_on_visits(model, stars_per_class=2) < 1e-9

    class Counting(PhaseCurve):
        """A curve that counts its visits, as the published decoder does."""

        def evaluate(self, phase):  # type: ignore[no-untyped-def]
            values = super().evaluate(phase)
            return values + 0.01 * np.arange(values.shape[1])

    class Sequence(LightCurveModel):
        """A model that hands such curves out."""

        def phase_curve(self, stars, **options):  # type: ignore[no-untyped-def]
            curve = super().phase_curve(stars, **options)
            return Counting(cos=curve.cos, sin=curve.sin)

    from pelsvae_cadence.model.weights import load_weights

    assert dependence_on_visits(Sequence(load_weights()), stars_per_class=2) > 0.1


def test_draw_like_clips_to_the_training_range(open_stars: OpenSet) -> None:
    model = LightCurveModel.load()
    rows = choose(open_stars, "CEP", "test", 400)
    low, high = model.ranges("CEP")["period"]
    drawn = draw_like(model, rows, ("period", "teff", "abs_mag_g"))
    assert drawn.period.min() >= low
    assert drawn.period.max() <= high
