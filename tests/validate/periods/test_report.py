"""Figures of merit of the period search."""

from __future__ import annotations

import json

import pytest

from pelsvae_cadence.validate.periods.report import periods_report


@pytest.mark.slow
def test_the_report_meets_its_targets_and_can_be_written(monkeypatch, tmp_path):
    monkeypatch.setenv("PELSVAE_DATA", str(tmp_path))  # real stars have a test of their own
    report = periods_report(seed=1, quick=True)
    assert report.topic == "periods"
    assert [figure.name for figure in report.figures if figure.passed is False] == []
    assert sum(figure.passed is not None for figure in report.figures) == 17
    json.dumps(report.as_dict())
    by_name = {figure.name: figure.value for figure in report.figures}
    # A year finds less than ten, and the strict criterion less than the loose one.
    assert by_name["1 year: recovered"] < by_name["10 years: recovered"]
    assert by_name["1 year: drift below 0.037 cycle"] < by_name["1 year: recovered"]
    table = report.extra["table"]
    assert table["columns"] == ["class", "r mag", "1 year", "2 years", "10 years"]
    assert len(table["rows"]) == 8 * 5
    assert all(len(row) == 5 for row in table["rows"])
    # All stars of all magnitudes: the last row repeats the figures.
    assert table["rows"][-1][4].startswith(f"{by_name['10 years: recovered']:.2f} ")
    # Bright RR Lyrae are easier than faint ones, here as in the literature.
    lyrae = [by_name[f"RR Lyrae, 1 yr, g = {g:g}: among the five best, drift < 0.37"] for g in (20.0, 24.5)]
    assert lyrae[0] > lyrae[1]
