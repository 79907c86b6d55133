"""The batch of all questions about periodic variables, through MAF's own tools."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

POSITION = (0.0, -30.0)
AGAIN = ("ECL", "RRLYR")


@pytest.fixture(scope="module")
def maf(maf_ready):
    from rubin_sim import maf

    return maf


@pytest.fixture(scope="module")
def batch_function(maf):
    from pelsvae_cadence.metrics import periodic_variables_batch

    return periodic_variables_batch


@pytest.fixture(scope="module")
def eight_classes(maf, batch_function, shared_data, tmp_path_factory):
    """Every class at one position for a year, and two of them again: two runs to gather."""
    database = str(shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db")
    slicer = maf.slicers.UserPointsSlicer(
        [POSITION[0]], [POSITION[1]], radius=1.75, use_camera=False, verbose=False
    )
    folders, groups = [], []
    for run, classes in (("one", STAR_CLASSES), ("two", AGAIN)):
        folder = tmp_path_factory.mktemp(run)
        bundles = batch_function(
            run_name=run,
            slicer=slicer,
            star_classes=classes,
            extra_sql="night < 366",
            stars_per_position=1,
            magnitudes=(19.0,),
            years=(1.0,),
            fields="wide",
            period_range=(0.2, 2.0),
        )
        results = maf.db.ResultsDb(out_dir=str(folder))
        group = maf.MetricBundleGroup(
            bundles, database, out_dir=str(folder), results_db=results, verbose=False
        )
        group.run_all()
        results.close()
        folders.append(str(folder))
        groups.append(group)
    return folders, groups


def test_an_eight_class_batch_passes_gather_summaries(eight_classes):
    from rubin_sim.maf.run_comparison import combine_result_dbs

    folders, _ = eight_classes
    table = combine_result_dbs(folders)
    assert sorted(table.index) == ["one", "two"]
    assert table.columns.is_unique
    for star_class in STAR_CLASSES:
        column = (
            f"Mean PeriodRecovery {star_class} r19_recovered {star_class} r19 wide night < 366 "
            "UserPointsSlicer"
        )
        assert table[column].notna().tolist() == [True, star_class in AGAIN]
        assert table[column].dropna().between(0.0, 1.0).all()
        year = column.replace("PeriodRec", "TimeToRec").replace("_recovered", "_recovered_year_1")
        # The first year of the time to recovery is the recovery of the first year.
        np.testing.assert_allclose(table[year], table[column])
    # Same visits, same stars.
    same = [name for name in table.columns if any(f" {again} " in name for again in AGAIN)]
    assert len(same) > 20
    np.testing.assert_array_equal(table.loc["one", same], table.loc["two", same])


def test_gathered_files_are_those_of_the_command(eight_classes, tmp_path, monkeypatch):
    from rubin_sim.maf.run_comparison.gather_summaries import gather_summaries

    folders, _ = eight_classes
    out = tmp_path / "summary"
    monkeypatch.setattr(
        "sys.argv", ["gather_summaries", "--dirs", ",".join(folders), "--to_csv", "--outfile", str(out)]
    )
    gather_summaries()
    text = next(tmp_path.glob("summary*")).read_text()
    assert text.count("r19_recovered ") == len(STAR_CLASSES) * 3


def test_every_bundle_is_described(eight_classes):
    folders, _ = eight_classes
    with sqlite3.connect(f"{folders[0]}/resultsDb_sqlite.db") as connection:
        shown = connection.execute(
            "select display_group, display_subgroup, display_caption from displays"
        ).fetchall()
        labels = {row[0] for row in connection.execute("select metric_info_label from metrics")}
    connection.close()
    assert {row[0] for row in shown} == {"Periodic variables"}
    assert all("night < 366" in row[2] for row in shown)
    assert {label.split()[0] for label in labels} == set(STAR_CLASSES)
    assert all(label.split()[1] == "r19" for label in labels)


def test_maps_sum_up_the_area_that_does_well(batch_function):
    bundles = batch_function(nside=8, star_classes=["RRab"], magnitudes=[20.0, 22.0])
    assert len(bundles) == 4
    for bundle in bundles.values():
        assert bundle.slicer.slicer_name == "HealpixSlicer"
        names = {summary.name for summary in bundle.summary_metrics}
        assert {"Positions", "Area > 0.5 [deg2]"} <= names
    assert len({bundle.file_root for bundle in bundles.values()}) == 4


def test_the_area_is_that_of_the_pixels(maf, batch_function):
    bundle = next(iter(batch_function(nside=8, star_classes=["RRab"]).values()))
    area = next(s for s in bundle.summary_metrics if s.name.startswith("Area"))
    values = np.full(768, area.mask_val if hasattr(area, "mask_val") else -666.0)
    values[:10], values[10:30] = 0.9, 0.3
    table = np.array(list(zip(values, strict=True)), dtype=[("metricdata", float)])
    pixel = 4 * np.pi * (180 / np.pi) ** 2 / 768
    assert area.run(table) == pytest.approx(10 * pixel, rel=1e-6)


def test_wide_and_deep_are_conditions_on_the_notes(batch_function):
    for fields, expected in (
        ("all", "night < 9"),
        ("deep", "(night < 9) and (scheduler_note like 'DD%')"),
        ("wide", "(night < 9) and (scheduler_note not like 'DD%')"),
    ):
        bundles = batch_function(
            nside=4, star_classes=["RRab"], years=(), extra_sql="night < 9", fields=fields
        )
        assert [bundle.constraint for bundle in bundles.values()] == [expected]


def test_a_population_is_counted(maf, batch_function):
    from pelsvae_cadence.metrics import generate_periodic_pop_slicer

    slicer = generate_periodic_pop_slicer(star_classes="RRab", n_events=5, ebv=0.0, seed=2)
    bundles = batch_function(slicer=slicer, star_classes=["RRab"], years=())
    (bundle,) = bundles.values()
    assert "Stars" in {summary.name for summary in bundle.summary_metrics}
    assert "the 5 RRab stars" in bundle.display_dict["caption"]


def test_what_makes_no_batch_is_refused(batch_function):
    with pytest.raises(InputError, match="none twice"):
        batch_function(nside=4, magnitudes=[20.0, 20.0])
    with pytest.raises(InputError, match="fields"):
        batch_function(nside=4, fields="shallow")
