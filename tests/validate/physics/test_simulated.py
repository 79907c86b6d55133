"""Simulated stars follow the prior that `infer` uses, and the cadence asked for."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.inference.bank import shape_bank
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.validate.physics.simulated import simulated_stars


def test_truths_follow_the_bank_and_points_the_cadence():
    model = LightCurveModel.load()
    found = simulated_stars(model, ("RRLYR", "CEP"), 60, "40 points")
    stars, curves = found.stars, found.light_curves
    np.testing.assert_array_equal(stars.star_id, curves.star_id)
    assert (np.diff(curves.offsets) == 40).all()
    assert 15 < (stars.star_class == "CEP").sum() < 45
    assert np.mean(stars.ebv < 0.1) > 0.4
    assert stars.ebv.max() > 0.15
    magnitude = mean_magnitudes(stars, ("r",))[:, 0]
    assert ((magnitude > 17.4) & (magnitude < 21.1)).all()
    # Half of the density is flat in log P: rare long periods are drawn as well.
    group = next(g for g in shape_bank(model, ("r",)).groups if g.subtype == "F" and g.star_class == "CEP")
    own = np.log(stars.period[(stars.subtype == "F") & (stars.star_class == "CEP")])
    middle = 0.5 * (group.ln_period[0] + group.ln_period[-1])
    assert (own > middle).any()


def test_scatter_moves_whole_bands():
    model = LightCurveModel.load()
    plain, moved = (
        simulated_stars(model, ("RRLYR",), 2, "40 points", scattered=s).light_curves for s in (False, True)
    )
    ratio = moved.flux / plain.flux
    for i in range(2):
        for band in np.unique(plain.band[plain.rows(i)]):
            mine = ratio[plain.rows(i)][plain.band[plain.rows(i)] == band]
            np.testing.assert_allclose(mine, mine[0], rtol=1e-9)
    assert 0.01 < np.std(np.log(ratio)) < 0.3
