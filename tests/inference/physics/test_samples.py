"""Samples have the right shapes, medians, intervals and units, and say what is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.physics.samples import PHYSICS_COLUMNS, PhysicalSamples, StarSamples

S = 100
SUBTYPES = ("RRLYR/RRab", "ECL/EA", "other")


def star(bands: tuple[str, ...], distances: int) -> StarSamples:
    columns = {name: np.linspace(1.0, 2.0, S) for name in PHYSICS_COLUMNS}
    modulus = np.linspace(15.0, 16.0, S)
    modulus[distances:] = np.nan
    columns["distance_modulus"] = modulus
    mean = np.broadcast_to(np.arange(len(bands)) + 17.0, (S, len(bands)))
    return StarSamples(bands=bands, subtype=np.zeros(S, dtype=np.int64), columns=columns, mean_mag=mean)


def samples() -> PhysicalSamples:
    parts = [star(("g", "i"), S), None, star(("r",), S // 4)]
    return PhysicalSamples.of_stars(np.array([4, 5, 6]), parts, S, SUBTYPES)


def test_bands_of_different_stars_are_put_in_order():
    found = samples()
    assert found.bands == ("g", "r", "i")
    np.testing.assert_array_equal(found.mean_mag[0, 0], [17.0, np.nan, 18.0])
    np.testing.assert_array_equal(found.mean_mag[2, 0], [np.nan, 17.0, np.nan])
    assert (found.subtype[1] == -1).all()


def test_intervals_hold_their_share_and_tables_have_units():
    found = samples()
    low, high = found.interval(0.68)["teff"][0]
    inside = (found.teff[0] >= low) & (found.teff[0] <= high)
    assert inside.mean() == pytest.approx(0.68, abs=0.01)
    assert found.median()["teff"][0] == pytest.approx(1.5)
    table = found.to_table()
    assert str(table["teff_low"].unit) == "K"
    assert str(table["distance_modulus"].unit) == "mag"
    assert table["teff_high"][0].value == pytest.approx(high)
    assert len(found.take([0, 2]).to_table()) == 2


def test_what_few_samples_know_has_no_interval():
    found = samples()
    np.testing.assert_allclose(found.distance_share, [1.0, 0.0, 0.25])
    assert np.isfinite(found.interval()["distance_modulus"][0]).all()
    assert np.isnan(found.interval()["distance_modulus"][1:]).all()
    assert np.isfinite(found.median()["teff"][2])


def test_wrong_shapes_and_probabilities_are_refused():
    found = samples()
    with pytest.raises(InputError, match="ebv has shape"):
        replace(found, ebv=found.ebv[:, :5])
    with pytest.raises(InputError, match="q = 68"):
        found.interval(68)
