"""Whole comparisons: on real tables, through the real MAF, interrupted, damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
import warnings

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence import SyntheticSurvey, read_survey, start_of, strategy
from pelsvae_cadence.cadence.survey import local_nights
from pelsvae_cadence.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

# Complete to 1.75 deg in the table of twelve positions, and none of them a deep field.
POSITIONS = ((0.0, -30.0), (30.0, -45.0), (60.0, -20.0), (80.0, -69.0), (267.0, -29.5),
             (180.0, -80.0), (200.0, -25.0), (330.0, 5.0))  # fmt: skip
# One-year searches in a narrow range of periods cost a few milliseconds.
QUICK = {"star_classes": ("RRab",), "stars_per_position": 3, "period_range": (0.3, 1.2)}


@pytest.fixture(scope="module")
def comparison():
    from pelsvae_cadence.metrics import comparison

    return comparison


@pytest.fixture(scope="module")
def database(shared_data):
    return str(shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db")


@pytest.fixture(scope="module")
def plan(comparison):
    return comparison.Plan(
        positions=POSITIONS, magnitudes=(21.0, 22.5), years=(1, 2), seed=3, **QUICK
    )


@pytest.fixture(scope="module")
def whole(comparison, database, plan, tmp_path_factory):
    """A run, itself again, 30 % of its visits, and a file that is no database."""
    folder = tmp_path_factory.mktemp("compare")
    broken = folder / "broken.db"
    broken.write_bytes(b"SQLite format 3\x00" + b"rubbish" * 500)
    told: list[tuple[str, str]] = []
    seen: list[tuple[str, int, int]] = []
    result = comparison.compare(
        [database, database, str(broken), f"{database}:thinned=0.3"],
        plan,
        out_dir=folder / "out",
        names=["base", "again", "broken", "thin"],
        command="compare as a test",
        progress=lambda *step: seen.append(step),
        on_failure=lambda *what: told.append(what),
    )
    return result, told, seen


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


def test_a_strategy_that_loses_visits_is_significantly_worse(whole):
    result, _, _ = whole
    rows = result.summary.differences
    thin = rows[(rows.run == "thin") & (rows.metric == "recovered") & (rows.year == 1)]
    assert (thin.verdict == "worse").all()
    assert (thin.high < 0).all()
    without = rows[(rows.run == "thin") & (rows.metric == "years_without_period")]
    assert (without.verdict == "worse").all()  # lower is better, and it is higher
    assert (without.difference > 0).all()


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
        database, positions=POSITIONS, magnitudes=[21.0, 22.5], seed=3, out_dir=tmp_path,
        constraint=f"observationStartMJD + 15.0 / 86400.0 < {start + 365.25!r}",
        star_classes=["RRab"], stars_per_position=3, period_range=(0.3, 1.2),
    )  # fmt: skip
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
    mine = headline[headline.run == "base"].sort_values(["magnitude", "year"])
    share = result.outcomes[0].outcome[result.summary.common][..., 0].mean(axis=(0, 3))
    np.testing.assert_allclose(mine.value, share.ravel())
    assert ((mine.low <= mine.value) & (mine.value <= mine.high)).all()
    settings = json.loads(result.files["settings"].read_text())
    assert settings["command"] == "compare as a test"
    assert settings["plan"]["seed"] == 3
    assert len(settings["model"]["sha256"]) == 64
    assert settings["versions"]["rubin-sim"]


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


# ---------------------------------------------------------------------------- footprints


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


# ---------------------------------------------------------------------------- MAF's tools


def test_maf_folders_are_those_of_any_maf_run(whole):
    from rubin_sim.maf.metric_bundles import create_empty_metric_bundle

    result, _, _ = whole
    folder = result.files["maf base"]
    connection = sqlite3.connect(folder / "resultsDb_sqlite.db")
    files = [row[0] for row in connection.execute("select metric_datafile from metrics")]
    captions = [row[0] for row in connection.execute("select display_caption from displays")]
    connection.close()
    assert len(files) == len(set(files)) > 30
    assert all((folder / name).is_file() for name in files)
    assert any("lower is better" in caption for caption in captions)
    bundle = create_empty_metric_bundle()
    bundle.read(str(next(folder.glob("*RRab_r21_recovered_year_1*.npz"))))
    expected = result.outcomes[0].outcome[:, 0, 0, :, 0].mean(axis=-1)
    shown = ~np.ma.getmaskarray(bundle.metric_values)
    np.testing.assert_array_equal(shown, result.outcomes[0].in_footprint)
    np.testing.assert_allclose(bundle.metric_values.compressed(), expected[shown])
    assert bundle.summary_values["Mean common footprint"] == pytest.approx(
        expected[result.summary.common].mean()
    )


def test_gather_summaries_and_run_comparison_read_them(whole, tmp_path, monkeypatch):
    """rubin_sim's own functions, offline: gathered table, subsets, families, a plot."""
    import matplotlib as mpl
    from rubin_sim.maf import run_comparison

    mpl.use("agg")
    result, _, _ = whole
    monkeypatch.setattr(
        sys, "argv",
        ["gather_summaries", "--base_dir", str(result.out_dir / "maf"), "--to_csv",
         "--outfile", str(tmp_path / "gathered")],
    )  # fmt: skip
    run_comparison.gather_summaries()
    gathered = pd.read_csv(tmp_path / "gathered.csv", index_col=0)
    source = str(result.files["maf summary"])
    summaries = run_comparison.get_metric_summaries(summary_source=source)
    pd.testing.assert_frame_equal(
        gathered.sort_index(), summaries.sort_index(), check_names=False, check_like=True
    )
    runs = run_comparison.get_runs(str(result.files["run families"]))
    assert set(runs.index) == {"base", "again", "thin"}
    subsets = run_comparison.get_metric_subsets(str(result.files["metric subsets"]))
    lower = subsets.loc["years without a period"]
    assert lower.invert.all()
    chosen = run_comparison.get_metric_summaries(
        run_families=["comparison"], metric_subsets=["periods recovered year 1"],
        summary_source=source, runs_source=str(result.files["run families"]),
        metric_subset_source=str(result.files["metric subsets"]),
    )  # fmt: skip
    name = "Mean PeriodRecovery RRab r21_recovered year 1 UserPointsSlicer"
    assert list(chosen.index) == ["base", "again", "thin"]
    share = result.outcomes[2].outcome[result.outcomes[2].in_footprint][:, 0, 0, :, 0].mean()
    assert chosen.loc["thin", name] == pytest.approx(share)
    time_lost = run_comparison.get_metric_summaries(
        metric_subsets=["years without a period"], summary_source=source,
        metric_subset_source=str(result.files["metric subsets"]),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rubin_sim's own, about pandas
        norm = run_comparison.normalize_metric_summaries("base", time_lost, metric_subsets=lower)
    assert (norm.loc["again"] == 1.0).all()
    assert (norm.loc["thin"] < 1.0).all()  # more years without a period is worse
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure, _ = run_comparison.plot_run_metric(
            chosen, baseline_run="base", metric_subset=subsets.loc["periods recovered year 1"]
        )
    assert figure.axes
    import matplotlib.pyplot as plt

    plt.close("all")


def test_show_maf_serves_a_folder(whole):
    result, _, _ = whole
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", "from rubin_sim.maf.show_maf import show_maf; show_maf()",
         "--no_browser", "-t", "tracking.db", "-d", str(result.files["maf thin"]), "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=result.out_dir,
    )  # fmt: skip
    try:
        page, deadline = "", time.monotonic() + 90
        while not page and time.monotonic() < deadline and server.poll() is None:
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/allMetricResults?runId=1", timeout=20
                ) as answer:
                    page = answer.read().decode()
            except OSError:
                time.sleep(0.3)
        assert page, server.stderr.read().decode() if server.poll() is not None else "no answer"
        assert "PeriodRecovery RRab r21_recovered" in page
        assert "YearsWithoutPeriod RRab r22.5" in page
    finally:
        server.terminate()
        server.wait(timeout=20)
        server.stderr.close()


