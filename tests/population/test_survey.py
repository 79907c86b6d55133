"""Populations: joint draws in places, with selections."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.population.galaxy import SPATIAL_MODELS
from pelsvae_cadence.population.survey import draw_population, metallicity
from pelsvae_cadence.training.validate.population import population_report


@pytest.fixture(scope="module")
def model():
    return LightCurveModel.load()


@pytest.fixture(scope="module")
def halo(model):
    return draw_population(model, "RRab", n=1500, seed=4, where="halo")


def test_magnitude_limits_hold_with_dust(halo):
    np.testing.assert_array_equal(halo.magnitude, mean_magnitudes(halo.stars, ("r",))[:, 0])
    assert halo.magnitude.min() >= 16.0
    assert halo.magnitude.max() <= 24.0
    assert (halo.stars.ebv > 0).all()
    assert set(halo.component) == {"halo"}
    assert halo.candidates >= len(halo) == 1500


def test_volume_and_fixed_magnitude(model):
    near = draw_population(model, "DSCT", n=40, seed=1, where="thin-disc", mode="volume", max_distance=3.0)
    assert (near.stars.distance_modulus <= 5 * np.log10(3.0) + 10).all()
    same = draw_population(
        model, "CEP", n=60, seed=1, where="sky", mode="fixed-magnitude", magnitude=18.5, band="i"
    )
    np.testing.assert_allclose(mean_magnitudes(same.stars, ("i",)), 18.5, atol=1e-9)
    assert same.candidates == 60


def test_draws_are_those_of_a_longer_draw(model, halo):
    few = draw_population(model, "RRab", n=7, seed=4, where="halo")
    for name in (
        "star_id",
        "period",
        "teff",
        "abs_mag_g",
        "amplitude_i",
        "epoch",
        "ra",
        "ebv",
        "feh",
        "latent",
    ):
        np.testing.assert_array_equal(getattr(few.stars, name), getattr(halo.stars, name)[:7])
    other = draw_population(model, "RRab", n=7, seed=5, where="halo")
    assert not np.isin(other.stars.period, halo.stars.period).any()


def test_metallicities_are_those_of_the_component(model):
    for where in ("halo", "bulge"):
        drawn = draw_population(model, "RRab", n=1200, seed=2, where=where, mode="fixed-magnitude", ebv=0.0)
        mean, sigma = metallicity("RRab", where)
        # The reference stars do not reach into the wings of the wider distributions.
        assert drawn.stars.feh.mean() == pytest.approx(mean, abs=0.12)
        assert drawn.stars.feh.std() == pytest.approx(sigma, rel=0.35)


def test_metal_poor_rr_lyrae_have_longer_periods_at_given_amplitude(model):
    """Metallicity, period and amplitude are drawn jointly (Oosterhoff effect)."""
    drawn = draw_population(
        model, "RRab", n=3000, seed=6, where="halo", mode="fixed-magnitude", ebv=0.0
    ).stars
    band = (drawn.amplitude_i > 0.5) & (drawn.amplitude_i < 0.7)
    log_p, feh = np.log10(drawn.period[band]), drawn.feh[band]
    slope = np.polyfit(feh, log_p, 1)[0]
    assert slope < -0.03
    shuffled = np.random.default_rng(1).permutation(feh)
    assert abs(np.polyfit(shuffled, log_p, 1)[0]) < 0.02


def test_drawn_halo_stars_look_like_stripe_82(shared_data):
    """Period, amplitude and colour beside real halo stars that the halo's weights were not learned from."""
    report = population_report(seed=0, data=shared_data, quick=True)
    assert sum("energy distance" in figure.name for figure in report.figures) == 2
    for figure in report.figures:
        assert figure.passed, f"{figure.name}: {figure.value} {figure.target}"


def test_a_mix_has_its_shares(model):
    drawn = draw_population(model, {"RRab": 3, "CEP": 1}, n=2000, seed=1, mode="fixed-magnitude", ebv=0.0)
    assert np.mean(drawn.stars.star_class == "CEP") == pytest.approx(0.25, abs=0.03)


def test_crowded_stars_are_flagged(model, halo):
    cloud = draw_population(model, "LPV", n=50, seed=1, where="LMC", magnitude_range=(14, 22))
    assert cloud.crowded.mean() > 0.75
    assert set(cloud.region) <= {"LMC", ""}
    assert 0.05 < halo.crowded.mean() < 0.6


def test_every_class_can_be_drawn_everywhere(model):
    for name in model.classes:
        drawn = draw_population(model, name, n=64, seed=3, where="sky", mode="fixed-magnitude")
        assert len(drawn) == 64, name
        assert np.isfinite(drawn.stars.feh).all()
    for where in SPATIAL_MODELS:
        assert len(draw_population(model, "RRLYR", n=5, where=where, magnitude_range=(5, 35))) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n = 0 is not a number of stars"),
        ({"mode": "all"}, "unknown mode 'all'; allowed: magnitude-limited"),
        ({"where": "disk"}, "unknown spatial model 'disk'"),
        ({"band": "B"}, "unknown band 'B'"),
        ({"magnitude_range": (20, 18)}, r"magnitude_range = \(20, 18\)"),
        ({"max_distance": 0.0, "mode": "volume"}, r"max_distance = 0\.0 kpc"),
        ({"ebv": -0.1}, "ebv = -0.1"),
        ({"star_class": {"RRab": 0.0}}, "shares > 0"),
        ({"star_class": "nova"}, "unknown star class 'nova'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(model, options, message):
    arguments = {"star_class": "RRab", "n": 3, **options}
    with pytest.raises(InputError, match=message):
        draw_population(model, **arguments)


def test_a_selection_that_keeps_nothing_ends(model, monkeypatch):
    monkeypatch.setattr("pelsvae_cadence.population.survey._MOST_CANDIDATES", 8192)
    with pytest.raises(InputError, match=r"only 0 of 8192 candidates pass .* Widen"):
        draw_population(model, "RRab", n=3, where="SMC", magnitude_range=(1.0, 5.0))
