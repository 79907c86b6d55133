"""Stars at one sky position: observed, searched, judged."""

import numpy as np

from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.metrics.position.observe import StarSample, observe_and_search, stars_at


def test_a_position_without_visits_has_no_detection():
    nothing = visits_if_any(SyntheticSurvey(), 120.0, 80.0)
    assert len(nothing) == 0
    stars, curve = stars_at(StarSample(star_class="RRab", n=3, seed=2), 120.0, 80.0)
    seen = observe_and_search(stars, curve, nothing, seed=1)
    assert seen.n_visits_used == 0
    assert seen.periods.status.tolist() == ["no visits"] * 3
    assert np.isnan(seen.periods.period).all()
    assert seen.verdicts.fraction("no detection") == 1.0
