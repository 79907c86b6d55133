"""The topic: what it measures, of which stars, and that it judges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.validate.inference.answers import Answers, Question, answers_of_search
from pelsvae_cadence.validate.inference.report import PARTS, inference_report


@pytest.fixture
def data(shared_data, real_stars):
    return shared_data


def _cautious(light_curves: LightCurves, question: Question) -> Answers:
    """Answer like the search, and state less; call every star an RR Lyrae."""
    found = answers_of_search(light_curves, question)
    n = len(light_curves)
    return replace(
        found, probability=0.5 * found.probability, class_probability=np.ones((n, 1)), classes=("RRLYR",)
    )


def test_sets_are_judged_and_drawn(data, tmp_path):
    report = inference_report(
        1, 3, data, ["ps1", "eros1_30", "field"], plots=tmp_path / "pictures", method=_cautious
    )
    by_name = {figure.name: figure for figure in report.figures}
    assert by_name["ps1 (RRLYR): within 1 %"].target == ">= 0.88"
    assert by_name["ps1 (RRLYR): within 1 %"].passed is not None
    assert by_name["ps1 (all classes): within 1 %"].target == ""
    assert by_name["ps1 (all classes): within 1 %"].passed is None
    assert by_name["field (RRLYR): doubled"].target == "<= 0.03"
    assert by_name["eros1_30 (all classes), mean of classes: within 1 %"].target == ">= 0.8"
    assert by_name["eros1_30 (all classes), mean of classes: class"].value == pytest.approx(1.0 / 3.0)
    assert "n = 3 + 3 + 3" in by_name["eros1_30 (all classes), mean of classes: within 1 %"].note
    assert "difference +0.000" in by_name["ps1 (RRLYR): within 1 %"].note
    assert by_name["calibration, all sets: expected calibration error"].target == "<= 0.03"
    assert "n = 15;" in by_name["calibration, all sets: expected calibration error"].note
    assert by_name["calibration, sets beside: expected calibration error"].passed is None
    assert "RRLYR alone" in report.data
    assert [row[:2] for row in report.extra["table"]["rows"]] == [
        ["ps1 (RRLYR)", "3"],
        ["ps1 (all classes)", "3"],
        ["eros1_30 (all classes)", "9"],
        ["field (RRLYR)", "3"],
        ["field (all classes)", "3"],
    ]
    assert [row[:2] for row in report.extra["times"]["rows"]] == [
        ["ps1", "6"],
        ["eros1_30", "9"],
        ["field", "6"],
    ]
    for name in ("recovery", "reliability"):
        assert (tmp_path / "pictures" / f"inference_{name}.png").stat().st_size > 10_000


@pytest.mark.parametrize(("priors", "words"), [("targets", "RRLYR"), ("all", "all classes")])
def test_a_set_may_be_read_with_one_prior(data, priors, words):
    report = inference_report(1, 2, data, ["crater2"], priors=priors, method=_cautious)
    assert [row[0] for row in report.extra["table"]["rows"]] == [f"crater2 ({words})"]
    judged = [f for f in report.figures if f.name.startswith("crater2") and f.target]
    assert bool(judged) is (priors == "targets")
    if judged:
        (rrd,) = [f for f in judged if "RRd" in f.name]  # two stars, none of them double-mode
        assert (rrd.target, rrd.passed) == (">= 0.85", None)
        assert np.isnan(rrd.value)


def test_ctrl_c_leaves_the_figures_of_what_is_finished(data):
    def impatient(light_curves: LightCurves, question: Question) -> Answers:
        if light_curves.n_points > 1000:
            raise KeyboardInterrupt
        return _cautious(light_curves, question)

    report = inference_report(0, 2, data, ["ps1=3", "field", "m31"], method=impatient)
    assert report.extra["table"]["rows"][0][:2] == ["ps1 (RRLYR)", "3"]
    assert report.extra["interrupted"] == ["field", "m31"]
    assert report.data.startswith("ps1; ")
    assert {f.name.split()[0] for f in report.figures} == {"ps1", "calibration,"}
    with pytest.raises(KeyboardInterrupt):
        inference_report(0, 2, data, ["field"], method=impatient)


# Sizes of the pieces that were read; no closure, which would make it part of the method.
_READ: list[int] = []


def _counted(light_curves: LightCurves, question: Question) -> Answers:
    _READ.append(len(light_curves))
    return replace(_cautious(light_curves, question), seconds=0.0)


def test_what_is_kept_is_not_read_again(data, tmp_path):
    first = inference_report(0, 5, data, ["ps1"], keep=tmp_path, method=_counted)
    assert _READ == [4, 1, 4, 1]  # two priors, pieces of four
    again = inference_report(0, 5, data, ["ps1"], keep=tmp_path, method=_counted)
    assert len(_READ) == 4
    assert again.figures == first.figures
    assert again.extra["table"] == first.extra["table"]
    inference_report(1, 5, data, ["ps1"], keep=tmp_path, method=_counted)  # of other stars nothing is kept
    assert len(_READ) == 8


@pytest.mark.slow
def test_workers_change_no_figure(data):
    alone, shared = (
        inference_report(0, 5, data, ["ps1"], priors="targets", workers=workers) for workers in (1, 2)
    )
    assert alone.figures == shared.figures
    assert [row[:-1] for row in alone.extra["table"]["rows"]] == [
        row[:-1] for row in shared.extra["table"]["rows"]
    ]


def test_no_star_to_choose_by_is_read(data):
    seen: list[int] = []

    def watched(light_curves: LightCurves, question: Question) -> Answers:
        seen.extend(light_curves.star_id.tolist())
        return _cautious(light_curves, question)

    inference_report(0, 8, data, ["stripe82_8"], method=watched)
    assert len(set(seen)) == 8
    assert all(row % 2 for row in seen)


def test_unknown_parts_are_refused(data):
    with pytest.raises(InputError, match="unknown set 'ps2'"):
        inference_report(0, 3, data, ["ps2"], method=_cautious)
    with pytest.raises(InputError, match="priors = 'mine'"):
        inference_report(0, 3, data, ["ps1"], priors="mine", method=_cautious)
    for sets, n in ((["ps1"], 0), (["ps1=0"], 3), (["ps1=many"], 3)):
        with pytest.raises(InputError, match=r"(0|many) stars of set ps1"):
            inference_report(0, n, data, sets, method=_cautious)


@pytest.mark.slow
def test_every_part_but_the_cost_has_figures(data):
    parts = [name for name in PARTS if name not in ("cost", "classes")]
    report = inference_report(0, 2, data, parts, method=_cautious)
    names = [figure.name for figure in report.figures]
    for start in (
        *(name for name in parts if name not in ("lsst", "unseen", "aperiodic")),
        "real stars, 1 yr",
    ):
        assert any(name.startswith(start) for name in names), start
    assert sum(name.startswith("unseen shapes") for name in names) == 3 * 8
    assert sum("visits: false-alarm" in name for name in names) == 3 * 3
    gains = [f.value for f in report.figures if f.name.endswith("less the search")]
    assert gains
    assert not any(gains)
