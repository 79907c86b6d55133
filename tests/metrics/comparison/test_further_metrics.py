"""Metrics beside the period search, which learn first: compared too, and left out where they fail."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.errors import InputError
from tests.metrics.comparison.plans import POSITIONS, QUICK

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


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


class Fussy(Depth):
    """One that learns from the first run only."""

    name = "Fussy depth"

    def prepare(self, cadences, plan, folder):
        ready = super().prepare(cadences, plan, folder)
        return [Fussy(ready[0].level), *(InputError("too little to learn from") for _ in ready[1:])]


class Hopeless(Depth):
    """One that never learns."""

    name = "Hopeless depth"

    def prepare(self, cadences, plan, folder):
        raise InputError("nothing to learn from")


def test_a_metric_that_cannot_learn_from_a_run_does_not_stop_the_others(
    comparison, database, tmp_path
):
    plan = comparison.Plan(positions=POSITIONS[:3], magnitudes=(21.0,), years=(1,), **QUICK)
    told = []
    result = comparison.compare(
        [database, f"{database}:without-bands=y"], plan, out_dir=tmp_path,
        names=["all", "no y"], further=[Fussy(), Hopeless()],
        on_failure=lambda *what: told.append(what),
    )  # fmt: skip
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
    assert np.isnan(rows.loc["relative_depth", ["difference", "p"]].to_numpy(float)).all()
    assert (rows.loc["relative_depth", "verdict"] == "").all()
    assert rows.loc["recovered", "verdict"] != ""
    text = result.files["report"].read_text()
    assert "no y: Fussy depth was not" in " ".join(text.split())


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
    runs = [f"baseline:years=1{change}" for change in ("", "", ":thinned=0.5", ":thinned=0.26")]
    result = comparison.compare(
        runs, plan, out_dir=tmp_path, names=["a", "b", "few", "fewest"], further=[metric],
        report=False,
    )  # fmt: skip
    assert list(result.failures) == ["fewest: Classifiability"]
    assert "to train and judge classifiers" in result.failures["fewest: Classifiability"]
    assert [run.name for run in result.runs] == ["a", "b", "few", "fewest"]
    rows = result.summary.differences.set_index(["run", "metric"])
    assert rows.difference["b", "balanced_accuracy"] == 0.0
    values = result.summary.values.set_index(["footprint", "run", "metric"]).value
    assert values["common", "a", "balanced_accuracy"] > 0.7
    assert values["common", "few", "log_loss"] != values["common", "a", "log_loss"]
    assert rows.better["few", "log_loss"] == "lower"
