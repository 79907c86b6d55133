"""Where stars are: coordinates, components, and addresses."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Galactocentric, SkyCoord

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.population.galaxy import (
    COMPONENTS,
    LMC_CENTRE,
    R_SUN,
    SMC_CENTRE,
    SPATIAL_MODELS,
    choose_components,
    component_weights,
    draw_places,
    equatorial_to_galactic,
    galactic_to_equatorial,
)

IDS = np.arange(20_000)
RANDOM = KeyedRandom(seed=11)


def galactocentric(name):
    """X, Y, Z in kpc by astropy, which shares nothing with our geometry."""
    places = draw_places(name, IDS, RANDOM)
    sky = SkyCoord(places.ra * u.deg, places.dec * u.deg, places.distance * u.kpc)
    frame = Galactocentric(galcen_distance=R_SUN * u.kpc, z_sun=20.8 * u.pc)
    xyz = sky.transform_to(frame).cartesian.xyz.to_value(u.kpc)
    return places, xyz


def test_galactic_coordinates_are_astropys_and_back():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 500), np.degrees(np.arcsin(rng.uniform(-1, 1, 500)))
    longitude, latitude = equatorial_to_galactic(ra, dec)
    there = SkyCoord(ra, dec, unit="deg").galactic
    # astropy goes through FK5, which differs from ICRS by up to 25 milliarcseconds.
    np.testing.assert_allclose(latitude, there.b.deg, atol=2e-5)
    apart = there.separation(SkyCoord(longitude, latitude, unit="deg", frame="galactic"))
    assert apart.arcsec.max() < 0.05
    back = galactic_to_equatorial(longitude, latitude)
    np.testing.assert_allclose(back[1], dec, atol=1e-9)
    np.testing.assert_allclose((back[0] - ra + 180) % 360 - 180, 0, atol=1e-6)


@pytest.mark.parametrize(("name", "length", "height"), [("thin-disc", 2.6, 0.30), ("thick-disc", 3.6, 0.90)])
def test_discs_have_the_published_scales(name, length, height):
    _, (x, y, z) = galactocentric(name)
    radius = np.hypot(x, y)
    # Mean of R exp(-R / L) cut at 20 kpc, by quadrature; mean |z| of the Laplace distribution.
    grid = np.linspace(0, 20, 4001)
    weight = grid * np.exp(-grid / length)
    assert radius.mean() == pytest.approx(np.sum(grid * weight) / weight.sum(), rel=0.02)
    assert np.abs(z).mean() == pytest.approx(height, rel=0.03)
    assert np.median(z) == pytest.approx(0.0, abs=0.03)


def test_the_halo_is_flattened_and_steepens():
    _, (x, y, z) = galactocentric("halo")
    r = np.sqrt(x**2 + y**2 + (z / 0.7) ** 2)
    # Counts between radii follow the integral of r^(2 - n).
    inner = np.sum((r > 5) & (r < 10)), np.sum((r > 10) & (r < 20))
    assert inner[1] / inner[0] == pytest.approx((20**0.3 - 10**0.3) / (10**0.3 - 5**0.3), rel=0.08)
    outer = np.sum((r > 30) & (r < 60)), np.sum((r > 60) & (r < 120))
    wanted = (60**-0.8 - 120**-0.8) / (30**-0.8 - 60**-0.8)
    assert outer[1] / outer[0] == pytest.approx(wanted, rel=0.15)


def test_the_bar_points_at_the_observer_at_positive_longitudes():
    places, _ = galactocentric("bulge")
    longitude, _ = equatorial_to_galactic(places.ra, places.dec)
    longitude = (longitude + 180) % 360 - 180
    near, far = (np.median(places.distance[m]) for m in (longitude > 3, longitude < -3))
    assert near < R_SUN < far
    assert places.distance.mean() == pytest.approx(R_SUN, abs=0.1)


@pytest.mark.parametrize(("name", "centre"), [("LMC", LMC_CENTRE), ("SMC", SMC_CENTRE)])
def test_clouds_lie_around_their_centres(name, centre):
    places = draw_places(name, IDS, RANDOM)
    middle = SkyCoord(*centre[:2], unit="deg")
    apart = middle.separation(SkyCoord(places.ra, places.dec, unit="deg")).deg
    assert np.median(apart) < 3.0
    assert np.median(places.distance_modulus) == pytest.approx(centre[2], abs=0.02)


def test_the_near_side_of_the_lmc_is_north_east():
    places = draw_places("LMC", IDS, RANDOM)
    east = (places.ra - LMC_CENTRE[0]) * np.cos(np.radians(places.dec))
    north = places.dec - LMC_CENTRE[1]
    side = east * np.sin(np.radians(42.0)) + north * np.cos(np.radians(42.0))
    assert places.distance[side > 1].mean() < places.distance[side < -1].mean() - 0.8


def test_a_star_keeps_its_place_in_any_company():
    whole = draw_places(np.resize(COMPONENTS, IDS.size), IDS, RANDOM)
    some = np.array([19_999, 4, 812])
    part = draw_places(whole.component[some], some, RANDOM)
    for key in ("ra", "dec", "distance"):
        np.testing.assert_array_equal(getattr(part, key), getattr(whole, key)[some])
    other = draw_places(whole.component[some], some, KeyedRandom(seed=12))
    assert not np.array_equal(other.ra, part.ra)


def test_components_follow_their_weights():
    for model in SPATIAL_MODELS:
        for star_class in ("RRab", "CEP", "LPV", "ECL", "ELL", "DSCT", "ACEP", "T2CEP"):
            assert sum(component_weights(star_class, model).values()) == pytest.approx(1.0)
    names = choose_components("RRab", "sky", IDS, RANDOM)
    for name, weight in component_weights("RRab", "sky").items():
        assert np.mean(names == name) == pytest.approx(weight, abs=0.012)
    assert "LMC" not in component_weights("CEP", "galaxy")


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match=r"unknown spatial model 'disk'; allowed: galaxy, sky"):
        component_weights("RRab", "disk")
    with pytest.raises(InputError, match="unknown component 'disk'"):
        draw_places("disk", [1], RANDOM)