# ---------------------------------------------------------------------------- interruption


@pytest.mark.slow
def test_a_killed_comparison_goes_on(whole, database, tmp_path):
    """SIGKILL in the middle; the second attempt keeps what was finished, to the same tables."""
    result, _, _ = whole
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "pelsvae_cadence", "compare", database, f"{database}:thinned=0.3",
        "--names", "base,thin", "--positions", " ".join(f"{ra},{dec}" for ra, dec in POSITIONS),
        "--star-class", "RRab", "--mag", "21,22.5", "--years", "1,2",
        "--stars-per-position", "3", "--period-range", "0.3,1.2", "--seed", "3",
        "--out-dir", str(out),
    ]  # fmt: skip
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not list(out.glob(".unfinished/*/partition-*.npz")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in out.glob(".unfinished/*/partition-*.npz")}
    assert kept
    assert not (out / "report.html").exists()
    # The checkpoints are read, not computed again: they are gone only when all is complete.
    saved = tmp_path / "saved"
    shutil.copytree(out / ".unfinished", saved)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (out / ".unfinished").exists()
    table = pd.read_csv(out / "differences.csv")
    whole_table = result.summary.differences
    whole_table = whole_table[whole_table.run == "thin"].reset_index(drop=True)
    for column in ("difference", "low", "high", "p"):
        np.testing.assert_array_equal(table[column], whole_table[column])
    again = subprocess.run(
        [*command, "--no-clobber"], env=env, capture_output=True, text=True, check=False
    )
    assert again.returncode == 2
    assert "already holds a comparison" in again.stderr


