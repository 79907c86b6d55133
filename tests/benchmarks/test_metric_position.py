"""What the metric at a sky position costs beside the search that it cannot do without."""

from __future__ import annotations

import math

import pytest

from pelsvae_cadence.validate.periods.costs import _processor_time

pytestmark = [pytest.mark.maf, pytest.mark.slow, pytest.mark.usefixtures("maf_ready")]

N_STARS = 40


def test_metric_beside_its_search(benchmark):
    """Drawing, decoding, observing and judging a star take a small part of what its search takes."""
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.metrics import PeriodRecoveryMetric
    from pelsvae_cadence.periods import search

    survey = SyntheticSurvey(preset="lsst-v3", seed=1)
    visits = survey.opsim_table([35.0], [-30.0]).to_records(index=False)
    kept = []
    metric = PeriodRecoveryMetric(
        star_class="RRab", magnitude=22.0, stars_per_position=N_STARS, on_observed=kept.append
    )
    slice_points = [{"ra": math.radians(35.0), "dec": math.radians(-30.0 + 0.01 * k)} for k in range(3)]
    metric.run(visits, slice_points[0])  # loads the model
    # Positions of their own: a position that was seen has its stars already.
    whole = min(_processor_time(lambda p=p: metric.run(visits, p)) for p in slice_points[1:])
    baseline = kept[0].periods.options["baseline"]
    bare = _processor_time(lambda: search(kept[0].light_curves, baseline=baseline), 2)
    benchmark.extra_info["metric / search"] = round(whole / bare, 2)
    benchmark.pedantic(lambda: metric.run(visits, slice_points[0]), rounds=1)
    assert whole / bare < 2.0


def test_reading_beside_searching(benchmark):
    """A slice point of ten stars at ten years, read with the model and searched: both in all their parts."""
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.metrics import PeriodRecoveryMetric

    survey = SyntheticSurvey(preset="lsst-v3", seed=1)
    visits = survey.opsim_table([35.0], [-30.0]).to_records(index=False)
    slice_points = [{"ra": math.radians(35.0), "dec": math.radians(-30.0 + 0.01 * k)} for k in range(5)]
    options = {"star_class": "RRab", "magnitude": 22.0, "stars_per_position": 10}
    searched = PeriodRecoveryMetric(method="harmonic", **options)
    read = PeriodRecoveryMetric(method="learned", **options)
    for metric in (searched, read):
        metric.run(visits, slice_points[0])  # loads the model, draws its shapes
    # Positions of their own: a position that was seen has its stars already.
    search = min(_processor_time(lambda p=p: searched.run(visits, p)) for p in slice_points[1:3])
    reading = min(_processor_time(lambda p=p: read.run(visits, p)) for p in slice_points[3:])
    benchmark.extra_info["reading / searching"] = round(reading / search, 2)
    benchmark.pedantic(lambda: read.run(visits, slice_points[0]), rounds=1)
    assert reading / search < 15.0
