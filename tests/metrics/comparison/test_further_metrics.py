"""Metrics beside the period search, which learn first: compared too, and left out where they fail."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.core.errors import InputError
from tests.metrics.comparison.plans import POSITIONS, QUICK

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready"), pytest.mark.slow]


class Depth:
    """A further metric with a training pass: the depth relative to what it has learnt."""

    name, quantity = "Relative depth", "relative_depth"

    def __init__(self, level: float = float("nan")) -> None:
        self.level = level

    def __repr__(self) -> str:
        return f"Depth({self.level!r})"

    @property
    def quantities(self):
        from pelsvae_cadence.metrics.comparison import Quantity

        return (Quantity(name=self.quantity, caption="depth", better="higher", unit="mag"),)

    def prepare(self, cadences, plan, workplace):
        assert len(workplace.names) == len(cadences)
        depths = [c.at(*plan.sky[0]).m5 for c in cadences]
        return [Depth(float(np.median(np.concatenate(depths))))] * len(cadences)

    def run(self, data_slice, slice_point, year):
        assert year == 1
        return np.array([np.median(data_slice["fiveSigmaDepth"]) - self.level])


class Fussy(Depth):
    """One that learns from the first run only."""

    name, quantity = "Fussy depth", "fussy_depth"

    def prepare(self, cadences, plan, workplace):
        ready = super().prepare(cadences, plan, workplace)
        return [Fussy(ready[0].level), *(InputError("too little to learn from") for _ in ready[1:])]


class Hopeless(Depth):
    """One that never learns."""

    name, quantity = "Hopeless depth", "hopeless_depth"

    def prepare(self, cadences, plan, workplace):
        raise InputError("nothing to learn from")


@pytest.fixture(scope="module")
def learnt(comparison, database, tmp_path_factory):
    """One metric that learns, one that learns from the first run only, and one that never does."""
    plan = comparison.Plan(positions=POSITIONS[:3], magnitudes=(21.0,), years=(1,), **QUICK)
    told = []
    result = comparison.compare(
        [database, f"{database}:without-bands=y"],
        plan,
        out_dir=tmp_path_factory.mktemp("further"),
        names=["all", "no y"],
        further=[Depth(), Fussy(), Hopeless()],
        on_failure=lambda *what: told.append(what),
    )
    return result, told


def test_a_further_metric_that_learns_first(learnt):
    result, _ = learnt
    values = result.summary.values
    rows = values[(values.metric == "relative_depth") & (values.footprint == "own")]
    assert len(rows) == 2
    assert rows.value.iloc[1] > rows.value.iloc[0]  # y is the shallowest band
    assert list(result.files["maf all"].glob("*Relative_depth*"))
    assert "Relative depth" in result.files["report"].read_text()


def test_a_metric_that_cannot_learn_from_a_run_does_not_stop_the_others(learnt):
    result, told = learnt
    assert told == [
        ("no y: Fussy depth", "too little to learn from"),
        ("all: Hopeless depth", "nothing to learn from"),
        ("no y: Hopeless depth", "nothing to learn from"),
    ]
    assert dict(told) == result.failures
    first, second = result.outcomes
    assert np.isfinite(first.further["Fussy depth"][first.in_footprint]).all()
    assert np.isnan(second.further["Fussy depth"]).all()
    assert np.isnan(first.further["Hopeless depth"]).all()
    rows = result.summary.differences.set_index("metric")
    assert np.isnan(rows.loc["fussy_depth", ["difference", "p"]].to_numpy(float)).all()
    assert rows.loc["fussy_depth", "verdict"] == ""
    assert rows.loc["relative_depth", "difference"] > 0.0
    assert rows.loc["recovered", "verdict"] != ""
    text = result.files["report"].read_text()
    assert "no y: Fussy depth was not" in " ".join(text.split())


@pytest.fixture(scope="module")
def told_apart(comparison, tmp_path_factory):
    """Four runs whose stars are classified after a year; the last one has too few visits for it."""
    from pelsvae_cadence.classify.classifier import ClassifierWarning
    from pelsvae_cadence.metrics.comparison.classifiability import Classifiability

    plan = comparison.Plan(
        positions=tuple((float(ra), dec) for ra in range(0, 360, 90) for dec in (-60.0, -25.0)),
        star_classes=("RRab",),
        magnitudes=(21.0,),
        years=(1,),
        stars_per_position=1,
        period_range=(0.3, 1.2),
    )
    metric = Classifiability(stars_per_class=3, classes=("RRLYR", "LPV"))
    runs = [f"baseline:years=1{change}" for change in ("", "", ":thinned=0.5", ":thinned=0.2")]
    seen = []
    with warnings.catch_warnings():
        # Few stars and few u visits: some features are left out, which the classifier says.
        warnings.simplefilter("ignore", ClassifierWarning)
        result = comparison.compare(
            runs,
            plan,
            out_dir=tmp_path_factory.mktemp("classes"),
            names=["a", "b", "few", "fewest"],
            further=[metric],
            unit="positions",
            progress=lambda *step: seen.append(step),
        )
    return result, seen


def test_how_well_stars_are_told_apart_is_compared_too(told_apart):
    """One classifier per run and year; a run against itself differs nowhere here either."""
    result, seen = told_apart
    assert list(result.failures) == ["fewest: Classifiability"]
    assert "to train and judge classifiers" in result.failures["fewest: Classifiability"]
    assert [run.name for run in result.runs] == ["a", "b", "few", "fewest"]
    assert ("a: stars to classify", 8, 8) in seen
    assert ("few: classifiers", 1, 1) in seen
    rows = result.summary.differences.set_index(["run", "metric", "star_class", "year"])
    for metric, star_class in (
        ("balanced_accuracy", "-"),
        ("log_loss", "-"),
        ("macro_f1", "-"),
        ("f1", "LPV"),
    ):
        same, unknown = (rows.loc[(run, metric, star_class, 1.0)] for run in ("b", "fewest"))
        assert same.difference == same.low == same.high == 0.0
        assert same.p == 1.0
        assert np.isnan(unknown.difference)
        assert unknown.verdict == ""
    values = result.summary.values.set_index(["footprint", "run", "metric", "star_class", "year"])
    assert values.value["common", "a", "balanced_accuracy", "-", 1.0] > 0.7
    assert values.value["common", "a", "macro_f1", "-", 1.0] > 0.7
    loss = values.value["common", :, "log_loss", "-", 1.0]
    assert loss["few"] != loss["a"]
    assert rows.better["few", "log_loss", "-", 1.0] == "lower"


def test_scores_are_those_of_the_stars_that_are_listed(told_apart):
    """From the table of stars alone, with scikit-learn."""
    from sklearn.metrics import f1_score

    result, _ = told_apart
    stars = pd.read_parquet(result.files["classified stars"])
    assert set(stars.run) == {"a", "b", "few"}
    values = result.summary.values.set_index(["footprint", "run", "metric", "star_class", "year"])
    for (run, year), mine in stars.groupby(["run", "year"]):
        each = f1_score(mine.star_class, mine.classified_as, labels=["LPV", "RRLYR"], average=None)
        assert values.value["own", run, "macro_f1", "-", year] == pytest.approx(each.mean())
        assert values.value["own", run, "f1", "RRLYR", year] == pytest.approx(each[1])
        assert values.n_stars["own", run, "f1", "RRLYR", year] == len(mine) // 2
    # The same stars in all runs; Miras have long periods.
    assert stars[stars.run == "a"].star_id.tolist() == stars[stars.run == "b"].star_id.tolist()
    assert (stars[stars.star_class == "LPV"].true_period > 50.0).all()


def test_scores_reach_report_and_maf(told_apart):
    from rubin_sim.maf import run_comparison

    result, _ = told_apart
    page = result.files["report"].read_text()
    assert "Can the stars be told apart?" in page
    assert "Told apart after 1 yr: macro-F1" in page
    assert "classified_stars.csv" in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)
    summaries = run_comparison.get_metric_summaries(
        metric_subsets=["F1 scores year 1", "Classifiability year 1"],
        summary_source=str(result.files["maf summary"]),
        metric_subset_source=str(result.files["metric subsets"]),
    )
    subsets = run_comparison.get_metric_subsets(str(result.files["metric subsets"]))
    inverted = subsets.loc["Classifiability year 1"].invert
    assert inverted.tolist() == ["log_loss" in name for name in inverted.index]
    name = "Identity Classes told apart macro_f1 year 1 UniSlicer"
    values = result.summary.values.set_index(["footprint", "run", "metric", "star_class", "year"])
    expected = values.value["own", "few", "macro_f1", "-", 1.0]
    assert summaries.loc["few", name] == pytest.approx(expected)
