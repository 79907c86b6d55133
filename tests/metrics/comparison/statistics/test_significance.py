"""What is called better or worse: lost visits are. Over the whole sky: `tests.metrics.validate`."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.cadence import read_survey
from tests.metrics.comparison.plans import POSITIONS

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready"), pytest.mark.slow]


def test_a_strategy_that_loses_visits_is_significantly_worse(whole):
    result, _, _ = whole
    rows = result.summary.differences
    thin = rows[(rows.run == "thin") & (rows.metric == "recovered") & (rows.year == 1)]
    assert (thin.verdict == "worse").all()
    assert (thin.high < 0).all()
    without = rows[(rows.run == "thin") & (rows.metric == "years_without_period")]
    assert (without.verdict == "worse").all()  # lower is better, and it is higher
    assert (without.difference > 0).all()


def judged(comparison, survey, fewer, plan):
    """The differences of the primary quantities between a survey and one with fewer visits."""
    from pelsvae_cadence.metrics.comparison.evaluate import evaluate

    runs = [evaluate("whole", survey, plan), evaluate("fewer", fewer, plan)]
    summary = comparison.summarise_runs(runs, plan)
    table = summary.differences
    return summary.unit, table[table.metric.isin(["recovered", "years_without_period"])], runs


def test_thirty_per_cent_fewer_visits_are_significantly_worse(comparison, database):
    """Exactly 30 % of the pointings of the real table taken away, at random; faint stars suffer."""
    survey = read_survey(database)
    n = survey.mjd.size
    kept = np.random.default_rng(7).permutation(n) < round(0.7 * n)
    plan = comparison.Plan(
        positions=POSITIONS,
        star_classes=("RRab",),
        magnitudes=(23.5,),
        years=(1,),
        seed=3,
        stars_per_position=16,
        period_range=(0.4, 0.9),
    )
    _, table, (whole, fewer) = judged(comparison, survey, survey.take(kept), plan)
    both = whole.in_footprint & fewer.in_footprint
    share = fewer.cadence[both, 0, 0].sum() / whole.cadence[both, 0, 0].sum()
    assert abs(share - 0.7) < 0.03
    assert (table.verdict == "worse").all()
    assert (table.p_adjusted < 0.01).all()
