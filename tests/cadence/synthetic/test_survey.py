"""The synthetic surveys: their statistics, their knobs, and that asking changes nothing."""

from __future__ import annotations

import contextlib
import warnings

import healpy as hp
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, PrecessedGeocentric, SkyCoord, get_body, get_sun
from astropy.time import Time
from astropy.utils import iers
from astropy.utils.exceptions import AstropyWarning
from erfa import ErfaWarning

from pelsvae_cadence.cadence.footprint_edge import OutsideFootprintWarning
from pelsvae_cadence.cadence.statistics import (
    intervals_within_night,
    summarise,
    visits_per_band,
    visits_per_year,
)
from pelsvae_cadence.cadence.synthetic.almanac import (
    Nights,
    Site,
    _sun_position,
    airmass,
    moon_position,
    sidereal_time,
    wrap_angle,
)
from pelsvae_cadence.cadence.synthetic.cells import parent_cell, sky_cell
from pelsvae_cadence.cadence.synthetic.footprint import WIDE, ecliptic_latitude, galactic
from pelsvae_cadence.cadence.synthetic.presets import tilt_patterns
from pelsvae_cadence.cadence.synthetic.survey import PRESETS, SyntheticSurvey
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.validate.cadence.report import _wide_positions, cadence_report

# One ordinary position in each half of the wide survey, and one for ZTF.
POSITIONS = ((10.0, -20.0), (150.0, -3.0), (200.0, -22.0), (40.0, 0.0))


@contextlib.contextmanager
def astropy_offline():
    """No tables from the network; their absence costs arcseconds, and a warning for each."""
    with (
        warnings.catch_warnings(),
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
    ):
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.simplefilter("ignore", ErfaWarning)
        yield


def same(one: Visits, two: Visits) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(two, name))
        for name in ("mjd", "band", "m5", "night", "visit_id", "exptime", "airmass")
    )


def sample(survey: SyntheticSurvey, n: int = 24) -> list[Visits]:
    return [
        survey.at(float(ra), float(dec))
        for ra, dec in zip(*_wide_positions(survey, n, survey.seed), strict=True)
    ]


# --------------------------------------------------------------------------- against published


@pytest.mark.slow
def test_statistics_match_the_published_tables():
    report = cadence_report(seed=0)
    missed = [f"{f.name} = {f.value:.3g}, wanted {f.target}" for f in report.figures if not f.passed]
    assert not missed, "\n".join(missed)
    assert len(report.figures) > 90


@pytest.mark.slow
def test_other_seeds_match_too():
    figures = [cadence_report(seed=seed).figures for seed in (1, 2, 3)]
    for row in figures:
        assert np.mean([figure.passed for figure in row]) >= 0.94
    # What is missed is missed narrowly, and not by every seed.
    always = [names for names in zip(*figures, strict=True) if not any(f.passed for f in names)]
    assert len(always) <= 1, [row[0].name for row in always]


def test_report_refuses_impossible_numbers_of_positions():
    with pytest.raises(InputError, match="n_positions = 0"):
        cadence_report(n_positions=0)


def test_rolling_shows_on_a_map_of_one_year():
    survey = SyntheticSurvey()
    # Neighbouring stripes of the southern Galactic cap in survey year 5.
    stripes = {
        dec: np.mean(
            [
                visits_per_year(survey.at(ra, dec), survey.mjd_start, 10)[4]
                for ra in np.arange(15.0, 80.0, 8.0)
            ]
        )
        for dec in (-60.0, -40.0, -24.0, -5.0)
    }
    assert min(stripes[-60.0], stripes[-24.0]) > 1.7 * max(stripes[-40.0], stripes[-5.0])


# ----------------------------------------------------------------------------- reproducibility


