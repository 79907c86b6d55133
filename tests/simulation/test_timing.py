"""Barycentric times: light travel time against astropy, the Earth between the days of its series."""

from __future__ import annotations

import astropy.units as u
import erfa
import numpy as np
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time

from pelsvae_cadence.core.times import MJD_ZERO
from pelsvae_cadence.simulation.timing import _earth_position, barycentric_time, light_travel_time


def test_against_astropy():
    mjd = 58849.0 + np.linspace(0, 700, 60)  # 2020-2021: astropy's Earth rotation is on board
    times = Time(mjd, format="mjd", scale="tai")
    geocentre = EarthLocation.from_geocentric(0.0, 0.0, 0.0, unit=u.m)
    ours = light_travel_time(mjd, [10.0, 150.0, 270.0], [-20.0, 2.2, -66.5])
    for k, (ra, dec) in enumerate([(10.0, -20.0), (150.0, 2.2), (270.0, -66.5)]):
        theirs = times.light_travel_time(
            SkyCoord(ra, dec, unit="deg"), kind="barycentric", location=geocentre
        )
        np.testing.assert_allclose(ours[k] * 86400, theirs.to_value("s"), atol=0.01)
        bjd = (times.tdb + theirs).jd1 - MJD_ZERO + (times.tdb + theirs).jd2
        ours_bjd = barycentric_time(mjd, [ra], [dec])[0]
        np.testing.assert_allclose((ours_bjd - bjd) * 86400, 0.0, atol=0.02)


def test_size():
    delay = light_travel_time(60000.0 + np.arange(366), [0.0], [0.0])[0] * 1440
    assert 8.0 < delay.max() < 8.5
    assert -8.5 < delay.min() < -8.0


def test_positions_are_those_of_erfa_to_a_microsecond_of_light() -> None:
    rng = np.random.default_rng(3)
    mjd = np.concatenate([rng.uniform(33282.0, 88069.0, 400), [61000.0, 60992.0, 61055.9999999]])
    _, expected = erfa.epv00(2400000.5, mjd)
    error = np.abs(_earth_position(mjd) - expected["p"]).max()
    assert error < 1e-9  # au; 499 seconds of light each


def test_a_position_depends_on_its_own_time_alone() -> None:
    mjd = 61000.0 + np.sort(np.random.default_rng(1).uniform(0.0, 500.0, 50))
    together = _earth_position(mjd)
    alone = np.concatenate([_earth_position([t]) for t in mjd[::-1]])[::-1]
    assert together.tobytes() == alone.tobytes()
