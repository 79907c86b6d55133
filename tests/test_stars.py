"""The struct of stars checks itself once."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.stars import Stars


def make(**changes) -> Stars:
    values = {
        "star_id": np.arange(3),
        "star_class": "RRLYR",
        "subtype": "RRab",
        "period": [0.5, 0.55, 0.6],
        "teff": 6500.0,
        "abs_mag_g": 0.6,
        "amplitude_i": 0.6,
        "epoch": 2460000.0,
        "ra": 10.0,
        "dec": -20.0,
        "distance_modulus": 15.0,
        "ebv": 0.1,
        "feh": np.nan,
    }
    return Stars(**{**values, **changes})


def test_scalars_repeat_and_quantities_convert():
    stars = make(period=np.array([12.0, 13.0, 14.0]) * u.hour, teff=6.5 * u.kK, ra=1 * u.rad)
    np.testing.assert_allclose(stars.period, [0.5, 13 / 24, 14 / 24])
    assert stars.teff.tolist() == [6500.0] * 3
    np.testing.assert_allclose(stars.ra, np.degrees(1.0))
    assert len(stars) == 3
    assert not stars.period.flags.writeable


def test_take():
    chosen = make(latent=np.arange(6.0).reshape(3, 2)).take([2, 0])
    assert chosen.star_id.tolist() == [2, 0]
    assert chosen.latent.tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert make().take([True, False, True]).period.tolist() == [0.5, 0.6]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"period": [0.5, -1.0, 0.6]}, r"period = -1 d of star 1.*> 0 d"),
        ({"period": [0.5, np.nan, 0.6]}, r"period is not finite in 1 of 3 rows, first in row 1"),
        ({"period": [0.5, 0.6]}, r"period has shape \(2,\), expected \(3,\)"),
        ({"period": 1 * u.m}, r"cannot be converted to day"),
        ({"teff": 0.0}, r"teff = 0 K"),
        ({"amplitude_i": -0.1}, r"amplitude_i = -0.1 mag"),
        ({"ebv": -0.1}, r"ebv = -0.1 mag"),
        ({"dec": 91.0}, r"dec = 91 deg.*-90 and <= 90 deg"),
        ({"star_class": "QSO"}, r"unknown star class 'QSO'"),
        ({"subtype": "EW"}, r"unknown subtype 'EW' of RRLYR"),
        ({"star_id": [1, 1, 2]}, r"unique"),
        ({"star_id": [-1, 1, 2]}, r"0 or more"),
        ({"latent": np.zeros((2, 4))}, r"latent has shape"),
        ({"ra": "east"}, r"ra cannot be read"),
    ],
)
def test_bad_stars(changes, message):
    with pytest.raises(InputError, match=message):
        make(**changes)