@pytest.mark.parametrize("preset", PRESETS)
def test_same_seed_same_visits_whatever_was_asked_before(preset):
    alone = SyntheticSurvey(preset=preset, seed=5).at(40.0, 0.0)
    survey = SyntheticSurvey(preset=preset, seed=5)
    for ra, dec in POSITIONS:
        survey.at(ra, dec)
    assert len(alone) > 100
    assert same(alone, survey.at(40.0, 0.0))
    assert same(alone, survey.at(40.0, 0.0, radius=0.1))
    assert same(alone, survey.at(400.0, 0.0))


def test_other_seeds_give_other_visits():
    one, two = (SyntheticSurvey(seed=seed).at(40.0, 0.0) for seed in (0, 1))
    assert not np.intersect1d(one.mjd, two.mjd).size


def test_weather_is_shared_by_the_sky():
    survey = SyntheticSurvey()
    seen = np.unique(np.concatenate([visits.night for visits in sample(survey, 60)]))
    closed = np.setdiff1d(np.arange(3652), seen)
    # Independent positions would leave no night without a visit.
    assert 600 < closed.size < 1100


def test_visits_are_in_the_dark_and_above_the_airmass_limit():
    for preset, site in (("lsst-v3", (-70.7494, -30.2446)), ("ztf", (-116.865, 33.3563))):
        visits = SyntheticSurvey(preset=preset).at(40.0, 0.0).take(np.arange(0, 300, 3))
        place = EarthLocation.from_geodetic(*site)
        with astropy_offline():
            time = Time(visits.mjd, format="mjd", scale="tai")
            frame = AltAz(obstime=time, location=place)
            sun = get_sun(time).transform_to(frame).alt.deg
            star = SkyCoord(40.0, 0.0, unit="deg").transform_to(frame)
        assert sun.max() < -11.5
        assert star.secz.value.max() < 2.8
        # The airmass of the table is that of the time of the table: 0.5 % holds the precession
        # since J2000, which moves hour angles by a quarter of a degree.
        assert np.abs(visits.airmass / star.secz.value - 1.0).max() < 0.02


def test_visit_numbers_are_unique_between_positions_and_survive_float64():
    survey = SyntheticSurvey()
    numbers = np.concatenate(
        [survey.at(40.0, 0.0).visit_id, survey.at(40.01, 0.0).visit_id]  # one cell
    )
    assert np.unique(numbers).size == numbers.size
    assert (numbers.astype(np.float64).astype(np.int64) == numbers).all()


# ------------------------------------------------------------------------------------ the knobs


def ratio_of_years(survey: SyntheticSurvey) -> float:
    summary = summarise(sample(survey, 40), mjd_start=survey.mjd_start, n_years=10)
    low, _, high = summary.visits_per_year[:, 3:9]
    return float(np.mean(high / np.maximum(low, 1.0)))


def test_rolling_strength_and_years():
    plain = ratio_of_years(SyntheticSurvey(rolling_strength=0.0))
    never = ratio_of_years(SyntheticSurvey(rolling_years=()))
    preset = ratio_of_years(SyntheticSurvey())
    strong = ratio_of_years(SyntheticSurvey(rolling_strength=1.3))
    assert plain == never < 2.2
    assert 2.5 < preset < strong


def test_without_pairing_no_pairs_but_the_visits_stay():
    alone = sample(SyntheticSurvey(pairing=0.0))
    preset = sample(SyntheticSurvey())
    minutes = np.concatenate([intervals_within_night(visits) for visits in alone])
    assert not ((minutes > 15.0) & (minutes < 60.0)).any()
    assert np.mean([len(v) for v in alone]) == pytest.approx(np.mean([len(v) for v in preset]), rel=0.05)
    always = sample(SyntheticSurvey(pairing=1.0))
    assert np.mean([np.unique(v.night).size for v in always]) < np.mean(
        [np.unique(v.night).size for v in preset]
    )


def test_visits_per_band_scales():
    survey = SyntheticSurvey(visits_per_band={"u": 96.0, "y": 0.0})
    counts = [visits_per_band(visits) for visits in sample(survey, 40)]
    assert np.median([count["u"] for count in counts]) == pytest.approx(96.0, rel=0.07)
    assert np.median([count.get("y", 0) for count in counts]) < 2.0
    assert np.median([count["r"] for count in counts]) == pytest.approx(191.0, rel=0.06)


