"""The Earth between the days at which its series is computed."""

from __future__ import annotations

import erfa
import numpy as np

from pelsvae_cadence.simulation.earth import earth_position


def test_positions_are_those_of_erfa_to_a_microsecond_of_light() -> None:
    rng = np.random.default_rng(3)
    mjd = np.concatenate([rng.uniform(33282.0, 88069.0, 400), [61000.0, 60992.0, 61055.9999999]])
    _, expected = erfa.epv00(2400000.5, mjd)
    error = np.abs(earth_position(mjd) - expected["p"]).max()
    assert error < 1e-9  # au; 499 seconds of light each


def test_a_position_depends_on_its_own_time_alone() -> None:
    mjd = 61000.0 + np.sort(np.random.default_rng(1).uniform(0.0, 500.0, 50))
    together = earth_position(mjd)
    alone = np.concatenate([earth_position([t]) for t in mjd[::-1]])[::-1]
    assert together.tobytes() == alone.tobytes()
