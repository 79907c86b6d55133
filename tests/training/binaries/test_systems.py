"""Simulated binaries: geometry, populations that obey Kepler and Roche, PHOEBE, checkpoints."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import fields, replace

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.binaries.real import _measure_eclipses, measure_real_binaries
from pelsvae_cadence.training.binaries.spheres import (
    _true_anomaly,
    compute_orbits,
    half_orbit_phases,
    limb_darkening,
    orbit_shape,
    read_orbits,
    sphere_orbit,
)
from pelsvae_cadence.training.binaries.stellar_models import kepler_separation, roche_radius
from pelsvae_cadence.training.binaries.systems import FAMILIES, BinarySystems, sample_systems

PHASE = np.arange(1024) / 1024


def _needs_phoebe() -> None:
    # Not importorskip: importing PHOEBE makes it look for passbands on the network.
    if importlib.util.find_spec("phoebe") is None:
        pytest.skip("PHOEBE is needed to build the training set only")


def one_system(**changes: float) -> BinarySystems:
    values: dict[str, object] = {
        "number": 1,
        "family": "detached",
        "period": 5.0,
        "mass_1": 1.0,
        "mass_ratio": 1.0,
        "radius_1": 1.0,
        "radius_2": 1.0,
        "teff_1": 6000.0,
        "teff_2": 6000.0,
        "inclination": 90.0,
        "eccentricity": 0.0,
        "periastron": 0.0,
        "fillout": np.nan,
    }
    values.update(changes)
    return BinarySystems(**{k: np.atleast_1d(v) for k, v in values.items()})


def test_kepler_and_roche() -> None:
    # The Earth: 1 au = 215.03 solar radii.
    assert kepler_separation(365.256, 1.0) == pytest.approx(215.03, rel=1e-3)
    # Eggleton 1983, table 1.
    assert roche_radius([0.1, 1.0, 10.0]) == pytest.approx([0.2054, 0.3789, 0.5803], rel=0.01)


def test_kepler_equation() -> None:
    mean = np.linspace(0.01, 6.2, 50)
    for e in (0.0, 0.3, 0.6):
        nu = _true_anomaly(mean, e)
        ecc = 2 * np.arctan(np.sqrt((1 - e) / (1 + e)) * np.tan(nu / 2))
        assert np.angle(np.exp(1j * (ecc - e * np.sin(ecc) - mean))) == pytest.approx(0, abs=1e-9)


def test_central_eclipses_of_spheres_have_the_known_depth() -> None:
    # A disc of half the radius in front of the centre hides the integral of the darkened disc.
    u, v = limb_darkening([6000.0, 3300.0])
    ratio = 0.5
    planck = np.expm1(17984.7 / 6000.0) / np.expm1(17984.7 / 3300.0)  # at 800 nm
    faint = ratio**2 * planck * (1 - v / 3)
    share = faint / (faint + 1 - u / 3)
    hidden = ((1 - u) * ratio**2 + u * 2 / 3 * (1 - (1 - ratio**2) ** 1.5)) / (1 - u / 3)
    system = one_system(radius_2=ratio, teff_2=3300.0, period=200.0)
    front, side, behind = sphere_orbit(system, 0, [0.0, 0.25, 0.5])
    assert side == pytest.approx(1.0, abs=1e-4)
    assert behind == pytest.approx(1.0 - share, abs=1e-3)
    assert front == pytest.approx(1.0 - hidden * (1.0 - share), abs=2e-3)


def test_equal_stars_have_equal_minima_of_075_mag() -> None:
    system = one_system(period=100.0)
    shape, amplitude, _ = orbit_shape(PHASE, sphere_orbit(system, 0, PHASE), 512)
    # Unequal coverage of the dense grid costs a little at the very centre of the eclipse.
    assert amplitude == pytest.approx(2.5 * np.log10(2), abs=0.03)
    wide = one_system(period=5.0)
    shape, amplitude, truncation = orbit_shape(PHASE, sphere_orbit(wide, 0, PHASE), 64)
    measures = _measure_eclipses(shape, [amplitude])
    assert measures.depth_ratio[0] == pytest.approx(1.0, abs=0.01)
    assert truncation < 0.01


def test_eccentric_orbit_moves_the_secondary_minimum() -> None:
    system = one_system(eccentricity=0.3, periastron=0.0, radius_2=0.9, period=10.0)
    flux = sphere_orbit(system, 0, PHASE)
    window = (PHASE > 0.2) & (PHASE < 0.8)
    secondary = PHASE[window][np.argmin(flux[window])]
    # Hilditch 2001, eq. 5.67 to first order: 0.5 + 2 e cos(omega) / pi; exact by Kepler here.
    e = 0.3
    nu = np.array([np.pi / 2, 3 * np.pi / 2])
    ecc = 2 * np.arctan(np.sqrt((1 - e) / (1 + e)) * np.tan(nu / 2))
    mean = np.mod(ecc - e * np.sin(ecc), 2 * np.pi)
    assert secondary == pytest.approx((mean[1] - mean[0]) / (2 * np.pi) % 1.0, abs=2e-3)


@pytest.mark.parametrize("binary_class", ["ECL", "ELL"])
def test_populations_obey_kepler_and_roche(binary_class: str) -> None:
    systems = sample_systems(binary_class, 300, seed=20)
    assert set(systems.family) == {f for f, (c, _) in FAMILIES.items() if c == binary_class}
    a, q = systems.separation, systems.mass_ratio
    contact = np.isfinite(systems.fillout)
    periastron = a * (1 - systems.eccentricity)
    assert (systems.radius_1 < roche_radius(1 / q) * periastron)[~contact].all()
    assert (systems.radius_2 < roche_radius(q) * periastron)[~contact].all()
    assert (systems.radius_1 > 0.9 * roche_radius(1 / q) * a)[contact].all()
    distance = np.cos(np.radians(systems.inclination)) * periastron
    eclipsing = distance < systems.radius_1 + systems.radius_2
    assert (eclipsing | contact).all() if binary_class == "ECL" else not eclipsing.any()
    # A giant that nearly fills its lobe has a period fixed by its density.
    giants = np.char.startswith(systems.family, "giant")
    density = systems.mass_1[giants] / systems.radius_1[giants] ** 3
    slope = np.polyfit(np.log10(density), np.log10(systems.period[giants]), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.05)


def test_a_system_does_not_depend_on_how_many_are_drawn() -> None:
    few, many = (sample_systems("ECL", n, seed=3) for n in (60, 200))
    row_of = {int(n): i for i, n in enumerate(many.number)}
    for i, number in enumerate(few.number):
        assert few.fingerprint(i) == many.fingerprint(row_of[int(number)])
    other = sample_systems("ECL", 60, seed=4)
    assert other.fingerprint(0) != few.fingerprint(0)


def test_unknown_class_is_refused() -> None:
    with pytest.raises(InputError, match="'CEP' is no class of binaries"):
        sample_systems("CEP", 5, seed=1)


def _spheres(systems: BinarySystems, row: int):
    phase = half_orbit_phases(systems, row)
    return phase, sphere_orbit(systems, row, phase)


def test_a_killed_run_goes_on_where_it_stopped(tmp_path) -> None:
    systems = sample_systems("ECL", 40, seed=20)
    systems = systems.take((systems.eccentricity == 0) & ~np.isfinite(systems.fillout))
    systems = systems.take(np.arange(8))
    file = tmp_path / "orbits.jsonl"
    calls: list[int] = []

    def dies_after_three(s: BinarySystems, row: int):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(row)
        return _spheres(s, row)

    with pytest.raises(KeyboardInterrupt):
        compute_orbits(systems, file, runner=dies_after_three)
    with file.open("a") as torn:
        torn.write('{"number": 12, "pha')  # killed while writing
    assert len(read_orbits(file, systems)) == 3
    assert compute_orbits(systems, file, runner=_spheres) == 5
    assert len(read_orbits(file, systems)) == 8
    assert compute_orbits(systems, file, runner=_spheres) == 0
    whole = tmp_path / "whole.jsonl"
    compute_orbits(systems, whole, runner=_spheres)
    for row, (phase, flux) in read_orbits(whole, systems).items():
        again = read_orbits(file, systems)[row]
        np.testing.assert_array_equal(again[0], phase)
        np.testing.assert_array_equal(again[1], flux)


def test_a_curve_of_other_parameters_is_computed_again(tmp_path) -> None:
    systems = one_system()
    file = tmp_path / "orbits.jsonl"
    compute_orbits(systems, file, runner=_spheres)
    changed = replace(systems, inclination=np.array([88.0]))
    assert read_orbits(file, changed) == {}
    assert compute_orbits(changed, file, runner=_spheres) == 1


def test_a_refused_system_is_counted_once(tmp_path) -> None:
    def refuses(systems: BinarySystems, row: int):
        raise ValueError("overflow")

    file = tmp_path / "orbits.jsonl"
    assert compute_orbits(one_system(), file, runner=refuses) == 1
    assert read_orbits(file, one_system())[0][0].size == 0
    assert compute_orbits(one_system(), file, runner=refuses) == 0
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 1


@pytest.mark.slow
def test_roche_curves_agree_with_full_phoebe_runs() -> None:
    _needs_phoebe()
    from pelsvae_cadence.training.validate.dataset import _compare_with_phoebe

    for family, values in _compare_with_phoebe(most=2).items():
        assert (values[:, 0] < 0.004 + 0.01 * values[:, 1]).all(), family


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # PHOEBE's own
def test_phoebe_runs_again_as_kept_in_the_repository(tmp_path) -> None:
    """One full PHOEBE run, offline, in the I passband built here."""
    _needs_phoebe()
    from pelsvae_cadence.training.validate import dataset as dataset_checks
    from tests.training.binaries.phoebe_orbits import PhoebeOrbits

    systems = sample_systems("ECL", 2000, seed=20)
    kept = read_orbits(dataset_checks._REFERENCE, systems)
    row = next(r for r in kept if systems.family[r] == "detached")
    phase, flux = PhoebeOrbits()(systems, row)
    np.testing.assert_allclose(phase, kept[row][0], atol=1e-5)
    np.testing.assert_allclose(flux, kept[row][1], atol=2e-3)


@pytest.mark.slow
def test_roche_curves_agree_with_spheres_where_stars_are_round() -> None:
    _needs_phoebe()
    from pelsvae_cadence.training.binaries.roche_orbits import roche_orbit

    systems = sample_systems("ECL", 60, seed=20)
    round_ones = systems.spherical & (systems.eccentricity == 0)
    for row in np.flatnonzero(round_ones)[:3]:
        phase, flux = roche_orbit(systems, int(row))
        spheres = sphere_orbit(systems, int(row), phase)
        difference = 2.5 * np.log10(flux / (spheres / spheres.max()))
        assert np.std(difference) < 0.01
    eccentric = replace(systems, eccentricity=np.full(len(systems), 0.2))
    with pytest.raises(InputError, match="eccentric"):
        roche_orbit(eccentric, 0)


def test_real_binaries_show_two_minima(shared_data) -> None:
    measures, curve, subtype, light, period, _ = measure_real_binaries(shared_data / "lightcurves")
    assert len(measures) == len(curve) == len(light) == subtype.size == period.size > 150
    for field in fields(measures):
        assert np.isfinite(getattr(measures, field.name)).all()
    width = {kind: np.median(measures.width[subtype == kind]) for kind in ("EA", "EB", "EW")}
    assert width["EA"] < width["EB"] < width["EW"]
    assert (measures.depth_ratio <= 1.0 + 1e-9).all()