def test_a_shorter_survey_is_the_beginning_of_the_longer_one():
    full = SyntheticSurvey()
    short = SyntheticSurvey(years=3.0)
    for ra, dec in POSITIONS[:2]:
        whole, begin = full.at(ra, dec), short.at(ra, dec)
        assert same(begin, whole.take(whole.night < 3.0 * 365.25))
    longer = SyntheticSurvey(years=14.0).at(*POSITIONS[0])
    assert longer.night[-1] > 13 * 365
    assert np.ptp(np.bincount((longer.night // 365.25).astype(int))) > 40  # it goes on rolling


def test_season_length_stretches_seasons():
    short, usual = (
        summarise(sample(SyntheticSurvey(season_length=x)), mjd_start=60218.0, n_years=10) for x in (0.6, 1.0)
    )
    assert short.season_length[2] < 0.85 * usual.season_length[2]
    assert short.visits[2] == pytest.approx(usual.visits[2], rel=0.06)


def test_exposure_time_deepens():
    usual = SyntheticSurvey().at(40.0, 0.0)
    deep = SyntheticSurvey(exposure_time={"u": 60.0}).at(40.0, 0.0)
    in_u = usual.band == "u"
    shift = deep.m5 - usual.m5
    assert np.allclose(shift[in_u], 1.25 * np.log10(2.0))
    assert np.array_equal(deep.m5[~in_u], usual.m5[~in_u])
    # The start of the exposure stays where it was; the middle moves.
    assert np.unique(deep.exptime[in_u]) == 60.0


def test_v5_is_shallower_but_in_u_and_has_fewer_visits():
    old, new = (
        summarise(sample(SyntheticSurvey(preset=preset), 40), mjd_start=60218.0, n_years=10)
        for preset in ("lsst-v3", "lsst-v5")
    )
    assert new.visits[2] / old.visits[2] == pytest.approx(0.9, abs=0.03)
    assert new.m5["u"][2] > old.m5["u"][2]
    assert SyntheticSurvey(preset="lsst-v5").at(40.0, 0.0).exptime.max() == 38.0


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"preset": "des"}, "unknown survey preset 'des'; allowed: lsst-v3"),
        ({"seed": -1}, "seed = -1"),
        ({"years": 0.0}, "years = 0.0; allowed: 0.1 to 20 years"),
        ({"years": float("nan")}, "years = nan"),
        ({"years": "ten"}, "years = 'ten' is not a number"),
        ({"rolling_strength": 2.0}, "rolling_strength = 2.0; allowed: 0 to 1.5"),
        ({"rolling_years": (0,)}, "rolling_years holds 0; allowed: 1 to 20"),
        ({"rolling_years": (2.5,)}, "rolling_years holds 2.5"),
        ({"preset": "ztf", "rolling_years": (3,)}, "no rolling stripes"),
        ({"pairing": 1.1}, "pairing = 1.1; allowed: 0 to 1"),
        ({"season_length": 5.0}, "season_length = 5.0; allowed: 0.3 to 1.5"),
        ({"exposure_time": {"u": 0.0}}, "allowed: 1 to 600 s"),
        ({"exposure_time": {"zg": 30.0}}, "names band 'zg'; allowed: u, g, r, i, z, y"),
        ({"exposure_time": 30.0}, "is not a mapping"),
        ({"visits_per_band": {"u": -3.0}}, "allowed: 0 to 5000 visits"),
        ({"visits_per_band": dict.fromkeys("ugrizy", 0.0)}, "less than one visit"),
    ],
)
def test_bad_knobs_are_refused(knobs, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        SyntheticSurvey(**knobs)


@pytest.mark.parametrize(
    ("ra", "dec", "message"),
    [
        (0.0, 91.0, "declination 91"),
        (float("nan"), 0.0, "not finite"),
        (1000.0, 0.0, "right ascension 1000"),
        ([1.0, 2.0], 0.0, "2 positions"),
    ],
)
def test_positions_off_the_sky_are_refused(ra, dec, message):
    with pytest.raises(InputError, match=message):
        SyntheticSurvey().at(ra, dec)


def test_name_tells_the_knobs():
    assert SyntheticSurvey(preset="lsst").name == "synthetic lsst-v3 (seed 0)"
    survey = SyntheticSurvey(seed=3, rolling_strength=0, exposure_time={"u": 38})
    assert survey.name == "synthetic lsst-v3 (seed 3, rolling strength 0, exposure time u=38)"


# ------------------------------------------------------------------------------------ footprint


def test_footprint():
    survey = SyntheticSurvey()
    ra = np.array([40.0, 150.0, 30.0, 180.0, 80.0, 267.0, 200.0])
    dec = np.array([0.0, 2.2, 15.0, -80.0, -69.0, -29.5, 60.0])
    assert survey.in_footprint(ra, dec).tolist() == [True] * 6 + [False]
    assert (survey.region(ra, dec)[[0, 1, 4, 5]] == WIDE).all()
    with pytest.warns(OutsideFootprintWarning, match="never looks at ra = 200"):
        nothing = survey.at(200.0, 60.0)
    assert len(nothing) == 0
    assert nothing.mjd.dtype == np.float64
    # The spur in the north has fewer visits, and none in u and y.
    spur = visits_per_band(survey.at(30.0, 15.0))
    assert 100 < sum(spur.values()) < 300
    assert spur.get("u", 0) + spur.get("y", 0) <= 6
    assert SyntheticSurvey(preset="ztf").in_footprint([10.0, 10.0], [80.0, -40.0]).tolist() == [True, False]


def test_galactic_and_ecliptic_agree_with_astropy():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 200)))
    sky = SkyCoord(ra, dec, unit="deg")
    lon, lat = galactic(ra, dec)
    assert np.abs(lat - sky.galactic.b.deg).max() < 1e-3
    assert np.abs(wrap_angle(lon - sky.galactic.l.deg) * np.cos(np.radians(lat))).max() < 1e-3
    assert np.abs(ecliptic_latitude(ra, dec) - sky.barycentricmeanecliptic.lat.deg).max() < 0.01


