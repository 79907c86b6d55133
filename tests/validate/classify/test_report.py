"""The figures of merit of the classification, on a sixth of the stars."""

from __future__ import annotations

import json

import pytest

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.validate.classify.report import classify_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pelsvae_cadence.classify.ClassifierWarning"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return classify_report(seed=2, quick=True, checkpoint_dir=tmp_path_factory.mktemp("observed"))


def test_every_figure_is_there_and_lies_where_it_can(report):
    value = {figure.name: figure.value for figure in report.figures}
    ceiling = next(v for name, v in value.items() if name.startswith("ceiling"))
    # Few stars: a ninth of the usual training sample, and errors of 0.03.
    assert 0.6 < value["10 years: macro-F1"] <= ceiling + 0.1
    assert value["1 year: macro-F1"] < value["10 years: macro-F1"] + 0.05
    assert value["10 years, absolute magnitudes known: macro-F1"] > 0.7
    without = value["10 years, without period and folded shape: macro-F1"]
    assert without < value["10 years: macro-F1"] + 0.02
    scores = {name: v for name, v in value.items() if name.endswith("macro-F1")}
    assert len(scores) == 12
    assert all(0.0 <= v <= 1.0 for v in scores.values())
    permuted = next(f for f in report.figures if "permuted" in f.name)
    assert permuted.value == pytest.approx(1 / 8, abs=0.1)
    assert permuted.passed is not None


def test_what_pictures_need_is_kept(report):
    extra = report.as_dict()["extra"]
    assert tuple(extra["classes"]) == STAR_CLASSES
    for when in ("10 years", "1 year"):
        confusion = extra[f"{when}: confusion"]
        assert sum(map(sum, confusion)) == 6 * 5 * 8
        assert set(extra[f"{when}: recall"]) == set(STAR_CLASSES)
        assert next(iter(extra[f"{when}: macro-F1 by magnitude"])) == "17-18"
    json.dumps(extra)
