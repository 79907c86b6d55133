"""Crowded fields: regions, the error of Olsen et al. (2003), and drawn neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.population.crowding import CrowdedField, crowded_field, crowded_region
from pelsvae_cadence.population.galaxy import galactic_to_equatorial


def test_regions():
    ra, dec = galactic_to_equatorial([1.0, 40.0, 100.0], [-4.0, 1.0, 50.0])
    assert crowded_region(ra, dec).tolist() == ["bulge", "plane", ""]
    assert crowded_region([80.0, 13.0, 35.6], [-69.0, -73.0, -4.8]).tolist() == ["LMC", "SMC", ""]


@pytest.mark.maf
def test_the_error_is_that_of_mafs_crowding_metrics(maf_ready):
    from rubin_sim.maf.metrics.crowding_metric import _comp_crowd_error

    field = CrowdedField.power_law(4e6)
    magnitudes = np.arange(17.0, 24.0, 0.5)
    theirs = [
        _comp_crowd_error(field.magnitude, field.cumulative, seeing=0.9, single_mag=m) for m in magnitudes
    ]
    # They attach each bin's stars to its faint edge, we to its middle: 2 % with bins of 0.1 mag.
    ours = field.magnitude_error(magnitudes, np.full(magnitudes.size, "r"), 0.9)
    np.testing.assert_allclose(ours, theirs, rtol=0.08)


def test_a_power_law_has_its_closed_form():
    slope, density = 0.3, 2e6
    field = CrowdedField.power_law(density, slope=slope)
    m, seeing = 20.0, 0.8
    at = density * 10.0 ** (slope * (m - 21.5)) / 3600.0**2
    tail = 1.0 - 10.0 ** ((slope - 0.8) * (27.0 - m))
    wanted = np.sqrt(np.pi * seeing**2 / 4.0 * slope / (0.8 - slope) * at * tail)
    assert field.magnitude_error(m, "r", seeing) == pytest.approx(wanted, rel=0.01)
    # Twice the seeing, twice the error; four times the stars, twice the error.
    assert field.magnitude_error(m, "r", 1.6) == pytest.approx(2 * wanted, rel=0.01)
    dense = CrowdedField.power_law(4 * density, slope=slope)
    assert dense.magnitude_error(m, "r", seeing) == pytest.approx(2 * wanted, rel=0.01)


def test_drawn_neighbours_carry_their_share_of_the_variance():
    field = CrowdedField.power_law(4e6)
    n, m = 15_000, 20.0
    light = field.third_light(np.full(n, m), np.arange(n), ("r",), seed=3)[:, 0]
    relative = light / 10.0 ** (-0.4 * (m - 31.4))
    total, rest = (field.magnitude_error(m, "r", 0.8, split=s) for s in (0.0, 3.0))
    assert relative.std() == pytest.approx(np.sqrt(total**2 - rest**2), rel=0.08)
    assert relative.min() == 0.0
    assert field.visit_error(m, "r", 0.8) == rest


def test_neighbours_are_red_and_addressed():
    field = CrowdedField.power_law(1e7)
    ids = np.arange(200)
    light = field.third_light(np.full(200, 21.0), ids, ("u", "g", "r", "y"), seed=3)
    lit = light[:, 2] > 0
    assert lit.any()
    assert (np.diff(light[lit], axis=1) > 0).all()
    np.testing.assert_array_equal(field.third_light([21.0], [17], ("u", "g", "r", "y"), seed=3)[0], light[17])


def test_built_in_fields():
    lmc = crowded_field(80.05, -69.3)
    edge = crowded_field(80.05, -65.0)
    assert lmc.name == "LMC"
    assert lmc.magnitude_error(20.0, "r", 0.8) > 1.5 * edge.magnitude_error(20.0, "r", 0.8)
    assert crowded_field(180.0, 0.0) is None
    # The OGLE-III count: the mean density of the exponential disc within 3.6 degrees.
    r = np.linspace(0.0, 3.6, 2000)
    profile = np.array([np.interp(21.5, lmc.magnitude, lmc.cumulative)]) * np.exp(-r / 1.6)
    mean = np.sum(profile * r) / r.sum()
    assert mean == pytest.approx(35e6 / 40.0, rel=0.02)


def test_bad_counts_are_refused():
    with pytest.raises(InputError, match="never fall"):
        CrowdedField(magnitude=[20.0, 21.0], cumulative=[5.0, 4.0])
    with pytest.raises(InputError, match="rising"):
        CrowdedField(magnitude=[20.0, 20.0], cumulative=[4.0, 5.0])
    with pytest.raises(InputError, match=r"slope = 0\.8; allowed: 0\.05 to 0\.75"):
        CrowdedField.power_law(1e5, slope=0.8)
    with pytest.raises(InputError, match="unknown band 'B'"):
        CrowdedField.power_law(1e5).magnitude_error(20.0, "B", 0.8)


def test_crowding_dilutes_amplitudes_and_adds_errors():
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.photometry.magnitudes import at_magnitude
    from pelsvae_cadence.simulation.simulate import simulate

    model = LightCurveModel.load()
    visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(ra=80.05, dec=-69.3)
    stars = at_magnitude(model.sample("RRab", n=40, seed=1, ra=80.05, dec=-69.3), "r", 19.3)
    curve = model.phase_curve(stars)
    field = crowded_field(80.05, -69.3)
    alone = simulate(stars, visits, seed=2, curve=curve)
    crowd = simulate(stars, visits, seed=2, curve=curve, crowding=field)
    band = visits.band == "r"
    swing = [np.ptp(x.mag_true.reshape(40, -1)[:, band], axis=1) for x in (alone, crowd)]
    mean = [x.mag_true.reshape(40, -1)[:, band].mean(axis=1) for x in (alone, crowd)]
    blended = mean[0] - mean[1] > 1e-6
    assert 0.02 < blended.mean() < 0.9
    assert (swing[1][blended] < swing[0][blended]).all()
    np.testing.assert_allclose(swing[1][~blended], swing[0][~blended])
    # Error of the unresolved rest, in quadrature.
    rest = field.visit_error(19.3, "r", 0.83)
    assert rest > 0.003
    rows = ~blended
    extra = np.sqrt(crowd.flux_err**2 - alone.flux_err**2) / alone.flux
    extra = extra.reshape(40, -1)[rows][:, band]
    assert np.median(extra) == pytest.approx(rest, rel=0.4)
    part = simulate(stars.take([7]), visits.take([3, 9]), seed=2, curve=curve.take([7]), crowding=field)
    np.testing.assert_array_equal(part.flux, crowd.flux.reshape(40, -1)[7, [3, 9]])
