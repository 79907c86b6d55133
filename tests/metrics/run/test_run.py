"""Whole runs on real survey tables."""

from __future__ import annotations

import sqlite3

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence import read_survey
from pelsvae_cadence.cadence.changes.joint import JointSurvey
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.maf.survey_source import open_survey

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

QUICK = {"star_classes": ["RRab"], "stars_per_position": 2, "period_range": (0.2, 10.0)}


@pytest.fixture(scope="module")
def run():
    from pelsvae_cadence.metrics import run_period_recovery

    return run_period_recovery


@pytest.fixture(scope="module")
def cadence_folder(shared_data):
    return shared_data / "cadence"


@pytest.fixture(scope="module")
def baseline_run(run, cadence_folder, tmp_path_factory):
    seen: list[tuple[int, int]] = []
    result = run(
        cadence_folder / "baseline_v3.0_10yrs_12points.db",
        positions=[(0, -30), (30, -45)],
        magnitudes=[18.0, 21.0],
        constraint="night < 900",
        out_dir=tmp_path_factory.mktemp("run") / "new",
        progress=lambda done, total: seen.append((done, total)),
        **{**QUICK, "star_classes": ["RRab", "ECL"]},
    )
    return result, seen


def test_tables_hold_every_class_magnitude_and_position(baseline_run):
    result, _ = baseline_run
    keys = result.positions[["star_class", "magnitude", "ra"]]
    assert len(keys) == len(keys.drop_duplicates()) == 8
    assert len(result.stars) == 16
    assert len(result.summary) == 4
    assert (result.positions.n_visits > 100).all()
    # The tables agree among themselves.
    exact = result.stars.assign(exact=result.stars.verdict == "exact")
    share = exact.groupby(["star_class", "magnitude"]).exact.mean()
    summary = result.summary.set_index(["star_class", "magnitude"]).recovered
    pd.testing.assert_series_equal(share.sort_index(), summary.sort_index(), check_names=False)


def test_files_are_written_and_say_the_same(baseline_run):
    result, _ = baseline_run
    for key in ("positions", "stars", "summary"):
        pd.testing.assert_frame_equal(pd.read_csv(result.files[key]), getattr(result, key))
    with sqlite3.connect(result.files["results"]) as connection:
        names = [row[0] for row in connection.execute("select metric_name from metrics")]
        captions = [row[0] for row in connection.execute("select display_caption from displays")]
    connection.close()
    assert len(names) == 4 * (1 + 14)
    assert len(set(names)) == len(names)
    assert all("blind" in caption for caption in captions)


def test_progress_counts_every_position_of_every_bundle(baseline_run):
    _, seen = baseline_run
    assert seen[:8] == [(i, 8) for i in range(1, 9)]
    assert seen[-1] == (8, 8)


def test_results_are_not_overwritten_unasked(baseline_run, run, cadence_folder):
    result, _ = baseline_run
    with pytest.raises(InputError, match="already holds results"):
        run(cadence_folder / "baseline_v3.0_10yrs_12points.db", positions=[(0, -30)], out_dir=result.out_dir)


def test_a_database_and_the_same_survey_in_memory_agree(baseline_run, run, cadence_folder, tmp_path):
    """The same visits, stars and noise, whichever way MAF gets them; and overwriting works."""
    result, _ = baseline_run
    survey = read_survey(cadence_folder / "baseline_v3.0_10yrs_12points.db", constraint="night < 900")
    for overwrite in (False, True):
        again = run(
            survey,
            positions=[(0, -30), (30, -45)],
            magnitudes=[18.0, 21.0],
            out_dir=tmp_path,
            overwrite=overwrite,
            **QUICK,
        )
        expected = result.stars[result.stars.star_class == "RRab"].reset_index(drop=True)
        pd.testing.assert_frame_equal(again.stars, expected)


def test_a_first_year_table_without_night_and_band(run, cadence_folder, tmp_path):
    result = run(
        cadence_folder / "rubin_baseline_v2.0_1yr.db",
        positions=[(30, -30)],
        magnitudes=[19.0],
        out_dir=tmp_path,
        plots=True,
        **QUICK,
    )
    plots = sorted(path.name for path in tmp_path.glob("rubin*_r19_*.png"))
    # Four values, a map and a histogram each.
    assert len(plots) == 8
    assert any("_recovered_" in name and "SkyMap" in name for name in plots)
    assert result.positions.n_visits[0] > 60


