"""Values of visits agree with what reading the star again gives."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.validate.physics.visit_values import FAMILIES, against_brute_force
from tests.inference.stars_of_bank import drawn, model


def test_a_deep_visit_outranks_one_that_sees_nothing():
    _, star = drawn("RRLYR", "RRc", n_stars=1, n_points=12, span=30.0, seed=34, mag=22.0)
    mjd = 60034.0 + np.array([0.1, 1.2])
    candidates = Visits(
        mjd=mjd,
        band=np.array(["g", "g"]),
        m5=np.array([20.0, 24.0]),
        night=np.floor(mjd).astype(np.int64),
        visit_id=np.arange(2),
        exptime=np.full(2, 30.0),
    )
    done: list[int] = []
    found = against_brute_force(
        star,
        candidates,
        model=model(),
        priors=Priors(classes={"RRLYR": 1.0}),
        period_range=(0.2, 0.6),
        draws=6,
        seed=0,
        progress=lambda here, total: done.append(here * 100 // total),
    )
    assert found.predicted[0] < 0.1 * found.predicted[1]
    assert abs(found.found[0]) < found.found[1]
    assert found.rank_correlation > 0.99
    assert done[-1] == 100


def test_families_of_cadence_are_not_the_one_of_development():
    wide = [f for f in FAMILIES.values() if f.preset == "lsst-v3" and f.pairing is None]
    assert len(FAMILIES) >= 3
    assert not wide
