"""Runs as a user names them, and plans and comparisons that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.cadence import SyntheticSurvey, read_survey, start_of, strategy
from pelsvae_cadence.core.errors import InputError
from tests.metrics.comparison.plans import QUICK

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


def test_lsst_and_ztf_as_one_strategy(comparison, database, shared_data, tmp_path):
    """ZTF's history on top of the first weeks of LSST, each with its own bands and noise."""
    ztf = str(shared_data / "cadence" / "ztf_2018_2022_40points.db")
    plan = comparison.Plan(positions=((200.0, -25.0), (330.0, 5.0)), magnitudes=(18.5,), years=(1,), **QUICK)
    result = comparison.compare(
        [database, f"{database}+{ztf}", ztf],
        plan,
        out_dir=tmp_path,
        names=["lsst", "both", "ztf"],
        report=False,
    )
    lsst, both, alone = result.outcomes
    shared = result.summary.common
    assert shared.any()
    np.testing.assert_array_equal(lsst.star_id[shared], both.star_id[shared])
    np.testing.assert_array_equal(lsst.star_id[shared], alone.star_id[shared])
    n_ztf = both.n_visits - lsst.n_visits
    assert n_ztf[1] > 700  # the whole history, not its first year
    assert both.outcome[..., 0].mean() > lsst.outcome[..., 0].mean()
    # Years of the joint run are those of LSST.
    assert start_of(result.runs[1].cadence) == start_of(result.runs[0].cadence)


def test_synthetic_strategies_by_name(comparison, tmp_path):
    plan = comparison.Plan(nside=1, magnitudes=(22.0,), years=(1,), seed=5, **QUICK)
    result = comparison.compare(
        ["baseline", "no-pairs:years=1"], plan, out_dir=tmp_path, report=False, maf_plots=True
    )
    base, pairs = result.outcomes
    assert result.runs[1].cadence == strategy("no-pairs", years=1, seed=5)
    knobs = comparison.open_run("no_rolling:pairing=0.4:seed=2", seed=5)
    assert knobs.cadence == SyntheticSurvey(rolling_strength=0.0, pairing=0.4, seed=2)
    assert np.nanmean(pairs.cadence[:, 0, 3]) < 0.2 < np.nanmean(base.cadence[:, 0, 3])
    assert (base.star_id == pairs.star_id)[base.in_footprint & pairs.in_footprint].all()
    assert list(result.files["maf baseline"].glob("*_HEAL.npz"))
    assert list(result.files["maf baseline"].glob("*SkyMap.png"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("best", r"no file and no strategy is called 'best'"),
        ("gone.db", r"gone\.db does not exist"),
        ("baseline:faster=2", r"no knob 'faster'"),
        ("baseline:pairing=much", r"'much' is not a number"),
        ("baseline:without-bands=q", r"unknown band 'q'"),
        ("baseline:without-pairs=2", r"takes no value"),
        ("baseline:thinned=3", r"keep = 3\.0"),
        ("baseline:after=gone.db", r"gone\.db does not exist"),
        ("", r"run ''"),
    ],
)
def test_runs_that_cannot_be_opened(comparison, spec, message):
    with pytest.raises(InputError, match=message):
        comparison.open_run(spec)


def test_changes_by_name(comparison, database, shared_data):
    observed = shared_data / "cadence" / "sv_db_subsampled.db"
    run = comparison.open_run(f"{database}:after={observed}@60900:without-bands=u:first-years=3")
    assert (
        run.name == "baseline_v3.0_10yrs_12points after=sv_db_subsampled.db@60900 "
        "without-bands=u first-years=3"
    )
    assert set(run.files) == {"baseline_v3.0_10yrs_12points.db", "sv_db_subsampled.db"}
    visits = run.cadence.at(267.0, -29.5)
    assert "u" not in visits.bands
    assert start_of(run.cadence) == read_survey(observed).mjd_start
    assert visits.mjd.max() < start_of(run.cadence) + 3 * 365.25
    knobs = comparison.open_run("baseline:rolling_years=4,5:visits_per_band=u96,y0")
    assert knobs.cadence.rolling_years == (4, 5)
    assert knobs.cadence.visits_per_band == {"u": 96.0, "y": 0.0}


def test_runs_of_one_table_share_it_in_memory(comparison, database):
    tables = {}
    whole = comparison.open_run(database, tables=tables)
    single = comparison.open_run(f"{database}:without-pairs", tables=tables)
    assert single.cadence.cadence is whole.cadence
    assert list(tables.values()) == [whole.cadence]
    assert single.files == whole.files
    assert comparison.open_run(database).cadence is not whole.cadence


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positions": ((0, 0),), "nside": 4}, "Give one of the two"),
        ({"nside": 3}, "power of two"),
        ({"positions": ((0, 0), (0, 0))}, "none twice"),
        ({"nside": 4, "years": (2, 1)}, "positive, rising"),
        ({"nside": 4, "star_classes": ("quasar",)}, "unknown star class"),
        ({"nside": 4, "radius": 0.0}, "above 0"),
        ({"nside": 4, "stars_per_position": 0}, ">= 1"),
    ],
)
def test_plans_that_make_no_sense(comparison, options, message):
    with pytest.raises(InputError, match=message):
        comparison.Plan(**options)


def test_comparisons_that_make_no_sense(comparison, database, plan, tmp_path):
    with pytest.raises(InputError, match="two or more"):
        comparison.compare(["baseline"], plan, out_dir=tmp_path)
    out = tmp_path / "out"
    for wrong, message in (
        ("basline", r"no file and no strategy is called 'basline'.*Did you mean 'baseline'\?"),
        ("baseline:without-bnds=u", r"no knob 'without_bnds'.*Did you mean 'without-bands'"),
        ("baseline:thinned=3", r"keep = 3\.0"),
        ("baseline:after=gone.db", r"gone\.db does not exist"),
        ("gone.db", r"gone\.db does not exist"),
        (f"{database}:without-pears", r"no change is called 'without-pears'.*Did you mean 'without-pairs'\?"),
        (f"{database}:without-bands=q", r"unknown band 'q'"),
        (str(database)[:-4] + ".db", r"does not exist\. Did you mean"),
    ):
        with pytest.raises(InputError, match=message):
            comparison.compare(["baseline", wrong], plan, out_dir=out)
        assert not out.exists()
    with pytest.raises(InputError, match="3 names for 2 runs"):
        comparison.compare(["baseline", "ztf"], plan, out_dir=tmp_path, names=["a", "b", "c"])
