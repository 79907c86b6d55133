"""Probabilities that are probabilities, tables, and the curve that fits best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.infer import _distinct
from pelsvae_cadence.inference.posterior import BestCurve
from tests.inference.test_infer import N_STARS, read, stars


def test_probabilities_add_up():
    found = read()
    for name in (
        "period_probability",
        "no_period_probability",
        "class_probability",
        "subtype_probability",
        "candidate_probabilities",
    ):
        value = getattr(found, name)
        assert ((value >= 0.0) & (value <= 1.0 + 1e-9)).all()
    np.testing.assert_allclose(found.class_probability.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.subtype_probability.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.subtype_probability[:, :2].sum(axis=1), found.class_probability[:, 0])
    total = found.candidate_probabilities.sum(axis=1) + found.no_period_probability
    assert (total <= 1.0 + 1e-9).all()
    np.testing.assert_array_equal(found.candidate_probabilities[:, 0], found.period_probability)
    np.testing.assert_allclose(found.candidate_frequencies[:, 0], found.frequency)
    assert (np.diff(found.candidate_probabilities, axis=1) <= 0.0).all()
    odds = (1.0 - found.no_period_probability) / found.no_period_probability
    np.testing.assert_allclose(
        np.exp(np.minimum(found.log_odds, 30.0)), np.minimum(odds, np.exp(30.0)), rtol=1e-3
    )


def test_names_go_with_columns():
    found = read()
    assert found.classes == ("RRLYR", "other")
    assert found.subtypes == ("RRLYR/RRab", "RRLYR/RRc", "other")
    assert found.options["period_range"] == (0.4, 0.8)
    assert found.options["no_period"] == 0.1


def test_tables_hold_what_a_table_can():
    table = read().to_pandas()
    assert len(table) == N_STARS
    np.testing.assert_array_equal(table["p_RRLYR"], read().class_probability[:, 0])
    np.testing.assert_array_equal(table["p_other"], read().class_probability[:, 1])
    np.testing.assert_array_equal(table["period"], read().period)
    assert "curve" not in table
    units = read().to_table()
    assert str(units["period"].unit) == str(units["period_error"].unit) == "d"


def test_the_curve_runs_through_the_points_of_a_bright_star():
    period, light_curves = stars()
    right = np.flatnonzero(np.abs(read().frequency - 1.0 / period) * 60.0 < 0.1)
    assert right.size
    for i in right.tolist():
        rows = light_curves.rows(i)
        curve = read().curve[i]
        for band in curve.bands:
            mine = (light_curves.band[rows] == band) & ~light_curves.saturated[rows]
            flux = light_curves.flux[rows][mine]
            rest = flux - curve.flux(light_curves.mjd[rows][mine], band)
            assert rest.std() < 0.3 * flux.std()
            assert abs(rest.mean()) < 0.05 * flux.mean()


def test_the_curve_repeats_itself_and_knows_its_bands():
    curve = BestCurve(
        frequency=2.0,
        epoch=60000.1,
        bands=("g", "r"),
        mean_flux=np.array([100.0, 50.0]),
        coefficients=np.array([[0.01, 0.25, 0.1j], [0.0, 0.1, 0.0]], dtype=np.complex128),
    )
    at = 60000.1 + np.array([0.0, 0.125, 0.25])
    # 1 + 0.01 + 2 Re(0.25 exp(2 pi i phi) + 0.1 i exp(4 pi i phi)) at phi = 0, 1/4, 1/2
    np.testing.assert_allclose(curve.flux(at, "g"), [151.0, 101.0, 51.0])
    np.testing.assert_allclose(curve.flux(at + 7.5, "g"), curve.flux(at, "g"), rtol=1e-6)
    assert curve.flux(at, "r")[0] == pytest.approx(60.0)
    with pytest.raises(InputError, match=r"'i'.*g, r"):
        curve.flux(at, "i")


@settings(derandomize=True, deadline=None)
@given(
    modes=st.lists(
        st.tuples(st.floats(0.5, 1.5), st.floats(1e-6, 0.05), st.floats(-20.0, 0.0)), min_size=1, max_size=12
    ),
    span=st.floats(5.0, 500.0),
)
def test_distinct_frequencies_are_a_tenth_apart_on_either_side(modes, span):
    frequency, error, log_weight = (np.array(x) for x in zip(*modes, strict=True))
    log_probability = log_weight - np.logaddexp.reduce(log_weight)
    kept, probability = _distinct(frequency, error, log_probability, span)
    assert set(kept.tolist()) <= set(range(frequency.size))
    assert int(np.argmax(log_weight)) in kept
    apart = np.abs(frequency[kept][:, None] - frequency[kept]) * span
    assert (apart[~np.eye(kept.size, dtype=bool)] >= 0.2 - 1e-9).all()
    assert (probability >= 0.0).all()
    assert probability.sum() <= 1.0 + 1e-9
    assert (np.diff(probability) <= 0.0).all()


def test_a_mode_counts_by_how_much_of_it_is_right():
    """Exact modes: those within a tenth of 1/T count in full; loose ones by their Gaussian."""
    span = 100.0
    frequency = np.array([1.0, 1.0009, 1.0500])
    weight = np.log(np.array([0.5, 0.2, 0.3]))
    kept, probability = _distinct(frequency, np.full(3, 1e-7), weight, span)
    assert kept.tolist() == [0, 2]
    assert probability.tolist() == pytest.approx([0.7, 0.3])
    _, loose = _distinct(np.array([1.0]), np.array([0.001]), np.zeros(1), span)
    assert loose[0] == pytest.approx(0.6827, abs=1e-3)


def test_shapes_of_columns_are_checked():
    found = read()
    with pytest.raises(InputError, match="period"):
        replace(found, period=np.zeros(N_STARS + 1))
    with pytest.raises(InputError, match="class_probability"):
        replace(found, class_probability=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="read-only"):
        found.period[0] = 1.0
