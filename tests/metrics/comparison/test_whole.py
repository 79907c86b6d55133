"""A whole comparison on real tables: the same stars everywhere, nothing lost, tables that agree."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence import read_survey
from pelsvae_cadence.cadence.survey import local_nights
from pelsvae_cadence.core.errors import InputError
from tests.metrics.comparison.plans import POSITIONS, QUICK

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


def test_a_run_compared_with_itself_differs_nowhere(whole):
    result, _, _ = whole
    rows = result.summary.differences
    same = rows[rows.run == "again"]
    numbers = same[["difference", "low", "high"]].to_numpy(float)
    assert (numbers[np.isfinite(numbers)] == 0.0).all()
    assert same.difference.notna().all()
    assert (same.p.dropna() == 1.0).all()
    assert not same.verdict.isin(["better", "worse"]).any()
    first, second = result.outcomes[:2]
    np.testing.assert_array_equal(first.found_period, second.found_period)
    np.testing.assert_array_equal(first.outcome, second.outcome)


def test_all_runs_observe_the_same_stars(whole):
    result, _, _ = whole
    base, both = result.outcomes[0], result.summary.common
    assert both.sum() >= 6
    for run in result.outcomes[1:]:
        np.testing.assert_array_equal(run.star_id[both], base.star_id[both])
        np.testing.assert_array_equal(run.true_period[both], base.true_period[both])
    stars = pd.read_parquet(result.files["stars"])
    assert len(stars) == 2 * 2 * 3 * sum(run.in_footprint.sum() for run in result.outcomes)
    assert set(stars.run) == {"base", "again", "thin"}


def test_one_broken_database_is_reported_and_the_others_finish(whole):
    result, told, seen = whole
    assert [name for name, _ in told] == ["broken"]
    assert "broken.db" in result.failures["broken"]
    assert [run.name for run in result.runs] == ["base", "again", "thin"]
    assert seen[-1][0] == "thin"
    assert seen[-1][1] == seen[-1][2] > 1
    assert "broken was not" in result.files["report"].read_text()
    assert not (result.out_dir / ".unfinished").exists()


def test_values_are_those_of_the_metrics_command(whole, database, tmp_path):
    """The same fractions as MAF's own way through the database, position by position."""
    from pelsvae_cadence.metrics import run_period_recovery

    result, _, _ = whole
    start = read_survey(database).mjd_start
    direct = run_period_recovery(
        database,
        positions=POSITIONS,
        magnitudes=[21.0, 22.5],
        seed=3,
        out_dir=tmp_path,
        constraint=f"observationStartMJD + 15.0 / 86400.0 < {start + 365.25!r}",
        star_classes=["RRab"],
        stars_per_position=3,
        period_range=(0.3, 1.2),
    )
    base = result.outcomes[0]
    for g, magnitude in enumerate((21.0, 22.5)):
        rows = direct.positions[direct.positions.magnitude == magnitude]
        where = [
            next(k for k, (x, y) in enumerate(POSITIONS) if np.hypot(x - ra, y - dec) < 1e-6)
            for ra, dec in zip(rows.ra, rows.dec, strict=True)
        ]
        np.testing.assert_allclose(base.outcome[where, g, 0, :, 0].mean(axis=-1), rows.recovered)
        np.testing.assert_allclose(base.outcome[where, g, 0, :, 1].mean(axis=-1), rows.strict)
        np.testing.assert_array_equal(base.cadence[where, 0, 0], rows.n_visits)


def test_tables_agree_with_each_other(whole):
    result, _, _ = whole
    table = pd.read_csv(result.files["summary csv"]).fillna({"unit": ""})
    for other in (
        pd.read_parquet(result.files["summary parquet"]),
        pd.read_hdf(result.files["summary hdf5"], key="stats"),
    ):
        pd.testing.assert_frame_equal(table, other.reset_index(drop=True), check_dtype=False)
    keys = ["run", "footprint", "metric", "star_class", "magnitude", "year"]
    assert not table.duplicated(keys).any()
    assert set(table.footprint) == {"common", "own"}
    headline = table[(table.metric == "recovered") & (table.footprint == "common")]
    headline = headline[headline.star_class != "all"]
    mine = headline[headline.run == "base"].sort_values(["magnitude", "year"])
    share = result.outcomes[0].outcome[result.summary.common][..., 0].mean(axis=(0, 3))
    np.testing.assert_allclose(mine.value, share.ravel())
    assert ((mine.low <= mine.value) & (mine.value <= mine.high)).all()
    settings = json.loads(result.files["settings"].read_text())
    assert settings["command"] == "compare as a test"
    assert settings["plan"]["seed"] == 3
    assert len(settings["model"]["sha256"]) == 64
    assert settings["versions"]["rubin-sim"]


