"""Distances, temperatures and periods in comparisons: zero against itself, and the metric's values."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from tests.metrics.comparison.plans import POSITIONS

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]


@pytest.fixture(scope="module")
def plan(comparison):
    return comparison.Plan(
        positions=POSITIONS[:2],
        star_classes=("CEP",),
        magnitudes=(20.5,),
        years=(0.01, 2.5),
        stars_per_position=2,
        period_range=(0.8, 12.0),
        seed=3,
    )


@pytest.fixture(scope="module")
def result(comparison, database, plan, tmp_path_factory):
    from pelsvae_cadence.metrics.comparison.parameters import ParameterAccuracy

    return comparison.compare(
        [database, database],
        plan,
        out_dir=tmp_path_factory.mktemp("parameters"),
        names=["base", "again"],
        further=[ParameterAccuracy()],
    )


def test_a_run_compared_with_itself_differs_nowhere(result):
    from pelsvae_cadence.metrics.comparison.parameters import ParameterAccuracy

    rows = result.summary.differences
    for quantity in ParameterAccuracy().quantities:
        mine = rows[(rows.metric == quantity.name) & (rows.year == 2.5)]
        assert len(mine) == 1, quantity.name
        assert mine.difference.tolist() == [0.0]
        numbers = mine[["low", "high"]].to_numpy(float)
        assert (numbers[np.isfinite(numbers)] == 0.0).all()
    values = result.outcomes[0].further["Parameters"]
    np.testing.assert_array_equal(values, result.outcomes[1].further["Parameters"])
    assert "distance good" in result.files["report"].read_text()


def test_values_are_those_of_the_metric(result, database, plan):
    from pelsvae_cadence.cadence.footprint_edge import visits_if_any
    from pelsvae_cadence.metrics import ParameterRecoveryMetric
    from pelsvae_cadence.metrics.comparison.further_metric import COLUMNS, visits_as_slice

    survey = result.runs[0].cadence
    ra, dec = POSITIONS[1]
    visits = visits_if_any(survey, ra, dec, None)
    visits = visits.take(visits.mjd < survey.mjd_start + 2.5 * 365.25)
    metric = ParameterRecoveryMetric(
        **COLUMNS, star_class="CEP", magnitude=20.5, stars_per_position=2, period_range=(0.8, 12.0), seed=3
    )
    value = metric.run(
        visits_as_slice(visits, ra, dec), {"ra": np.radians(ra), "dec": np.radians(dec), "sid": 1}
    )
    told = result.outcomes[0].further["Parameters"][1, 1]
    assert told[0] == value["distance_good"]
    assert told[1] == pytest.approx(value["distance_width"], rel=1e-3)
    # Nothing is known before there are visits.
    early = result.outcomes[0].further["Parameters"][1, 0]
    assert early[[0, 2, 4]].tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(early[[1, 3]]).all()


def test_it_wants_its_plan(maf_ready):
    from pelsvae_cadence.metrics.comparison.parameters import ParameterAccuracy

    with pytest.raises(InputError, match="prepare"):
        ParameterAccuracy().run(np.zeros(3), {}, 1.0)