@pytest.mark.parametrize("nside", [8, 64, 2**15])
def test_cells_are_those_of_healpix(nside):
    rng = np.random.default_rng(2)
    ra = np.concatenate([rng.uniform(0, 360, 20000), [0.0, 90.0, 180.0, 359.9999999, 45.0]])
    dec = np.concatenate(
        [np.degrees(np.arcsin(rng.uniform(-1, 1, 20000))), [90.0, -90.0, 0.0, -41.81, 89.9999]]
    )
    cells = sky_cell(nside, ra, dec)
    assert (cells == hp.ang2pix(nside, ra, dec, nest=True, lonlat=True)).all()
    assert (parent_cell(cells, nside, 4) == sky_cell(4, ra, dec)).all()


# -------------------------------------------------------------------------------------- almanac


def test_sun_moon_and_sidereal_time_agree_with_astropy():
    mjd = np.linspace(58300.0, 63870.0, 300)
    site = Site(longitude=-70.7494, latitude=-30.2446)
    with astropy_offline():
        time = Time(mjd, format="mjd", scale="tai")
        of_date = PrecessedGeocentric(equinox=time, obstime=time)
        sun = get_sun(time).transform_to(of_date)
        moon = get_body("moon", time).transform_to(of_date)
        time.delta_ut1_utc = 0.0
        sidereal = time.sidereal_time("mean", longitude=site.longitude * u.deg).deg
    ra, dec, _ = _sun_position(mjd)
    # The series promises 0.01 deg; nutation and aberration of astropy's place make the rest.
    assert np.abs(wrap_angle(ra - sun.ra.deg)).max() < 0.03
    assert np.abs(dec - sun.dec.deg).max() < 0.03
    ra, dec, _ = moon_position(mjd)
    separation = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(moon.ra.deg, moon.dec.deg, unit="deg"))
    assert separation.deg.max() < 0.5
    # TAI - UTC is taken as 37 s, and UT1 as UTC: 0.9 s is 0.004 deg.
    assert np.abs(wrap_angle(sidereal_time(mjd, site) - sidereal)).max() < 0.006


