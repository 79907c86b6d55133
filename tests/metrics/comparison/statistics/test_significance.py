"""What is called better or worse: lost visits are, and two seeds of one strategy are not."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.cadence import read_survey, strategy
from tests.metrics.comparison.plans import POSITIONS, QUICK

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


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


def test_thirty_per_cent_fewer_visits_over_the_whole_sky(comparison):
    """The same where positions are resampled, for all classes and magnitudes together."""
    survey = comparison.open_run("baseline:years=1", seed=2).cadence
    fewer = comparison.open_run("baseline:years=1:thinned=0.7", seed=2).cadence
    plan = comparison.Plan(
        nside=2,
        star_classes=("RRab", "RRc"),
        magnitudes=(22.5, 23.5),
        years=(1,),
        seed=2,
        stars_per_position=2,
        period_range=(0.2, 0.9),
    )
    unit, table, _ = judged(comparison, survey, fewer, plan)
    assert unit == "positions"
    together = table[table.star_class == "all"]
    assert set(together.metric) == {"recovered", "years_without_period"}
    assert (together.verdict == "worse").all()
    assert not (table.verdict == "better").any()


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
        called += bool(
            (
                table[table.metric.isin(["recovered", "years_without_period"])].verdict.isin(
                    ["better", "worse"]
                )
            ).any()
        )
    assert called <= 2
