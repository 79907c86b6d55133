"""What `validate compare` measures: it holds, and it would say so if it did not."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready"), pytest.mark.slow]


@pytest.fixture(scope="module")
def checks():
    from pelsvae_cadence.metrics.validate import comparison as checks

    return checks


def test_a_run_is_itself(checks):
    assert checks._same_run_figure(seed=4).passed


def test_lost_visits_are_noticed(checks):
    """Positions are resampled here; all classes and magnitudes together."""
    p, later = checks._lost_visits_figures(seed=2)
    assert p.passed
    assert later.passed
    assert p.note.startswith("verdict: worse")


def test_seeds_that_differ_in_more_than_chance_would_be_noticed(checks, monkeypatch):
    """Two seeds of one strategy are alike; a seed that means fewer visits is not.

    Of eight pairs with other stars each time, at most two may be called different: at a rate of
    5 per cent there are more of them once in 170 times.
    """
    assert all(figure.passed for figure in checks._false_alarm_figures(seed=4, n_draws=8))
    strategy = checks.strategy

    def uneven(name, *, seed, years):
        survey = strategy(name, seed=seed, years=years)
        return survey if seed % 2 == 0 else checks.thinned(survey, 0.5, seed=seed)

    monkeypatch.setattr(checks, "strategy", uneven)
    assert not any(figure.passed for figure in checks._false_alarm_figures(seed=4, n_draws=3))


def test_a_full_size_table_takes_less_than_four_gigabytes(checks):
    figure = checks._table_memory_figure()
    assert figure.passed
    assert figure.note.startswith("2,086,079 visits")
