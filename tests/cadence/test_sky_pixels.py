"""Pixels of the sky beside healpy's: the same numbers and the same bits, on borders and poles too."""

from __future__ import annotations

import healpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.cadence.sky_pixels import is_nside, nested_centre, nested_pixel, ring_centres

RESOLUTIONS = [1, 2, 16, 128, 8192]


@pytest.mark.parametrize("nside", RESOLUTIONS)
def test_positions_are_in_healpy_s_pixels(nside: int) -> None:
    rng = np.random.default_rng(nside)
    ra, dec = rng.uniform(-400, 800, 20_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    dec[:2000] = rng.choice([-1, 1], 2000) * (90.0 - rng.uniform(0, 0.7, 2000))  # about the poles
    for coarse in (1, 2, 4, 8, 32):  # centres of coarser pixels lie on borders
        centres = healpy.pix2ang(coarse, np.arange(12 * coarse**2), lonlat=True)
        ra, dec = np.append(ra, centres[0]), np.append(dec, centres[1])
    ra, dec = np.append(ra, [0, 0, 90, 360, 359.9999999]), np.append(dec, [90, -90, 0, 0, 41.8103148958])
    wanted = healpy.ang2pix(nside, ra, dec, nest=True, lonlat=True)
    np.testing.assert_array_equal(nested_pixel(nside, ra, dec), wanted)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    order=st.integers(0, 13),
    ra=st.one_of(st.floats(-360, 360), st.sampled_from([0.0, 45.0, 90.0, 180.0, 270.0, 315.0])),
    dec=st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 0.0, 90.0, 41.810314895778596])),
)
def test_any_position(order: int, ra: float, dec: float) -> None:
    wanted = healpy.ang2pix(2**order, ra, dec, nest=True, lonlat=True)
    assert nested_pixel(2**order, [ra], [dec])[0] == wanted


@pytest.mark.parametrize("nside", RESOLUTIONS)
def test_centres_have_healpy_s_bits(nside: int) -> None:
    rng = np.random.default_rng(1)
    pixel = np.arange(12 * nside**2) if nside < 64 else rng.integers(0, 12 * nside**2, 10_000)
    for ours, theirs in zip(
        nested_centre(nside, pixel), healpy.pix2ang(nside, pixel, nest=True, lonlat=True), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(nested_pixel(nside, *nested_centre(nside, pixel)), pixel)


@pytest.mark.parametrize("nside", [1, 2, 3, 8, 64])
def test_maps_have_healpy_s_bits(nside: int) -> None:
    theirs = healpy.pix2ang(nside, np.arange(12 * nside**2), lonlat=True)
    for ours, wanted in zip(ring_centres(nside), theirs, strict=True):
        np.testing.assert_array_equal(ours, wanted)


def test_resolutions_are_powers_of_two() -> None:
    wanted = [n for n in range(-2, 70) if n > 0 and healpy.isnsideok(n, nest=True)]
    assert [n for n in range(-2, 70) if is_nside(n)] == wanted
    assert is_nside(2**29)
    assert not is_nside(2**30)
