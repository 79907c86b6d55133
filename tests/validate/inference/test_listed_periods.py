"""Listed periods that are aliases are told by many points."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import at_magnitude
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.validate.inference.listed_periods import looked_over


def test_a_listed_alias_of_a_year_is_seen_through():
    model = LightCurveModel.load()
    visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(ra=35.6, dec=-4.8)
    stars = at_magnitude(model.sample("RRab", n=3, ra=35.6, dec=-4.8, seed=2), "r", 20.0)
    seen = simulate(stars, visits, model=model, seed=3)
    alias = 1.0 / (1.0 / stars.period + 1.0 / 365.25)
    for listed in (alias, stars.period):
        np.testing.assert_allclose(looked_over(listed, seen), stars.period, rtol=1e-5)
