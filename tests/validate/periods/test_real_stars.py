"""The period search on real light curves: its figures of merit."""

from __future__ import annotations

import pytest

from pelsvae_cadence.validate.periods.real_stars import real_star_figures


@pytest.mark.slow
def test_the_figures_of_real_stars_meet_their_targets(shared_data):
    figures = real_star_figures(shared_data, 60, seed=1)
    assert [figure.name for figure in figures if figure.passed is False] == []
    assert sum(figure.passed is not None for figure in figures) == 4
    by_name = {figure.name: figure.value for figure in figures}
    name = "Stripe 82 RR Lyrae, 0.2-1.2 d:"
    among = by_name[f"{name} one of the five best within 1 %"]
    assert by_name[f"{name} period within 1 %"] <= among
