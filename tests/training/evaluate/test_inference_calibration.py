"""The fit of the calibration: lines that samples were drawn from, scores on stars left out, the sample."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.inference_calibration import (
    cross_validated,
    fit_calibration,
    log_loss,
    scored_calibration,
)
from pelsvae_cadence.training.evaluate.inference_sample import CalibrationSample, calibration_sample

# Intercept and slope of the stars drawn here: overconfident ones, and honest ones.
LINES = {"CEP": (-1.0, 0.5), "RRLYR": (0.0, 1.0)}


def sample(n: int, seed: int = 3) -> CalibrationSample:
    rng = np.random.default_rng(seed)
    name = rng.choice(list(LINES), n)
    x = rng.normal(1.0, 3.0, n)
    intercept, slope = np.array([LINES[one] for one in name]).T
    return CalibrationSample(
        source=np.full(n, "drawn"),
        true_class=name,
        star_class=name,
        n_points=rng.integers(20, 500, n),
        probability=expit(x),
        right=rng.uniform(size=n) < expit(intercept + slope * x),
    )


def test_many_stars_give_the_lines_they_were_drawn_from():
    found = fit_calibration(sample(20_000), model="m")
    for name, (intercept, slope) in LINES.items():
        assert found.classes[name].intercept == pytest.approx(intercept, abs=0.15)
        assert found.classes[name].slope == pytest.approx(slope, rel=0.1)
    assert found.points_slope == pytest.approx(0.0, abs=0.15)
    assert found.model == "m"


def test_few_stars_of_a_class_stay_near_all_together():
    many, few = sample(2000), sample(4000, seed=5)
    few = few.take(np.flatnonzero(few.star_class == "CEP")[:4])
    alone = many.take(many.star_class == "RRLYR")
    found = fit_calibration(CalibrationSample.concatenate([alone, few]), model="")
    cep, pooled = found.classes["CEP"], found.pooled
    assert abs(np.log(cep.slope / pooled.slope)) < 0.3
    n = int((alone.right & (alone.probability >= 0.9)).sum())
    own = int((few.right & (few.probability >= 0.9)).sum())
    assert found.classes["RRLYR"].ceiling == pytest.approx(1.0 - 1.0 / (n + min(150, own) + 2.0), abs=1e-5)
    assert cep.ceiling == pytest.approx(1.0 - 1.0 / (own + 150 + 2.0), abs=1e-5)


def test_stars_left_out_are_better_served_than_by_raw_probabilities():
    stars = sample(2000)
    stated = cross_validated(stars, seed=1)
    assert log_loss(stated, stars.right) < log_loss(stars.probability, stars.right)
    assert not np.array_equal(stated, cross_validated(stars, seed=2))


def test_log_loss_of_a_coin_and_of_what_is_sure():
    right = np.array([True, False])
    assert log_loss(np.array([0.5, 0.5]), right) == pytest.approx(np.log(2.0))
    # Stated without doubt and wrong: eight nats, not infinitely many.
    assert log_loss(np.array([0.0, 1.0]), right) == pytest.approx(8.0, abs=1e-3)


def test_the_card_counts_the_stars_and_has_scores_before_and_after():
    stars = sample(400)
    card = scored_calibration(stars, model="m", seed=1, about={"command": "x"}).card
    assert card["command"] == "x"
    assert sum(card["stars_by_told_class"].values()) == card["stars"] == 400
    assert sum(card["right_by_told_class"].values()) == int(stars.right.sum())
    assert card["scores"]["all"] == card["scores"]["drawn"]
    raw = card["scores"]["all"]["raw"]
    assert raw["log_loss"] == pytest.approx(log_loss(stars.probability, stars.right), abs=1e-4)


def test_too_few_stars_and_the_seeds_of_shapes_are_refused():
    with pytest.raises(InputError, match="19 stars"):
        fit_calibration(sample(19), model="")
    with pytest.raises(InputError, match="seed 3"):
        calibration_sample(LightCurveModel.load(), 1, seed=3)


@pytest.mark.slow
def test_the_sample_has_all_classes_and_stars_without_a_period():
    seen = []
    model = LightCurveModel.load()
    stars = calibration_sample(model, 1, seed=11, progress=lambda done, total: seen.append((done, total)))
    assert set(stars.true_class.tolist()) == {*model.classes, "none"}
    assert not stars.right[stars.true_class == "none"].any()
    assert stars.right[stars.true_class != "none"].any()
    assert seen[-1] == (20, 20)