def test_ztf_is_recognised(run, cadence_folder, tmp_path):
    path = cadence_folder / "ztf_2018_2022_40points.db"
    source = open_survey(path, positions=[])
    assert source.survey == "ztf"
    result = run(path, positions=[(200, -25)], magnitudes=[17.0], out_dir=tmp_path, **QUICK)
    assert result.positions.n_visits[0] > 100
    assert result.summary.recovered[0] >= 0.5


@pytest.mark.parametrize(("preset", "magnitude"), [("lsst-v3", 18.0), ("ztf", 17.0)])
def test_a_synthetic_survey_needs_no_file(run, preset, magnitude, tmp_path):
    """Each position gets exactly the visits that the synthetic survey gives it."""
    survey = SyntheticSurvey(preset=preset, seed=4)
    positions = [(30.0, -20.0), (210.0, 5.0)]
    result = run(
        survey,
        positions=positions,
        magnitudes=[magnitude],
        constraint="night < 700",
        out_dir=tmp_path,
        **QUICK,
    )
    for (ra, dec), n_visits in zip(positions, result.positions.n_visits, strict=True):
        assert n_visits == np.count_nonzero(survey.at(ra, dec).night < 700)
    assert result.summary.recovered[0] > 0.0


def test_a_fine_map_of_a_synthetic_survey_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="smaller nside"):
        run(SyntheticSurvey(), nside=64, out_dir=tmp_path, **QUICK)


def test_times_that_are_already_mid_exposure(cadence_folder):
    path = cadence_folder / "sv_db_subsampled.db"
    source = open_survey(path, positions=[])
    assert source.mjd_is_middle
    assert source.columns["mjd"] == "exp_midpt_mjd"


