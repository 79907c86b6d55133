"""Changed, joint and spliced cadences, on real tables and the synthetic survey."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence import SyntheticSurvey, read_survey, survey_from_frame
from pelsvae_cadence.cadence.changes.executed import splice
from pelsvae_cadence.cadence.changes.joint import JointSurvey
from pelsvae_cadence.cadence.changes.strategies import STRATEGIES, strategy
from pelsvae_cadence.cadence.changes.transforms import (
    dithered_seasons,
    first_years,
    shifted,
    start_of,
    thinned,
    without_bands,
    without_pairs,
)
from pelsvae_cadence.cadence.statistics import _season_gaps, season_lengths
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning

POSITION = (35.6, -4.8)
WIDE = (0.0, -30.0)


@pytest.fixture(scope="module")
def baseline(shared_data):
    return read_survey(shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db")


@pytest.fixture(scope="module")
def ztf(shared_data):
    return read_survey(shared_data / "cadence" / "ztf_2018_2022_40points.db")


def same_noise(part, whole):
    """The visits of `part` are among those of `whole`, with the same times and numbers."""
    times = dict(zip(whole.visit_id.tolist(), whole.mjd.tolist(), strict=True))
    return all(times.get(i) == t for i, t in zip(part.visit_id.tolist(), part.mjd.tolist(), strict=True))


def test_dropped_bands(baseline):
    whole, part = baseline.at(*WIDE), without_bands(baseline, "uy").at(*WIDE)
    assert part.bands == ("g", "r", "i", "z")
    assert len(part) == np.isin(whole.band, list("griz")).sum()
    assert same_noise(part, whole)
    with pytest.raises(InputError, match="unknown band 'q'"):
        without_bands(baseline, "uq")


def test_first_years_count_from_the_first_visit_anywhere(baseline):
    short = first_years(baseline, 2)
    whole, part = baseline.at(*WIDE), short.at(*WIDE)
    assert start_of(short) == start_of(baseline) == baseline.mjd.min()
    assert len(part) == (whole.mjd < baseline.mjd.min() + 730.5).sum() > 100
    with pytest.raises(InputError, match="above 0"):
        first_years(baseline, 0)


def test_single_visits_keep_every_night(baseline):
    whole, part = baseline.at(*WIDE), without_pairs(baseline).at(*WIDE)
    assert np.unique(part.night).size == len(part) == np.unique(whole.night).size
    assert 0.4 < len(part) / len(whole) < 0.55
    assert same_noise(part, whole)


def test_a_share_of_the_visits(baseline):
    whole = baseline.at(*WIDE)
    most, few = (thinned(baseline, keep, seed=3).at(*WIDE) for keep in (0.7, 0.3))
    assert len(most) / len(whole) == pytest.approx(0.7, abs=0.05)
    assert same_noise(few, most)
    assert same_noise(most, whole)
    other = thinned(baseline, 0.7, seed=4).at(*WIDE)
    assert set(other.visit_id.tolist()) != set(most.visit_id.tolist())
    with pytest.raises(InputError, match=r"keep = 1\.2"):
        thinned(baseline, 1.2)


def test_seasons_move_but_stay_in_order(baseline):
    whole = baseline.at(*WIDE)
    moved = dithered_seasons(baseline, 25, seed=1).at(*WIDE)
    assert len(moved) == len(whole)
    np.testing.assert_array_equal(moved.visit_id, whole.visit_id)  # the order is kept
    shift = moved.mjd - whole.mjd
    assert np.abs(shift).max() <= 25
    np.testing.assert_allclose(shift, np.round(shift), atol=1e-9)  # the hour of night is kept
    assert np.unique(np.round(shift)).size > 4
    assert not np.allclose(_season_gaps(moved), _season_gaps(whole)[: _season_gaps(moved).size])
    # A shift of the position's own: elsewhere seasons move otherwise.
    other = dithered_seasons(baseline, 25, seed=1).at(30.0, -45.0).mjd[0]
    assert other - baseline.at(30.0, -45.0).mjd[0] != shift[0]


def test_crowded_seasons_never_swap():
    night = np.concatenate([np.arange(0, 100, 5), np.arange(165, 265, 5), np.arange(330, 430, 5)])
    n = night.size
    frame = {
        "fieldRA": np.zeros(n),
        "fieldDec": np.zeros(n),
        "band": ["r"] * n,
        "night": night,
        "observationStartMJD": 60000.0 + night,
        "fiveSigmaDepth": np.full(n, 24.0),
    }
    survey = survey_from_frame(frame)
    for seed in range(40):
        visits = dithered_seasons(survey, 60, seed=seed).at(0.0, 0.0)
        assert (np.diff(visits.visit_id) > 0).all()
        assert (np.diff(visits.night) >= 1).all()


def test_a_survey_at_another_time(baseline):
    later = shifted(baseline, 730)
    assert start_of(later) == start_of(baseline) + 730
    np.testing.assert_allclose(later.at(*WIDE).mjd, baseline.at(*WIDE).mjd + 730)


def test_changes_stack_and_make_tables(baseline):
    changed = thinned(without_bands(first_years(baseline, 1), "u"), 0.5)
    assert changed.name.endswith("first 1 yr without u thinned to 0.5")
    table = changed.opsim_table([WIDE[0], 30.0], [WIDE[1], -45.0])
    assert len(table) == len(changed.at(*WIDE)) + len(changed.at(30.0, -45.0))
    assert set(table["band"]) <= set("grizy")


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies(name):
    survey = strategy(name, seed=2)
    usual = SyntheticSurvey(seed=2).at(*WIDE)
    visits = survey.at(*(POSITION if name == "ztf" else WIDE))
    assert len(visits) > 40
    if name == "baseline":
        np.testing.assert_array_equal(visits.mjd, usual.mjd)
    elif name != "ztf":
        assert not np.array_equal(visits.mjd, usual.mjd)
    if name == "more-u":
        u = np.count_nonzero(visits.band == "u") / np.count_nonzero(usual.band == "u")
        assert 1.5 < u < 2.6
        assert len(visits) / len(usual) == pytest.approx(1.0, abs=0.1)
    if name == "short-seasons":
        assert np.median(season_lengths(visits)) < 0.85 * np.median(season_lengths(usual))
    if name == "no-pairs":
        assert np.unique(visits.night).size > 1.5 * np.unique(usual.night).size


def test_a_strategy_takes_knobs():
    assert strategy("No_Pairs", seed=1, years=2).length == 2
    with pytest.raises(InputError, match=r"unknown strategy 'best'.*baseline"):
        strategy("best")
    with pytest.raises(InputError, match=r"no knob 'speed'.*pairing"):
        strategy("baseline", speed=3)


def test_two_surveys_as_one(baseline, ztf):
    joint = JointSurvey(surveys=(baseline, ztf))
    visits = joint.at(*POSITION)
    lsst, north = baseline.at(*POSITION), ztf.at(*POSITION)
    assert len(visits) == len(lsst) + len(north)
    assert set(visits.bands) == set("ugrizy") | {"zg", "zr", "zi"}
    assert joint.survey == "joint"
    assert start_of(joint) == start_of(baseline)  # years count from the first one's begin
    mine = np.isin(visits.band, list("ugrizy"))
    assert same_noise(visits.take(mine), lsst)
    np.testing.assert_array_equal(visits.m5[~mine], north.m5)
    again = survey_from_frame(joint.opsim_table([POSITION[0]], [POSITION[1]]), survey="joint")
    # Half the exposure is taken off and added again: one bit of rounding.
    np.testing.assert_allclose(again.at(*POSITION).mjd, visits.mjd, atol=1e-9, rtol=0)
    np.testing.assert_array_equal(again.at(*POSITION).band, visits.band)
    with pytest.raises(InputError, match="2 to 8"):
        JointSurvey(surveys=(baseline,))


def test_observed_then_simulated(shared_data, baseline):
    """Science-validation visits of 2025, then the baseline at the same position."""
    observed = read_survey(shared_data / "cadence" / "sv_db_subsampled.db")
    bulge = (267.0, -29.5)
    spliced = splice(observed, baseline)
    visits = spliced.at(*bulge)
    date = observed.mjd.max()
    before, after = visits.mjd <= date, visits.mjd > date
    assert before.sum() == len(observed.at(*bulge)) > 10
    assert after.sum() == (baseline.at(*bulge).mjd > date).sum() > 300
    assert same_noise(visits.take(after), baseline.at(*bulge))
    assert (np.diff(visits.night) >= 0).all()
    assert start_of(spliced) == observed.mjd.min()
    # Up to a date of one's own choice.
    early = splice(observed, baseline, mjd=60860.0).at(*bulge)
    assert (early.visit_id >= 1 << 60).sum() == (observed.at(*bulge).mjd < 60860.0).sum()
    with pytest.raises(InputError, match="nothing was observed before"):
        splice(observed, baseline, mjd=60000.0)
    with pytest.raises(InputError, match="ends at MJD"):
        splice(observed, baseline, mjd=70000.0)


def test_different_filters_are_not_spliced(baseline, ztf):
    with pytest.raises(InputError, match="JointSurvey"):
        splice(ztf, baseline)


def executed(**columns):
    rng = np.random.default_rng(1)
    n = 60
    base = {
        "band": rng.choice(list("ugrizy"), n),
        "ra": rng.uniform(52.0, 54.0, n),
        "dec": rng.uniform(-29.0, -27.0, n),
    }
    return pd.DataFrame({**base, **{k: v(rng, n) if callable(v) else v for k, v in columns.items()}})


def test_a_visit_table_of_a_data_release(tmp_path):
    """DP1-style: mid-exposure times, magLim, seeing."""
    table = executed(
        visit=lambda _, n: 2024110800000 + np.arange(n),
        expMidptMJD=lambda rng, n: np.sort(rng.uniform(60623.0, 60640.0, n)),
        magLim=lambda rng, n: rng.normal(24.0, 0.3, n),
        seeing=lambda rng, n: rng.uniform(0.8, 1.4, n),
        comment="irrelevant",
    )
    path = tmp_path / "visits.parquet"
    table.to_parquet(path)
    survey = read_survey(path)
    np.testing.assert_array_equal(survey.mjd, table.expMidptMJD)  # no half exposure added
    np.testing.assert_array_equal(survey.visit_id, table.visit)
    np.testing.assert_array_equal(survey.seeing, table.seeing)
    assert survey.survey == "lsst"
    few = read_survey(path, constraint="band = 'r'")
    assert set(few.band) == {"r"}


def test_detectors_of_a_visit_become_one_pointing(tmp_path):
    visits = executed(
        visitId=lambda _, n: np.arange(n),
        expMidptMJD=lambda rng, n: np.sort(rng.uniform(60623.0, 60640.0, n)),
    )
    # Nine detectors on a square around the pointing, near RA 0 and at high declination.
    visits["ra"], visits["dec"] = 359.95, -60.0
    rows = []
    for detector in range(9):
        x, y = (detector % 3 - 1) * 0.23, (detector // 3 - 1) * 0.23
        part = visits.assign(detector=detector, dec=visits.dec + y)
        part["ra"] = (part.ra + x / np.cos(np.radians(part.dec))) % 360.0
        part["magLim"] = 24.0 + 0.01 * detector
        rows.append(part)
    table = pd.concat(rows).sample(frac=1.0, random_state=1)
    path = tmp_path / "ccdvisits.parquet"
    table.to_parquet(path)
    survey = read_survey(path)
    assert len(survey) == len(visits)
    order = np.argsort(survey.visit_id)
    distance = np.hypot((survey.ra[order] - 359.95 + 180) % 360 - 180, survey.dec[order] + 60.0)
    assert distance.max() < 0.005
    np.testing.assert_allclose(survey.m5, 24.04)
    np.testing.assert_allclose(survey.mjd[order], visits.expMidptMJD)
    assert 0.4 < survey.fov_radius < 0.5  # of three by three detectors, not of LSST's camera
    with pytest.warns(OmissionWarning, match="2 of [0-9]+ rows of survey left out"):
        again = survey_from_frame(pd.concat([table, table.head(2)]))
    np.testing.assert_array_equal(again.m5, survey.m5)
    table.loc[table.detector == 3, "expMidptMJD"] += 0.1
    with pytest.raises(InputError, match="more than a minute"):
        survey_from_frame(table)


def test_a_consolidated_database_table(tmp_path):
    """ConsDB names; day_obs is a date and no count of nights."""
    import sqlite3

    table = executed(
        visit_id=lambda _, n: np.arange(n),
        obs_start_mjd=lambda rng, n: np.sort(rng.uniform(60856.0, 60880.0, n)),
        exp_time=30.0,
        stats_mag_lim_median=lambda rng, n: rng.normal(24.0, 0.3, n),
        fwhm_eff=1.0,
        day_obs=20250701,
        sky_rotation=10.0,
    ).rename(columns={"ra": "s_ra", "dec": "s_dec"})
    path = tmp_path / "consdb.db"
    connection = sqlite3.connect(path)
    table.to_sql("visits", connection)
    connection.close()
    survey = read_survey(path)
    np.testing.assert_allclose(survey.mjd, table.obs_start_mjd + 15.0 / 86400.0, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(survey.m5, table.stats_mag_lim_median)
    assert survey.night.max() < 30


def test_a_gzipped_table_in_radians(tmp_path):
    """The pointing tables of the package redback: a csv that calls itself a tar."""
    table = executed(expMJD=lambda rng, n: np.sort(rng.uniform(60218.0, 60300.0, n)))
    radians = pd.DataFrame(
        {
            "obsHistID": np.arange(len(table)),
            "_ra": np.radians(table.ra),
            "_dec": np.radians(table.dec),
            "expMJD": table.expMJD,
            "filter": "lsst" + table.band,
            "fiveSigmaDepth": 24.0,
        }
    )
    path = tmp_path / "rubin_baseline.tar.gz"
    radians.to_csv(path, index=False, compression="gzip")
    survey = read_survey(path)
    np.testing.assert_allclose(survey.ra, table.ra)
    np.testing.assert_allclose(survey.dec, table.dec)
    np.testing.assert_array_equal(survey.band, table.band)


def test_an_archive_is_no_table(tmp_path):
    import tarfile

    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    path = tmp_path / "real.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "x.csv", "x.csv")
    with pytest.raises(InputError, match="is an archive"):
        read_survey(path)
    (tmp_path / "torn.csv.gz").write_bytes(b"\x1f\x8b\x08\x00rest is not gzip")
    with pytest.raises(InputError, match=r"cannot be read|is an archive"):
        read_survey(tmp_path / "torn.csv.gz")
