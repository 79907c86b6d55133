"""The encoder's view of folded curves: what a class can draw comes back unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence import LightCurveModel
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.classify import FeatureTable
from pelsvae_cadence.classify.features.encoder import encoder_features
from pelsvae_cadence.classify.features.true_parameters import true_parameters


@pytest.fixture(scope="module")
def model():
    return LightCurveModel.load()


def features_of(model, name, n=12, seed=4):
    """What would be measured of stars of a class without any noise."""
    stars = model.sample(name, n=n, seed=seed)
    table = true_parameters(stars, model.phase_curve(stars, seed=seed))
    names = ("log_period", "r21", "r31", "r41", "phi21", "phi31", "phi41")
    values = np.column_stack([table.columns(names).values, stars.amplitude_i])
    return FeatureTable(star_id=stars.star_id, names=(*names, "amplitude"), values=values)


@pytest.mark.parametrize("name", ["RRLYR", "DSCT", "ELL"])
def test_a_class_draws_its_own_stars_again(model, name):
    seen = encoder_features(features_of(model, name), model)
    assert seen.names[:2] == ("latent_ACEP", "mismatch_ACEP")
    assert len(seen.names) == 2 * len(STAR_CLASSES)
    own = np.median(seen[f"mismatch_{name}"])
    assert own < 0.06  # of the amplitude
    other = "ECL" if name != "ELL" else "RRLYR"
    assert np.median(seen[f"mismatch_{other}"]) > 2.0 * own


def test_stars_without_a_shape_and_rows_alone(model):
    table = features_of(model, "RRLYR", n=4)
    values = table.values.copy()
    values[1, table.names.index("amplitude")] = np.nan
    broken = FeatureTable(star_id=table.star_id, names=table.names, values=values)
    seen = encoder_features(broken, model)
    assert np.isnan(seen.values[1]).all()
    assert np.isfinite(seen.values[[0, 2, 3]]).all()
    alone = encoder_features(table.take([3]), model)
    np.testing.assert_allclose(alone.values[0], seen.values[3], rtol=1e-4, atol=1e-5)
