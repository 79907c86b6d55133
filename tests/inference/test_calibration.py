"""Calibration: monotone maps of stated probabilities, their ceilings, and posteriors that carry them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.calibration import Calibration, ClassLine, calibrated_posterior
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.inference.posterior import OTHER, Posterior
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.model.weights import load_weights
from tests.inference.fitted_sample import CLASSES, PERIOD_RANGE, light_curves

SHIPPED = Calibration.load()
NAMES = [*SHIPPED.classes, "unheard of"]
PROBABILITIES = st.floats(0.0, 1.0)


@given(
    raw=st.lists(PROBABILITIES, min_size=2, max_size=20),
    name=st.sampled_from(NAMES),
    n_points=st.integers(5, 100_000),
)
@settings(derandomize=True, deadline=None)
def test_what_is_stated_rises_with_the_raw_probability_up_to_the_ceiling(raw, name, n_points):
    raw = np.sort(raw)
    stated = SHIPPED.apply(raw, name, n_points)
    assert ((stated >= 0.0) & (stated <= SHIPPED.classes.get(name, SHIPPED.pooled).ceiling)).all()
    assert (np.diff(stated) >= 0.0).all()
    assert (stated[raw == 0.0] == 0.0).all()


def test_a_class_that_is_unknown_follows_all_together():
    raw = np.linspace(0.0, 1.0, 11)
    pooled = replace(SHIPPED, classes={})
    np.testing.assert_array_equal(SHIPPED.apply(raw, "new", 60), pooled.apply(raw, "RRLYR", 60))
    assert not np.array_equal(SHIPPED.apply(raw, "RRLYR", 60), pooled.apply(raw, "RRLYR", 60))


def test_a_line_does_what_its_formula_says():
    line = ClassLine(intercept=-0.4, slope=0.5, ceiling=0.97)
    calibration = Calibration(
        classes={"CEP": line}, pooled=line, points_slope=0.3, points_range=(20.0, 1000.0), model="", card={}
    )
    x = -0.4 + 0.5 * np.log(0.8 / 0.2) + 0.3 * (np.log10(500.0) - 2.0)
    assert calibration.apply(0.8, "CEP", 500) == pytest.approx(1.0 / (1.0 + np.exp(-x)))
    assert calibration.apply(1.0, "CEP", 500) == 0.97
    assert calibration.apply(0.8, "CEP", 5) == calibration.apply(0.8, "CEP", 20)


def test_the_shipped_file_is_that_of_the_default_model_and_has_its_card():
    assert SHIPPED.model == load_weights("default").hash
    card = SHIPPED.card
    assert card["command"].startswith("python -m pelsvae_cadence.training calibrate-inference")
    assert sum(card["stars_by_told_class"].values()) == card["stars"] == card["scores"]["all"]["stars"]
    scores = card["scores"]["all"]
    for name in ("log_loss", "expected_calibration_error"):
        assert scores["calibrated"][name] < scores["raw"][name]
    # Nothing is stated that the stars of the fit cannot support.
    assert max(line.ceiling for line in SHIPPED.classes.values()) <= 1.0 - 1.0 / (card["stars"] + 2.0)


def test_files_are_read_back_and_others_refused(tmp_path):
    file = tmp_path / "calibration.json"
    file.write_text(SHIPPED.to_json(), encoding="utf-8")
    assert Calibration.load(file) == SHIPPED
    file.write_text(SHIPPED.to_json().replace('"format": 1', '"format": 99'), encoding="utf-8")
    with pytest.raises(InputError, match="format 99"):
        Calibration.load(file)
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="no calibration"):
        Calibration.load(file)
    with pytest.raises(InputError, match="no calibration"):
        Calibration.load(tmp_path / "missing.json")


def test_impossible_values_are_refused():
    with pytest.raises(InputError, match="slope"):
        ClassLine(intercept=0.0, slope=0.0, ceiling=0.9)
    with pytest.raises(InputError, match="ceiling"):
        ClassLine(intercept=0.0, slope=1.0, ceiling=1.0)
    with pytest.raises(InputError, match="points_range"):
        replace(SHIPPED, points_range=(30.0, 20.0))
    with pytest.raises(InputError, match="out of range"):
        SHIPPED.apply([0.5, 1.2], "RRLYR", 60)


def posterior(weights: list[float], none: float) -> Posterior:
    """Make the posterior of one star whose candidates share what is left beside no period."""
    share = np.sort(np.array(weights))[::-1]
    share = share / share.sum() * (1.0 - none)
    one = np.ones(1)
    return Posterior(
        star_id=np.zeros(1, dtype=np.int64),
        status=np.array(["ok"]),
        period=one,
        period_error=0.01 * one,
        period_probability=share[:1],
        no_period_probability=none * one,
        log_odds=one,
        star_class=np.array(["CEP"]),
        subtype=np.array(["F"]),
        class_probability=np.array([[1.0, 0.0]]),
        subtype_probability=np.array([[1.0, 0.0]]),
        candidate_frequencies=np.arange(1.0, share.size + 1.0)[None],
        candidate_probabilities=share[None],
        n_points=np.array([60]),
        curve=np.array([None], dtype=object),
        classes=("CEP", OTHER),
        subtypes=("CEP/F", OTHER),
        options={"model": SHIPPED.model},
    )


@given(
    weights=st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=6),
    none=st.floats(0.0, 0.999),
    intercept=st.floats(-2.0, 2.0),
    slope=st.floats(0.2, 2.0),
)
@settings(derandomize=True, deadline=None)
def test_candidates_keep_their_order_and_leave_room_for_no_period(weights, none, intercept, slope):
    line = ClassLine(intercept=intercept, slope=slope, ceiling=0.98)
    raw = posterior(weights, none)
    stated = calibrated_posterior(raw, replace(SHIPPED, classes={"CEP": line}))
    found = stated.candidate_probabilities[0]
    assert found[0] == stated.period_probability[0] <= 0.98
    assert (found >= 0.0).all()
    assert found.sum() <= 1.0 - none + 1e-9
    if stated.period_probability[0] <= raw.period_probability[0]:
        assert (np.diff(found) <= 1e-12).all()
    assert stated.options["calibration"] == "of this model"


def test_a_candidate_of_next_to_no_probability_is_no_obstacle():
    stated = calibrated_posterior(posterior([1.0, 5e-320], 0.0), SHIPPED)
    assert np.isfinite(stated.candidate_probabilities).all()


def test_the_posterior_of_another_model_is_calibrated_and_says_so():
    raw = posterior([3.0, 1.0], 0.1)
    other = calibrated_posterior(replace(raw, options={"model": "another"}), SHIPPED)
    assert other.options["calibration"] == "of another model"
    own = calibrated_posterior(raw, SHIPPED)
    np.testing.assert_array_equal(other.period_probability, own.period_probability)


def test_only_probabilities_of_periods_are_calibrated_and_only_where_wanted():
    wanted = {"priors": Priors(classes={CLASSES: 1.0}), "period_range": PERIOD_RANGE}
    stars = light_curves()
    stated, raw = infer(stars, **wanted), infer(stars, calibrated=False, **wanted)
    assert (stated.options["calibrated"], stated.options["calibration"]) == (True, "of this model")
    assert raw.options["calibrated"] is False
    changed = ("period_probability", "candidate_probabilities")
    for name in ("period", "no_period_probability", "class_probability", "candidate_frequencies"):
        np.testing.assert_array_equal(getattr(stated, name), getattr(raw, name))
    for name in changed:
        assert not np.array_equal(getattr(stated, name), getattr(raw, name))
    room = 1.0 - raw.no_period_probability
    expected = SHIPPED.apply(raw.period_probability, raw.star_class, raw.n_points)
    np.testing.assert_allclose(stated.period_probability, np.minimum(expected, room))
    # No answer stays none.
    assert stated.period_probability[2] == 0.0
