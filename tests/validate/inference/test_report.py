"""The topic: what it measures, of which stars, and that it judges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.validate.inference.answers import Answers, answers_of_search
from pelsvae_cadence.validate.inference.report import PARTS, inference_report


@pytest.fixture
def data(shared_data, real_stars):
    return shared_data


def _cautious(light_curves: LightCurves, period_range: tuple[float, float]) -> Answers:
    """Answer like the search, and state less; call every star an RR Lyrae."""
    found = answers_of_search(light_curves, period_range)
    n = len(light_curves)
    return replace(
        found, probability=0.5 * found.probability, class_probability=np.ones((n, 1)), classes=("RRLYR",)
    )


def test_sets_are_judged_and_drawn(data, tmp_path):
    report = inference_report(
        1, 3, data, ["ps1", "eros1_30", "field"], plots=tmp_path / "pictures", method=_cautious
    )
    by_name = {figure.name: figure for figure in report.figures}
    assert by_name["ps1: within 1 %"].target == ">= 0.88"
    assert by_name["field: doubled"].target == "<= 0.03"
    assert by_name["eros1_30, mean of classes: class"].value == pytest.approx(1.0 / 3.0)
    assert "n = 3 + 3 + 3" in by_name["eros1_30, mean of classes: within 1 %"].note
    assert "difference +0.000" in by_name["ps1: within 1 %"].note
    assert by_name["calibration, all sets: expected calibration error"].target == "<= 0.03"
    assert [row[:2] for row in report.extra["table"]["rows"]] == [
        ["ps1", "3"],
        ["eros1_30", "9"],
        ["field", "3"],
    ]
    for name in ("recovery", "reliability"):
        assert (tmp_path / "pictures" / f"inference_{name}.png").stat().st_size > 10_000


def test_no_star_to_choose_by_is_read(data):
    seen: list[int] = []

    def watched(light_curves: LightCurves, period_range: tuple[float, float]) -> Answers:
        seen.extend(light_curves.star_id.tolist())
        return _cautious(light_curves, period_range)

    inference_report(0, 8, data, ["stripe82_8"], method=watched)
    assert len(seen) == 8
    assert all(row % 2 for row in seen)


def test_unknown_parts_are_refused(data):
    with pytest.raises(InputError, match="unknown set 'ps2'"):
        inference_report(0, 3, data, ["ps2"], method=_cautious)
    with pytest.raises(InputError, match="0 stars a set"):
        inference_report(0, 0, data, ["ps1"], method=_cautious)


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