def test_a_map_of_patches_is_warned_of(run, cadence_folder, tmp_path):
    from pelsvae_cadence.metrics.run.run import PartialSkyWarning

    with pytest.warns(PartialSkyWarning, match="of the sky has enough visits"):
        result = run(
            cadence_folder / "baseline_v3.0_10yrs_12points.db",
            nside=4,
            radius=1.75,
            constraint="night < 400",
            magnitudes=[19.0],
            out_dir=tmp_path,
            **QUICK,
        )
    assert 0 < len(result.positions) < 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Give one of them"),
        ({"nside": 4, "positions": [(0, 0)]}, "Give one of them"),
        ({"nside": 7}, "power of two"),
        ({"positions": []}, "no position"),
        ({"positions": [(0, 99)]}, "not on the sky"),
        ({"positions": [(0, -30)], "radius": -1.0}, "radius"),
        ({"positions": [(0, -30)], "constraint": "nigth < 3"}, "nigth"),
        ({"positions": [(0, -30)], "constraint": "night < -5"}, "no visit"),
        ({"positions": [(0, -30)], "magnitudes": []}, "magnitudes"),
        ({"positions": [(0, -30)], "star_classes": ["RRab", "RRab"]}, "none twice"),
        ({"positions": [(0, 80)], "magnitudes": [20.0]}, "no position has enough visits"),
    ],
)
def test_what_cannot_be_run_is_refused(run, cadence_folder, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        run(cadence_folder / "baseline_v3.0_10yrs_12points.db", out_dir=tmp_path, **{**QUICK, **options})


def test_what_is_no_survey_is_refused(run, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for cadence, message in (
        (tmp_path / "missing.db", "does not exist"),
        (tmp_path, "is a directory"),
        (tmp_path / "notes.txt", "not an sqlite database"),
        (3.0, "a float is no survey"),
    ):
        with pytest.raises(InputError, match=message):
            run(cadence, positions=[(0, -30)], out_dir=tmp_path / "out", **QUICK)
    assert not (tmp_path / "out").exists()


def test_a_constraint_belongs_to_reading(cadence_folder):
    survey = read_survey(cadence_folder / "sv_db_subsampled.db")
    with pytest.raises(InputError, match="already in memory"):
        open_survey(survey, positions=[], constraint="night < 3")


def test_the_default_batch_has_unique_files(maf_ready):
    from pelsvae_cadence.metrics import period_recovery_batch

    batch = period_recovery_batch(run_name="a", nside=4, extra_sql="night < 366")
    assert len(batch) == 6 * 6
    for bundle in batch.values():
        assert bundle.constraint == "night < 366"
        assert bundle.info_label == "night < 366"
        assert bundle.display_dict["subgroup"].startswith("Period recovery")
        assert not bundle.slicer.use_camera
        assert bundle.slicer.cache_size == 0
    orders = [bundle.display_dict["order"] for bundle in batch.values()]
    assert len(set(orders)) == len(orders)
    assert np.isclose(next(iter(batch.values())).slicer.radius, 1.75)


def test_years_make_a_table_by_class_magnitude_and_year(run, cadence_folder, tmp_path):
    """A survey of 2.5 years: the second year is complete, the third begun, the fifth not reached."""
    result = run(
        cadence_folder / "baseline_v3.0_10yrs_12points.db",
        positions=[(0, -30), (30, -45)],
        magnitudes=[18.0],
        constraint="night < 900",
        years=(1.0, 2.0, 3.0, 5.0),
        out_dir=tmp_path,
        **QUICK,
    )
    table = result.by_year
    assert table.year.tolist() == [1.0, 2.0, 3.0]
    assert (table.n_stars == 4).all()
    assert (np.diff(table.n_visits) > 0).all()
    assert ((table.recovered_low <= table.recovered) & (table.recovered <= table.recovered_high)).all()
    # After the last year everything is known that the run without years knows.
    assert table.recovered.iloc[-1] == result.summary.recovered[0]
    pd.testing.assert_frame_equal(pd.read_csv(result.files["by_year"]), table)
    assert len(result.years) == 2 * 3
    with sqlite3.connect(result.files["results"]) as connection:
        names = [row[0] for row in connection.execute("select metric_name from metrics")]
    connection.close()
    assert "TimeToRecovery RRab r18_recovered_year_2" in names
    assert len(set(names)) == len(names)


def test_the_example_is_what_the_survey_usually_gives(run, cadence_folder, tmp_path):
    """Neither the sparsest position nor a deep field, but the one with the median number of visits."""
    result = run(
        cadence_folder / "baseline_v3.0_10yrs_12points.db",
        positions=[(150.0, 2.21), (0.0, -30.0), (30.0, -45.0)],
        magnitudes=[18.0],
        constraint="night < 900",
        max_visits=300,
        out_dir=tmp_path,
        **QUICK,
    )
    assert (result.positions.recovered > 0).all()
    typical = result.positions.sort_values("n_visits").iloc[1]
    assert result.example.stars.ra[0] == typical.ra
    assert result.example.verdict == "exact"


def test_a_joint_survey_is_run_like_any_other(run, tmp_path):
    """Magnitudes by default, distances, nights: whatever depends on the survey knows joint ones."""
    both = JointSurvey(
        surveys=(SyntheticSurvey(preset="lsst-v3", seed=1), SyntheticSurvey(preset="ztf", seed=1))
    )
    end = both.mjd_start + 700.0
    result = run(
        both,
        positions=[(30.0, -10.0)],
        constraint=f"observationStartMJD < {end}",
        distances=True,
        out_dir=tmp_path,
        **QUICK,
    )
    assert result.positions.n_visits[0] == np.count_nonzero(both.at(30.0, -10.0).mjd < end)
    by_magnitude = result.positions.set_index("magnitude")
    assert by_magnitude.index.tolist() == [14.0, 16.0, 18.0, 20.0, 22.0, 24.0]
    # ZTF finds the bright ones, LSST the faint ones, whose distances come from its i band.
    assert (by_magnitude.recovered[[14.0, 22.0]] > 0).all()
    assert by_magnitude.good_distance[18.0] > 0
    assert by_magnitude.good_distance.notna().all()


def test_only_the_survey_of_a_file_can_be_named(run, tmp_path):
    survey = SyntheticSurvey(preset="lsst-v3", seed=1)
    assert open_survey(survey, positions=[(30.0, -10.0)], survey="lsst").survey == "lsst"
    with pytest.raises(InputError, match=r"survey = 'ztf' for .*'lsst'"):
        run(survey, positions=[(30.0, -10.0)], survey="ztf", out_dir=tmp_path, **QUICK)


@pytest.mark.slow
def test_readings_are_the_same_with_two_workers(run, cadence_folder, tmp_path):
    """The files, to the last byte: each worker draws the same shapes."""
    results = [
        run(
            cadence_folder / "baseline_v3.0_10yrs_12points.db",
            positions=[(0, -30), (30, -45)],
            magnitudes=[21.0],
            constraint="night < 900",
            out_dir=tmp_path / str(workers),
            workers=workers,
            method="learned",
            **{**QUICK, "period_range": (0.3, 1.2)},
        )
        for workers in (1, 2)
    ]
    for key in ("positions", "stars", "summary"):
        one, other = (result.files[key].read_bytes() for result in results)
        assert one == other
    stars = results[0].stars
    assert set(stars.method) == {"learned"}
    assert stars.probability.between(0.0, 1.0).all()
    assert (stars.read_class == "RRLYR").any()
