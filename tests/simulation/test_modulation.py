"""Stars that are not strictly periodic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.simulation.modulation import (
    RRD_PERIODS,
    CycleModulation,
    ModulationOptions,
    draw_modulation,
)
from pelsvae_cadence.stars import Stars


def make(n, star_class, subtype, period):
    return Stars(
        star_id=np.arange(n),
        star_class=np.full(n, star_class),
        subtype=np.full(n, subtype),
        period=period,
        teff=6500.0,
        abs_mag_g=0.5,
        amplitude_i=0.5,
        epoch=2461005.0,
        ra=0.0,
        dec=0.0,
        distance_modulus=15.0,
        ebv=0.0,
        feh=np.nan,
    )


MIRAS = make(300, "LPV", "Mira", 330.0)


def assert_strictly_periodic(modulation, stars):
    still = modulation.at(stars, np.linspace(-5, 50, 40))
    assert (still.amplitude == 1).all()
    assert (still.phase == 0).all()
    assert (still.brightness == 0).all()


def test_strictly_periodic_stars_are_left_alone():
    assert_strictly_periodic(CycleModulation.none(300), MIRAS)


def test_offsets_depend_on_star_and_time_alone():
    """The cadence contract: other visits and other stars change nothing, bit for bit."""
    modulation = draw_modulation(MIRAS, seed=3)
    phase = np.sort(np.random.default_rng(1).uniform(-30, 60, 200))
    whole = modulation.at(MIRAS, phase)
    rows, times = [7, 250], [3, 199, 50]
    part = modulation.take(rows).at(MIRAS.take(rows), phase[times])
    for name in ("amplitude", "phase", "brightness"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[np.ix_(rows, times)])
    other = draw_modulation(MIRAS, seed=4).at(MIRAS, phase)
    assert not np.allclose(other.brightness, whole.brightness)


def test_cycles_scatter_as_asked_and_join_smoothly():
    options = ModulationOptions(mira_amplitude=0.2, mira_mean=0.1, mira_phase=0.03, mira_walk=0.0)
    modulation = draw_modulation(MIRAS, seed=3, options=options)
    starts = modulation.at(MIRAS, np.arange(-20.0, 20.0))
    assert np.log(starts.amplitude).std() == pytest.approx(0.2, rel=0.03)
    assert starts.brightness.std() == pytest.approx(0.1, rel=0.03)
    assert starts.phase.std() == pytest.approx(0.03, rel=0.03)
    # Neighbouring cycles are independent.
    pairs = np.corrcoef(starts.brightness[:, :-1].ravel(), starts.brightness[:, 1:].ravel())
    assert abs(pairs[0, 1]) < 0.03
    fine = modulation.at(MIRAS, np.linspace(-2.0, 2.0, 4001))
    for name in ("amplitude", "phase", "brightness"):
        assert np.abs(np.diff(getattr(fine, name), axis=1)).max() < 0.003


def test_phases_walk_away_as_the_root_of_the_cycles():
    options = ModulationOptions(mira_amplitude=0, mira_mean=0, mira_phase=0, mira_walk=0.02)
    modulation = draw_modulation(MIRAS, seed=3, options=options)
    walk = modulation.at(MIRAS, np.arange(-64.0, 65.0)).phase
    assert (walk[:, 64] == 0).all()  # at the epoch
    for k in (4, 16, 64):
        for row in (64 + k, 64 - k):
            assert walk[:, row].std() == pytest.approx(0.02 * np.sqrt(k), rel=0.2)
    short = modulation.take([0]).at(MIRAS.take([0]), np.array([40.0, 64.0]))
    np.testing.assert_array_equal(short.phase[0], walk[0, [104, 128]])
    # 1e6 cycles would have to be summed.
    with pytest.raises(InputError, match="phase walk over 1000"):
        modulation.at(MIRAS, np.array([1e6]))


def test_blazhko_stars_are_as_frequent_and_slow_as_published():
    stars = make(20_000, "RRLYR", "RRab", 0.55)
    modulation = draw_modulation(stars, seed=1)
    modulated = modulation.blazhko_amplitude > 0
    assert modulated.mean() == pytest.approx(0.403, abs=0.012)
    period = modulation.blazhko_period[modulated]
    assert np.median(period[period < 95]) == pytest.approx(48, rel=0.1)
    one = modulation.take(np.flatnonzero(modulated)[:1])
    star = stars.take(np.flatnonzero(modulated)[:1])
    turn = np.linspace(0, one.blazhko_period[0] / star.period[0], 400)
    factor = one.at(star, turn).amplitude[0] - 1
    assert np.ptp(factor) == pytest.approx(2 * one.blazhko_amplitude[0], rel=1e-3)


def test_double_mode_stars_lie_on_the_petersen_diagram():
    stars = make(20_000, "RRLYR", "RRc", np.random.default_rng(1).uniform(0.25, 0.45, 20_000))
    modulation = draw_modulation(stars, seed=1)
    double = modulation.second_amplitude > 0
    inside = (stars.period > RRD_PERIODS[0]) & (stars.period < RRD_PERIODS[1])
    assert not double[~inside].any()
    assert double[inside].mean() == pytest.approx(0.23, abs=0.015)
    ratio = stars.period[double] / modulation.second_period[double]
    assert np.median(ratio) == pytest.approx(0.745, abs=0.001)
    assert ratio.std() < 0.003
    # The second wave has the period it should have.
    row = np.flatnonzero(double)[:1]
    one, star = modulation.take(row), stars.take(row)
    turns = one.second_period[0] / star.period[0]
    wave = one.at(star, np.array([0.3, 0.3 + turns, 0.3 + 5 * turns])).brightness[0]
    np.testing.assert_allclose(wave, wave[0], atol=1e-9)


def test_a_period_that_changes_shifts_phases_by_the_square_of_time():
    star = make(1, "CEP", "F", 10.0)
    rate = 1e-6
    modulation = replace(CycleModulation.none(1), period_change=np.array([rate]))
    days = np.array([-3650.0, 0.0, 3650.0])
    shift = modulation.at(star, days / 10.0).phase[0]
    # The phase of P(t) = P0 + rate t is the integral of 1 / P.
    exact = np.log1p(rate * days / 10.0) / rate - days / 10.0
    np.testing.assert_allclose(shift, exact, rtol=1e-3, atol=1e-12)


def test_other_classes_stay_strictly_periodic():
    for name, kind in (("ECL", "EW"), ("ELL", "ELL"), ("DSCT", "DSCT"), ("T2CEP", "BLHer")):
        stars = make(50, name, kind, 0.5)
        assert_strictly_periodic(draw_modulation(stars, seed=1), stars)
    off = ModulationOptions(
        mira_amplitude=0,
        mira_mean=0,
        mira_phase=0,
        mira_walk=0,
        blazhko_rrab=0,
        blazhko_rrc=0,
        rrd=0,
        rr_lyrae_change=0,
        cepheid_change=0,
    )
    assert_strictly_periodic(draw_modulation(MIRAS, seed=1, options=off), MIRAS)


def test_bad_values_are_refused():
    with pytest.raises(InputError, match=r"rrd = 1\.5; allowed: 0 to 1"):
        ModulationOptions(rrd=1.5)
    with pytest.raises(InputError, match=r"mean_scatter = -1; allowed: 0 or more"):
        replace(CycleModulation.none(2), mean_scatter=np.array([0.0, -1.0]))
    with pytest.raises(InputError, match="a modulation of 2 stars for 300"):
        CycleModulation.none(2).at(MIRAS, [0.0])


@pytest.fixture(scope="module")
def observed():
    """Modulated Miras and RR Lyrae stars with their shapes, and a synthetic LSST cadence."""
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.model.source import LightCurveModel

    model = LightCurveModel.load()
    visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(ra=35.6, dec=-4.8)
    stars = model.sample("LPV", n=12, seed=1, ra=35.6, dec=-4.8, distance_modulus=19.0)
    return stars, model.phase_curve(stars), visits


def test_modulated_light_curves_do_not_depend_on_the_visits(observed):
    from pelsvae_cadence.simulation.simulate import simulate

    stars, curve, visits = observed
    modulation = draw_modulation(stars, seed=2)
    whole = simulate(stars, visits, seed=3, curve=curve, modulation=modulation)
    rows, times = [11, 2], np.arange(5, len(visits), 7)
    part = simulate(
        stars.take(rows), visits.take(times), seed=3, curve=curve.take(rows), modulation=modulation.take(rows)
    )
    for name in ("mag_true", "flux", "flux_err"):
        table = getattr(whole, name).reshape(len(stars), -1)
        np.testing.assert_array_equal(getattr(part, name), table[np.ix_(rows, times)].ravel())
    with pytest.raises(InputError, match="12 modulated stars for 2 stars"):
        simulate(stars.take(rows), visits, seed=3, curve=curve.take(rows), modulation=modulation)


def test_no_modulation_is_no_change_and_miras_change(observed):
    from pelsvae_cadence.simulation.simulate import noise_free_magnitudes

    stars, curve, visits = observed
    plain = noise_free_magnitudes(stars, visits, curve)
    still = noise_free_magnitudes(stars, visits, curve, modulation=CycleModulation.none(len(stars)))
    np.testing.assert_allclose(still, plain, atol=1e-12)
    moved = noise_free_magnitudes(stars, visits, curve, modulation=draw_modulation(stars, seed=2))
    r = visits.band == "r"
    swing = np.ptp(plain[:, r], axis=1)
    rms = (moved - plain)[:, r].std(axis=1) / swing
    # ASAS Miras scatter by a tenth of their amplitude about their mean curves.
    assert 0.04 < np.median(rms) < 0.25


def test_simulated_miras_scatter_as_real_ones(shared_data):
    from pelsvae_cadence.training.shapes.mira_cycles import cycle_scatter, read_miras, simulate_miras

    real = read_miras(shared_data / "lightcurves")
    few = replace(real, name=real.name[:90], period=real.period[:90], light_curves=real.light_curves[:90])
    wanted = cycle_scatter(few).as_dict()
    ours = cycle_scatter(simulate_miras(few, ModulationOptions(), seed=1)).as_dict()
    still = ModulationOptions(mira_amplitude=0, mira_mean=0, mira_phase=0, mira_walk=0)
    strict = cycle_scatter(simulate_miras(few, still, seed=1)).as_dict()
    for name in ("amplitude", "mean", "phase_1", "phase_4", "residual"):
        assert ours[name] == pytest.approx(wanted[name], rel=0.35), name
        # Noise alone is not taken for changing cycles.
        assert strict[name] < 0.25 * wanted[name], name
