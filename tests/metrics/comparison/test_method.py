"""Comparisons of readings with the learned model: zero against itself, names, and the metric's values."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from tests.metrics.comparison.plans import POSITIONS

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

READ = {
    "positions": POSITIONS[:2],
    "star_classes": ("RRab",),
    "magnitudes": (21.5,),
    "years": (2.5,),
    "stars_per_position": 1,
    "period_range": (0.4, 0.8),
    "seed": 3,
    "method": "learned",
}


@pytest.fixture(scope="module")
def read(comparison, database, tmp_path_factory):
    """A run, and itself again."""
    out = tmp_path_factory.mktemp("read")
    return comparison.compare(
        [database, database], comparison.Plan(**READ), out_dir=out, names=["base", "again"]
    )


def test_a_run_read_twice_differs_nowhere(read):
    numbers = read.summary.differences[["difference", "low", "high"]].to_numpy(float)
    assert (numbers[np.isfinite(numbers)] == 0.0).all()
    first, second = read.outcomes
    np.testing.assert_array_equal(first.found_period, second.found_period)
    np.testing.assert_array_equal(first.outcome, second.outcome)
    assert first.outcome[..., 0].any()


def test_report_files_and_settings_name_the_method(read):
    text = read.files["report"].read_text()
    answer = text.index('id="answer"')
    sentence = text.index("reading with the learned model")
    assert answer < sentence < text.index("<figure>")
    assert "stated with less than 0.5 counts as none" in text
    assert json.loads(read.files["settings"].read_text())["plan"]["method"] == "learned"
    names = read.files["maf summary csv"].read_text().splitlines()[0]
    assert "Mean PeriodRecovery RRab r21.5 learned_recovered year 2.5 " in names
    assert "PeriodRecovery RRab r21.5_recovered" not in names
    assert "learned_recovered" in read.files["metric subsets"].read_text()


def test_values_are_those_of_the_metric(read, database, tmp_path):
    from pelsvae_cadence.cadence import read_survey
    from pelsvae_cadence.metrics import run_period_recovery

    end = read_survey(database).mjd_start + 2.5 * 365.25
    direct = run_period_recovery(
        database,
        positions=POSITIONS[:2],
        magnitudes=[21.5],
        constraint=f"observationStartMJD + 15.0 / 86400.0 < {end!r}",
        out_dir=tmp_path,
        star_classes=["RRab"],
        stars_per_position=1,
        period_range=(0.4, 0.8),
        seed=3,
        method="learned",
    )
    run = read.outcomes[0]
    np.testing.assert_array_equal(run.star_id[:, 0, 0], direct.stars.star_id)
    np.testing.assert_array_equal(run.found_period[:, 0, 0, 0], direct.stars.found_period)
    np.testing.assert_array_equal(run.outcome[:, 0, 0, 0, 0], direct.positions.recovered)
    assert set(direct.positions.method) == set(direct.stars.method) == {"learned"}
    np.testing.assert_array_equal(direct.positions.stated, direct.stars.probability)
    sure = direct.stars.probability >= 0.9
    assert direct.summary.confident[0] == sure.mean()
    assert direct.summary.stated[0] == pytest.approx(direct.stars.probability.mean())


def test_an_unknown_method_is_refused(comparison):
    with pytest.raises(InputError, match="unknown method"):
        comparison.Plan(**{**READ, "method": "fourier"})
