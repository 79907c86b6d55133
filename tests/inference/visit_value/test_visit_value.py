"""Further visits are worth what they can decide."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.inference.visit_value.visit_value import VisitValue, visit_value
from tests.inference.stars_of_bank import drawn, model

PRIORS = Priors(classes={"RRLYR": 1.0})
OPTIONS = {"priors": PRIORS, "period_range": (0.2, 0.6)}


def later(m5: float = 24.5, bands: tuple[str, ...] = ("g", "r", "i"), n: int = 6) -> Visits:
    mjd = 60060.0 + np.arange(n) + 0.07 * np.arange(n)
    return Visits(
        mjd=mjd,
        band=np.array(bands)[np.arange(n) % len(bands)],
        m5=np.full(n, m5),
        night=np.floor(mjd).astype(np.int64),
        visit_id=np.arange(n),
        exptime=np.full(n, 30.0),
    )


@cache
def few_points():
    """Faint stars whose periods nine points leave open."""
    return drawn("RRLYR", "RRc", n_stars=3, n_points=9, span=40.0, mag=23.0)[1]


@cache
def values() -> VisitValue:
    return visit_value(few_points(), None, later(), model=model(), **OPTIONS)


def test_deep_visits_decide_something_and_shallow_ones_nothing():
    assert (values().total >= 0.0).all()
    assert values().total.max() > 0.3
    shallow = visit_value(few_points(), None, later(m5=12.0), model=model(), **OPTIONS)
    assert shallow.total.max() < 0.1 * values().total.max()
    assert (values().period_and_class >= values().period - 1e-9).all()
    assert (values().period_and_class >= values().star_class - 1e-9).all()
    assert (values().distance >= 0.0).all()


def test_more_points_leave_less_to_be_decided():
    _, many = drawn("RRLYR", "RRc", n_stars=3, n_points=45, span=60.0, mag=21.0)
    known = visit_value(many, None, later(), model=model(), distances=False, **OPTIONS)
    assert known.period_and_class.mean() < 0.5 * values().period_and_class.mean()
    assert (known.distance == 0.0).all()


def test_a_star_does_not_depend_on_the_others_nor_a_visit():
    alone = visit_value(few_points().take([1]), None, later().take([2, 4]), model=model(), **OPTIONS)
    for name in ("period", "star_class", "period_and_class", "precision", "distance"):
        np.testing.assert_allclose(
            getattr(alone, name)[0], getattr(values(), name)[1, [2, 4]], rtol=1e-9, atol=1e-12
        )


def test_bands_without_a_point_and_saturated_stars_are_worth_nothing():
    other = visit_value(few_points(), None, later(bands=("y",)), model=model(), **OPTIONS)
    assert (other.total == 0.0).all()
    bright = few_points()
    bright = type(bright)(
        star_id=bright.star_id,
        offsets=bright.offsets,
        mjd=bright.mjd,
        band=bright.band,
        flux=bright.flux * 1e4,
        flux_err=bright.flux_err * 1e4,
    )
    assert (visit_value(bright, None, later(), model=model(), **OPTIONS).total == 0.0).all()


def test_the_table_and_the_best_visits():
    table = values().to_table()
    assert len(table) == 6
    assert str(table["total"].unit) == "bit"
    best = values().best(2)
    assert table["total"][best[0]] == table["total"].max()
    with pytest.raises(InputError, match="n = 7"):
        values().best(7)


def test_stars_come_with_visits_and_light_curves_without():
    with pytest.raises(InputError, match="their own visits"):
        visit_value(few_points(), later(), later(), model=model())
    stars = model().sample("RRab", n=1, seed=50)
    with pytest.raises(InputError, match="without visits"):
        visit_value(stars, None, later(), model=model())