def test_all_stars_together_are_the_mean_of_their_groups(whole):
    result, _, _ = whole
    values = result.summary.values
    rows = values[(values.metric == "recovered") & (values.footprint == "own")]
    keys = ["run", "year"]
    together = rows[rows.star_class == "all"].set_index(keys)
    apart = rows[rows.star_class != "all"].groupby(keys)
    np.testing.assert_allclose(together.value, apart.value.mean()[together.index])
    np.testing.assert_array_equal(together.n_stars, apart.n_stars.sum()[together.index])
    waiting = values[(values.metric == "years_without_period") & (values.footprint == "common")]
    mean = waiting[waiting.star_class != "all"].groupby("run").value.mean()
    every = waiting[waiting.star_class == "all"].set_index("run").value
    np.testing.assert_allclose(every, mean[every.index])


def test_the_answer_in_words(whole):
    from pelsvae_cadence.metrics.comparison.report.answers import answers

    result, _, _ = whole
    again, thin = answers(result)
    assert again.run == "again"
    assert again.verdict == "identical"
    assert "exactly the same periods" in again.text
    assert thin.verdict == "worse"
    gap = result.summary.differences.query(
        "run == 'thin' and metric == 'years_without_period' and star_class == 'all'"
    ).difference.item()
    assert f"has its period {gap:.2f} yr later" in thin.headline
    assert "Largest difference: −" in thin.text
    assert thin.headline in result.files["report"].read_text()


def test_the_other_runs_are_compared_with_each_other(whole):
    """ "again" is the reference once more, so thin against it is thin against the reference."""
    from pelsvae_cadence.metrics.comparison.report.answers import pair_answers

    result, _, _ = whole
    pairs = pd.read_csv(result.files["pairs csv"]).fillna({"unit": ""})
    assert {(row.run, row.reference) for row in pairs.itertuples()} == {("thin", "again")}
    assert list(pairs.metric) == ["recovered", "recovered", "years_without_period"]
    rows = result.summary.differences
    direct = rows[(rows.run == "thin") & (rows.star_class == "all")].reset_index(drop=True)
    for column in ("metric", "year", "difference", "low", "high", "p", "n_stars", "verdict"):
        pd.testing.assert_series_equal(pairs[column], direct[column])
    stored = pd.read_hdf(result.files["summary hdf5"], key="pairs").reset_index(drop=True)
    pd.testing.assert_frame_equal(pairs, stored, check_dtype=False, check_exact=True)
    (answer,) = pair_answers(result)
    assert answer.headline.startswith("thin is worse than again: on average a star has its")
    page = result.files["report"].read_text()
    assert "The other runs among each" in page
    assert answer.text in page
    assert 'download="pairs.csv"' in page


def test_years_and_visits_are_counted_as_stated(whole, database):
    result, _, _ = whole
    survey = read_survey(database)
    visits = survey.at(*POSITIONS[0])
    one = visits.take(visits.mjd < survey.mjd_start + 365.25)
    cadence = result.outcomes[0].cadence[0, 0]
    assert cadence[0] == len(one)
    assert cadence[1] == np.unique(one.night).size
    nights, counts = np.unique(one.night, return_counts=True)
    assert cadence[3] <= np.mean(counts > 1)
    assert local_nights(one.mjd, "lsst").size == len(one)
    assert nights.size


def test_common_and_own_footprints(comparison, database, tmp_path):
    """A run that sees less of the sky is compared where both look, and shown on its own as well."""
    survey = read_survey(database)
    patch = survey.take((survey.ra < 120.0) | (survey.ra > 350.0))  # four of the positions
    plan = comparison.Plan(positions=POSITIONS, magnitudes=(22.5,), years=(1,), **QUICK)
    result = comparison.compare([survey, patch], plan, out_dir=tmp_path, names=["all", "patch"])
    values = result.summary.values
    rows = values[(values.metric == "recovered")].set_index(["run", "footprint"])
    n = rows.n_positions
    assert n["all", "own"] > n["all", "common"] == n["patch", "common"] == n["patch", "own"] == 4
    assert rows.value["all", "common"] == rows.value["patch", "common"]
    differences = result.summary.differences
    assert (differences[differences.metric == "recovered"].difference == 0.0).all()
    # Fewer than eight positions: stars are resampled, and said so.
    assert result.summary.unit == "stars"
    text = result.files["report"].read_text()
    assert "stars within positions are resampled" in text
    with pytest.raises(InputError, match="no position in common"):
        comparison.summarise_runs(
            [
                comparison.RunOutcome(**{**vars(run), "in_footprint": np.arange(8) % 2 == k})
                for k, run in enumerate(result.outcomes)
            ],
            plan,
        )