def test_nights_are_as_long_as_the_sun_says():
    site = Site(longitude=-70.7494, latitude=-30.2446)
    nights = Nights.of(site, 60217, 366, -12.0)
    ends = np.concatenate([nights.midnight - nights.half_dark, nights.midnight + nights.half_dark])[::10]
    with astropy_offline():
        time = Time(ends, format="mjd", scale="tai")
        place = EarthLocation.from_geodetic(site.longitude, site.latitude)
        altitude = get_sun(time).transform_to(AltAz(obstime=time, location=place)).alt.deg
    assert np.abs(altitude + 12.0).max() < 0.3
    assert nights.moon_phase.min() < 13.0
    assert np.ptp(nights.lunation) in (12, 13)


def test_airmass_at_zenith_and_thirty_degrees():
    # Kasten & Young 1989, table II: 1.9942 at 30 deg, 5.5841 at 10 deg altitude.
    assert airmass(np.sin(np.radians([90.0, 30.0, 10.0]))) == pytest.approx([1.0, 1.9942, 5.5841], rel=2e-3)


# ------------------------------------------------------------------------------ tilting of bands


def test_tilted_patterns_meet_their_targets():
    weights = np.array([[5.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    counts = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 0.0]])
    target = np.array([0.9, 0.4])
    chances = tilt_patterns(weights, counts, target)
    assert chances.sum(axis=1) == pytest.approx(1.0)
    assert (chances @ counts).mean(axis=0) == pytest.approx(target, rel=1e-5)
    # What already fits is left alone.
    fits = (weights / weights.sum(axis=1, keepdims=True) @ counts).mean(axis=0)
    assert tilt_patterns(weights, counts, fits) == pytest.approx(weights / weights.sum(axis=1, keepdims=True))


# ------------------------------------------------------------------------------------ OpSim table


@pytest.mark.parametrize("preset", ["lsst-v3", "ztf"])
def test_opsim_table_holds_the_visits(preset):
    survey = SyntheticSurvey(preset=preset, seed=2)
    ra, dec = np.array([40.0, 200.0]), np.array([0.0, -20.0])
    table = survey.opsim_table(ra, dec)
    assert table["observationId"].is_unique
    for one_ra, one_dec in zip(ra, dec, strict=True):
        visits = survey.at(one_ra, one_dec)
        rows = table[(table["fieldRA"] == one_ra) & (table["fieldDec"] == one_dec)]
        middle = rows["observationStartMJD"] + rows["visitExposureTime"] / 2.0 / 86400.0
        assert np.allclose(middle, visits.mjd, rtol=0, atol=1e-9)
        assert (rows["observationId"].to_numpy() == visits.visit_id).all()
        assert (rows["fiveSigmaDepth"].to_numpy() == visits.m5).all()
        assert (rows["night"].to_numpy() == visits.night).all()
        assert [name[-1] for name in visits.band.tolist()] == rows["band"].tolist()
    assert (table["band"] == table["filter"]).all()
    assert ("seeingFwhmEff" in table) == (preset != "ztf")


def test_opsim_table_refuses_repeated_positions():
    with pytest.raises(InputError, match="closer than 6 arcsec"):
        SyntheticSurvey().opsim_table([40.0, 40.0], [0.0, 0.0])
    with pytest.raises(InputError, match="no positions"):
        SyntheticSurvey().opsim_table([], [])
