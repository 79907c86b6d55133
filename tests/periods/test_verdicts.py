"""Verdicts on periods."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.periods import FrequencyGrid, PeriodResult, judge

BASELINE = 3652.5
DAY = 1.0027379


def _result(frequency, *, baseline=BASELINE, alarm=None, top=None) -> PeriodResult:
    f = np.atleast_1d(np.asarray(frequency, dtype=float))
    n = f.size
    top = f[:, None].copy() if top is None else np.asarray(top, dtype=float)
    return PeriodResult(
        star_id=np.arange(n),
        frequency=f.copy(),
        score=np.ones(n),
        n_harmonics=np.ones(n, dtype=np.int64),
        power=np.ones(n),
        false_alarm_probability=np.zeros(n) if alarm is None else np.asarray(alarm, dtype=float),
        top_frequencies=top,
        top_scores=np.ones_like(top),
        n_points=np.full(n, 800),
        status=np.array(["ok"] * n),
        grid=FrequencyGrid.from_baseline(baseline),
        options={},
    )


@pytest.mark.parametrize(
    ("shift_cycles", "factor", "offset", "verdict"),
    [
        (0.09, 1.0, 0.0, "exact"),
        (-0.09, 1.0, 0.0, "exact"),
        (0.11, 1.0, 0.0, "imprecise"),
        (-0.99, 1.0, 0.0, "imprecise"),
        (1.5, 1.0, 0.0, "wrong"),
        (0.05, 0.5, 0.0, "harmonic"),
        (0.05, 2.0, 0.0, "harmonic"),
        (0.0, 3.0, 0.0, "wrong"),
        (0.0, 1.0, DAY, "alias"),
        (0.5, 1.0, -DAY, "alias"),
        (0.0, 1.0, 2 * DAY, "alias"),
        (0.0, 1.0, 1 / 365.25, "alias"),
        (0.0, 1.0, 1.0, "alias"),
        (0.5, 1.0, -1.0, "alias"),
        (0.0, 1.0, 2.0, "alias"),
        (0.0, 1.0, 3 * DAY, "alias"),
        (0.0, 1.0, DAY + 1 / 365.25, "alias"),
        (0.0, 1.0, 2 / 365.25, "alias"),
        (0.0, 1.0, DAY + 3 / 365.25, "wrong"),
        (0.0, 1.0, 4 * DAY, "wrong"),
        (0.0, 1.0, 0.5, "wrong"),
    ],
)
def test_each_case_gets_its_verdict(shift_cycles, factor, offset, verdict):
    period = 0.5731
    found = factor / period + offset + shift_cycles / BASELINE
    assert judge(_result(found), [period]).verdict.tolist() == [verdict]


def test_aliases_reflect_at_zero_frequency():
    """A Cepheid's daily alias is |f0 - 1/d|, which is positive."""
    period = 20.0
    assert judge(_result(DAY - 1 / period), [period]).verdict.tolist() == ["alias"]


def test_a_day_is_told_from_a_year():
    period = np.full(4, 0.5731)
    found = 1 / period + np.array([DAY, -1.0, 1 / 365.25, 0.0])
    verdicts = judge(_result(found), period)
    assert verdicts.verdict.tolist() == ["alias", "alias", "alias", "exact"]
    assert verdicts.daily_alias.tolist() == [True, True, False, False]


def test_short_surveys_do_not_resolve_the_year():
    """Within half a year a yearly alias is the same peak: no verdict of its own."""
    period = 0.5
    found = 1 / period + 1 / 365.25
    verdicts = judge(_result(found, baseline=180.0), [period])
    assert verdicts.verdict.tolist() == ["imprecise"]


def test_booleans_follow_their_definitions():
    period = np.array([0.5, 0.5, 0.5, 10.0])
    cycles = np.array([0.036, 0.038, 0.0, 5.0])
    frequency = 1 / period + cycles / BASELINE
    frequency[2] = 1.0
    top = np.stack([frequency, [1.0, 1.0, 2.0, 1.0]], axis=1)
    verdicts = judge(_result(frequency, top=top), period)
    assert verdicts.strict.tolist() == [True, False, False, False]
    assert verdicts.recovered.tolist() == [True, True, False, False]
    assert verdicts.top5.tolist() == [True, True, True, False]
    assert verdicts.recovered_or_half.tolist() == [True, True, True, False]
    # 5 cycles in ten years are 1.4 % of 0.1 c/d: the loose criterion depends on the period.
    assert verdicts.within_1pct.tolist() == [True, True, False, False]
    assert verdicts.fraction("exact") == 0.5


def test_a_likely_false_alarm_is_no_detection():
    result = _result([2.0, 2.0, np.nan], alarm=[0.005, 0.02, 1.0])
    period = [0.5, 0.5, 0.5]
    assert judge(result, period).verdict.tolist() == ["exact", "no detection", "no detection"]
    lenient = judge(result, period, false_alarm_level=1.0)
    assert lenient.verdict.tolist() == ["exact", "exact", "no detection"]
    assert not judge(result, period).top5[1:].any()


@pytest.mark.parametrize(
    ("period", "options", "message"),
    [
        ([0.5, 0.5], {}, "true_period has shape"),
        ([0.0], {}, "positive"),
        ([np.nan], {}, "positive"),
        ([0.5], {"tolerance": 0.0}, "tolerance"),
        ([0.5], {"false_alarm_level": 2.0}, "false_alarm_level"),
    ],
)
def test_bad_arguments_are_refused(period, options, message):
    with pytest.raises(InputError, match=message):
        judge(_result(2.0), period, **options)


def test_unknown_verdicts_have_no_fraction():
    with pytest.raises(InputError, match="unknown verdict"):
        judge(_result(2.0), [0.5]).fraction("right")
