"""How MAF's own periodic metrics behave on the visits of ours: the facts behind our comparison.

A failure here means that rubin_sim has changed, and that docs/maf.md has to follow.
"""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

SIDEREAL_DAY = 0.99726957
N_NIGHTS = 180
HERE = {"ra": np.radians(20.0), "dec": np.radians(-30.0)}
STAR = {"period": 0.55, "amplitude": 0.4, "phase": 0.1, "means": [20.0] * 6}


@pytest.fixture(scope="module")
def stroboscope():
    """A visit a night, at the same sidereal time: every period has an exact twin."""
    return _table(60300.0 + SIDEREAL_DAY * np.arange(N_NIGHTS))


def _table(mjd):
    n = mjd.size
    values = {
        "observationStartMJD": mjd,
        "expMJD": mjd,
        "band": np.resize(list("gri"), n),
        "fiveSigmaDepth": np.full(n, 24.5),
        "night": np.arange(n),
        "visitExposureTime": np.full(n, 30.0),
    }
    table = np.empty(n, dtype=[(k, np.asarray(v).dtype) for k, v in values.items()])
    for name, value in values.items():
        table[name] = value
    return table


def test_a_fit_that_starts_at_the_truth_is_blind_to_aliases(stroboscope):
    """MAF's metric is certain where no one could tell the period; the blind search is not."""
    from rubin_sim.maf.maf_contrib import PeriodicStarMetric

    from pelsvae_cadence.metrics import PeriodRecoveryMetric

    theirs = PeriodicStarMetric(n_monte=10, **STAR).run(stroboscope, HERE)
    assert theirs == 1.0
    ours = PeriodRecoveryMetric(star_class="RRab", magnitude=20.0, stars_per_position=12)
    value = ours.run(stroboscope, HERE)
    assert value["recovered"] <= 0.25
    assert value["no_detection"] <= 0.25
    # The same number of visits at random times leaves no doubt.
    mjd = np.sort(np.random.default_rng(2).uniform(60300.0, 60300.0 + N_NIGHTS, N_NIGHTS))
    assert ours.run(_table(mjd), HERE)["recovered"] >= 0.75


def test_the_modulation_metric_always_gives_zero(stroboscope):
    """It compares the number of parameters with np.size of a function, which is one."""
    from rubin_sim.maf.maf_contrib import PeriodicStarMetric, PeriodicStarModulationMetric

    bright = {**STAR, "means": [17.0] * 6}
    loose = {"period_tol": 0.5, "amp_tol": 0.5, "mag_tol": 1.0, "n_monte": 3}
    mjd = np.sort(np.random.default_rng(2).uniform(60300.0, 60320.0, 200))
    table = _table(np.append(mjd, 60321.0))
    assert PeriodicStarMetric(**bright, **loose).run(table, HERE) == 1.0
    modulation = PeriodicStarModulationMetric(time_interval=20, **bright, **loose)
    assert modulation.run(table, HERE) == 0.0


def test_the_window_metric_does_not_run(stroboscope):
    from rubin_sim.maf.maf_contrib import PeriodicMetric

    with pytest.raises(AttributeError, match=r"numpy.*float"):
        PeriodicMetric().run(stroboscope[:5], HERE)
