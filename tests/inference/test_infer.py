"""Stars drawn anew are read: their periods are found, rows are independent, limits are kept."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.inference.posterior import Posterior
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.light_curves import LightCurves
from tests.inference.stars_of_bank import drawn, group, member_light_curves, shuffled

PRIORS = Priors(classes={"RRLYR": 1.0})
PERIODS = (0.4, 0.8)
N_STARS = 6


def stars() -> tuple[np.ndarray, LightCurves]:
    return drawn("RRLYR", "RRab", n_stars=N_STARS, n_points=30, span=60.0)


@cache
def read() -> Posterior:
    return infer(stars()[1], priors=PRIORS, period_range=PERIODS)


def one(light_curves: LightCurves, *, keep: slice = slice(None), **changes: np.ndarray) -> LightCurves:
    """Part of the points of a single star, with other columns."""
    columns = {name: getattr(light_curves, name) for name in ("mjd", "band", "flux", "flux_err", "saturated")}
    columns = {name: value[keep] for name, value in {**columns, **changes}.items()}
    return LightCurves(star_id=np.array([1]), offsets=np.array([0, columns["mjd"].size]), **columns)


def test_stars_that_the_bank_does_not_hold_are_read():
    period, light_curves = stars()
    found = read()
    drift = np.abs(found.frequency - 1.0 / period) * 60.0
    assert (drift < 0.1).sum() >= N_STARS - 1
    right = drift < 0.1
    assert (found.star_class[right] == "RRLYR").all()
    assert (found.subtype[right] == "RRab").all()
    assert (np.abs(found.period - period)[right] < 5.0 * found.period_error[right]).all()
    assert found.period_probability[right].mean() > 0.8
    assert (found.n_points <= 30).all()
    assert found.star_id.tolist() == light_curves.star_id.tolist()


def test_shuffled_stars_are_likelier_to_have_no_period():
    _, light_curves = stars()
    none = infer(shuffled(light_curves, 8), priors=PRIORS, period_range=PERIODS)
    assert (none.no_period_probability > read().no_period_probability).all()
    assert (none.log_odds < read().log_odds - 5.0).all()
    # Colours and amplitude are still those of RR Lyrae, but no period is certain.
    assert np.median(none.period_probability) < 0.7


def test_a_row_does_not_depend_on_other_stars():
    _, light_curves = stars()
    rows = slice(int(light_curves.offsets[2]), int(light_curves.offsets[3]))
    alone = infer(one(light_curves, keep=rows), priors=PRIORS, period_range=PERIODS)
    together = read()
    for name in ("period", "period_error", "period_probability", "no_period_probability", "log_odds"):
        assert getattr(alone, name)[0] == getattr(together, name)[2]
    np.testing.assert_array_equal(alone.class_probability[0], together.class_probability[2])
    np.testing.assert_array_equal(alone.candidate_frequencies[0], together.candidate_frequencies[2])
    np.testing.assert_array_equal(alone.curve[0].coefficients, together.curve[2].coefficients)


def test_periods_outside_the_range_are_never_named():
    period, light_curves = stars()
    found = infer(light_curves, priors=PRIORS, period_range=(0.2, 0.4))
    assert (period > 0.4).all()
    ok = found.status == "ok"
    assert ok.all()
    candidates = 1.0 / found.candidate_frequencies[np.isfinite(found.candidate_frequencies)]
    assert candidates.min() > 0.2 * 0.999
    assert candidates.max() < 0.4 * 1.001


@pytest.mark.parametrize(
    ("keep", "status"),
    [(slice(0, 0), "no usable flux"), (slice(0, 6), "too few points"), (slice(0, 7), "ok")],
)
def test_stars_with_few_points_say_so(keep, status):
    light_curves = member_light_curves(group("RRab"), 300, n=30, span=60.0)
    found = infer(one(light_curves, keep=keep), priors=PRIORS, period_range=PERIODS)
    assert found.status[0] == status
    assert np.isfinite(found.period[0]) == (status == "ok")
    assert (found.curve[0] is not None) == (status == "ok")
    if status != "ok":
        assert found.star_class[0] == ""
        assert found.period_probability[0] == found.no_period_probability[0] == 0.0
        assert not found.class_probability.any()


def test_points_within_one_period_are_too_short_a_span():
    light_curves = member_light_curves(group("RRab"), 300, n=12, span=60.0)
    mjd = 60000.0 + np.linspace(0.0, 0.3, 12)
    found = infer(one(light_curves, mjd=mjd), priors=PRIORS, period_range=PERIODS)
    assert found.status[0] == "span too short"


def test_a_star_below_detection_is_read_from_forced_fluxes():
    shapes = group("RRab")
    bright = member_light_curves(shapes, 300, n=60, span=60.0, noise=0.01)
    rng = np.random.default_rng(9)
    flux, error = bright.flux.copy(), 0.6 * bright.flux
    flux += error * rng.standard_normal(60)
    assert (flux < 5.0 * error).all()
    found = infer(one(bright, flux=flux, flux_err=error), priors=PRIORS, period_range=PERIODS)
    assert found.status[0] == "ok"
    assert found.n_points[0] == 60
    # Next to nothing can be known, and that is what it says.
    assert found.period_probability[0] < 0.9
    assert found.no_period_probability[0] > 0.01
    assert np.isfinite(found.curve[0].flux(bright.mjd, "r")).all()


def test_the_curve_of_a_band_below_detection_runs_through_its_points():
    light_curves = member_light_curves(group("RRab"), 300, n=60, span=60.0, noise=0.01)
    faint = light_curves.band == "g"
    rng = np.random.default_rng(4)
    flux, error = light_curves.flux.copy(), light_curves.flux_err.copy()
    error[faint] = 20.0 * flux[faint].mean()
    flux[faint] += error[faint] * rng.standard_normal(faint.sum())
    found = infer(one(light_curves, flux=flux, flux_err=error), priors=PRIORS, period_range=PERIODS)
    curve = found.curve[0].flux(light_curves.mjd[faint], "g")
    rest = (flux[faint] - curve) / error[faint]
    assert abs(rest.mean()) < 1.0 / np.sqrt(faint.sum())
    assert found.period[0] == pytest.approx(float(np.exp(group("RRab").ln_period[300])), rel=1e-3)


def test_without_prior_probability_there_is_always_a_period():
    light_curves = shuffled(member_light_curves(group("RRab"), 300, n=30, span=60.0), 3)
    never = Priors(classes={"RRLYR": 1.0}, no_period=0.0, unseen=0.0)
    found = infer(light_curves, priors=never, period_range=PERIODS)
    assert found.no_period_probability[0] == 0.0
    assert found.log_odds[0] == np.inf
    assert found.class_probability[0].tolist() == pytest.approx([1.0, 0.0])


def test_progress_counts_stars():
    told = []
    infer(
        one(member_light_curves(group("RRab"), 300, n=10), keep=slice(0, 4)),
        priors=PRIORS,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_candidates": 0},
        {"n_candidates": 21},
        {"n_candidates": 2.5},
        {"period_range": (0.8, 0.4)},
        {"period_range": (0.0, 1.0)},
        {"period_range": 0.5},
    ],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        infer(stars()[1], priors=PRIORS, **wrong)


def test_difference_fluxes_are_refused():
    light_curves = LightCurves.from_arrays(
        60000.0 + np.arange(20) * 1.37, "r", flux=np.ones(20), flux_err=np.ones(20), flux_kind="difference"
    )
    with pytest.raises(InputError, match="difference"):
        infer(light_curves)