@pytest.mark.slow
def test_two_workers_give_the_same(whole, comparison, database, plan, tmp_path):
    pytest.importorskip("distributed")
    result, _, _ = whole
    from pelsvae_cadence.metrics.comparison.evaluate import evaluate

    run = evaluate("base", read_survey(database), plan, checkpoint_dir=tmp_path, workers=2)
    np.testing.assert_array_equal(run.outcome, result.outcomes[0].outcome)
    np.testing.assert_array_equal(run.found_period, result.outcomes[0].found_period)


# ---------------------------------------------------------------------------- other cadences


def test_lsst_and_ztf_as_one_strategy(comparison, database, shared_data, tmp_path):
    """ZTF's history on top of the first weeks of LSST, each with its own bands and noise."""
    ztf = str(shared_data / "cadence" / "ztf_2018_2022_40points.db")
    plan = comparison.Plan(
        positions=((200.0, -25.0), (330.0, 5.0)), magnitudes=(18.5,), years=(1,), **QUICK
    )
    result = comparison.compare(
        [database, f"{database}+{ztf}", ztf], plan, out_dir=tmp_path,
        names=["lsst", "both", "ztf"], report=False,
    )  # fmt: skip
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
        ["baseline", "no-pairs:years=1", "no_rolling:pairing=0.4:seed=2"], plan,
        out_dir=tmp_path, report=False, maf_plots=True,
    )  # fmt: skip
    base, pairs, knobs = result.outcomes
    assert result.runs[1].cadence == strategy("no-pairs", years=1, seed=5)
    assert result.runs[2].cadence == SyntheticSurvey(rolling_strength=0.0, pairing=0.4, seed=2)
    assert np.nanmean(pairs.cadence[:, 0, 3]) < 0.2 < np.nanmean(base.cadence[:, 0, 3])
    assert (base.star_id == pairs.star_id)[base.in_footprint & pairs.in_footprint].all()
    assert knobs.in_footprint.any()
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
    assert run.name == "baseline_v3.0_10yrs_12points after=sv_db_subsampled.db@60900 " \
        "without-bands=u first-years=3"  # fmt: skip
    assert set(run.files) == {"baseline_v3.0_10yrs_12points.db", "sv_db_subsampled.db"}
    visits = run.cadence.at(267.0, -29.5)
    assert "u" not in visits.bands
    assert start_of(run.cadence) == read_survey(observed).mjd_start
    assert visits.mjd.max() < start_of(run.cadence) + 3 * 365.25
    knobs = comparison.open_run("baseline:rolling_years=4,5:visits_per_band=u96,y0")
    assert knobs.cadence.rolling_years == (4, 5)
    assert knobs.cadence.visits_per_band == {"u": 96.0, "y": 0.0}


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


def test_comparisons_that_make_no_sense(comparison, plan, tmp_path):
    with pytest.raises(InputError, match="two or more"):
        comparison.compare(["baseline"], plan, out_dir=tmp_path)
    with pytest.raises(InputError, match=r"no run can be used.*gone"):
        comparison.compare(["gone.db", "gone2.db"], plan, out_dir=tmp_path)
    with pytest.raises(InputError, match="3 names for 2 runs"):
        comparison.compare(["baseline", "ztf"], plan, out_dir=tmp_path, names=["a", "b", "c"])


class Depth:
    """A further metric with a training pass: the depth relative to what it has learnt."""

    name = "Relative depth"

    def __init__(self, level: float = float("nan")) -> None:
        self.level = level

    def __repr__(self) -> str:
        return f"Depth({self.level!r})"

    @property
    def quantities(self):
        from pelsvae_cadence.metrics.comparison import Quantity

        return (Quantity(name="relative_depth", caption="depth", better="higher", unit="mag"),)

    def prepare(self, cadences, plan, folder):
        folder.mkdir(parents=True, exist_ok=True)
        depths = [c.at(*plan.sky[0]).m5 for c in cadences]
        return [Depth(float(np.median(np.concatenate(depths))))] * len(cadences)

    def run(self, data_slice, slice_point, year):
        assert year == 1
        return np.array([np.median(data_slice["fiveSigmaDepth"]) - self.level])


def test_a_further_metric_that_learns_first(comparison, database, tmp_path):
    plan = comparison.Plan(positions=POSITIONS[:3], magnitudes=(21.0,), years=(1,), **QUICK)
    result = comparison.compare(
        [database, f"{database}:without-bands=y"],
        plan,
        out_dir=tmp_path,
        further=[Depth()],
    )
    values = result.summary.values
    rows = values[(values.metric == "relative_depth") & (values.footprint == "own")]
    assert len(rows) == 2
    assert rows.value.iloc[1] > rows.value.iloc[0]  # y is the shallowest band
    assert list(result.files[f"maf {result.runs[0].name}"].glob("*Relative_depth*"))
    assert "Relative depth" in result.files["report"].read_text()


# Few stars and few u visits: some features are left out, which the classifier says.
@pytest.mark.filterwarnings("ignore::pelsvae_cadence.classify.classifier.ClassifierWarning")
@pytest.mark.slow
def test_how_well_stars_are_told_apart_is_compared_too(comparison, tmp_path):
    """One classifier per run and year; a run against itself differs nowhere here either."""
    from pelsvae_cadence.metrics.comparison.classifiability import Classifiability

    plan = comparison.Plan(
        positions=tuple((float(ra), dec) for ra in range(0, 360, 90) for dec in (-60.0, -25.0)),
        star_classes=("RRab",), magnitudes=(21.0,), years=(1,), stars_per_position=1,
        period_range=(0.3, 1.2),
    )  # fmt: skip
    metric = Classifiability(stars_per_class=3, classes=("RRLYR", "LPV"))
    runs = ["baseline:years=1", "baseline:years=1", "baseline:years=1:thinned=0.5"]
    result = comparison.compare(
        runs, plan, out_dir=tmp_path, names=["a", "b", "few"], further=[metric], report=False
    )
    rows = result.summary.differences.set_index(["run", "metric"])
    assert rows.difference["b", "balanced_accuracy"] == 0.0
    values = result.summary.values.set_index(["footprint", "run", "metric"]).value
    assert values["common", "a", "balanced_accuracy"] > 0.7
    assert values["common", "few", "log_loss"] != values["common", "a", "log_loss"]
    assert rows.better["few", "log_loss"] == "lower"


@pytest.mark.slow
def test_two_seeds_of_one_strategy_are_not_called_different(comparison):
    """Twelve pairs of seeds of the synthetic baseline, with another sample of stars each time.

    The rate of pairs in which anything is called different is at most 5 per cent: 3 of 12 or
    more would happen once in fifty times.
    """
    from pelsvae_cadence.metrics.comparison.evaluate import evaluate

    called = 0
    for draw in range(12):
        plan = comparison.Plan(nside=2, magnitudes=(22.5,), years=(1,), seed=draw, **QUICK)
        runs = [
            evaluate(f"seed {seed}", strategy("baseline", seed=seed, years=1), plan)
            for seed in (100 + 2 * draw, 101 + 2 * draw)
        ]
        table = comparison.summarise_runs(runs, plan).differences
        called += bool((table[table.metric.isin(["recovered", "years_without_period"])]
                        .verdict.isin(["better", "worse"])).any())  # fmt: skip
    assert called <= 2
