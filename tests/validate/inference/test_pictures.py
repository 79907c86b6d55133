"""Pictures of readings."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.validate.inference.answers import Answers
from pelsvae_cadence.validate.inference.pictures import plot_recovery, plot_reliability
from pelsvae_cadence.validate.inference.readings import Outcome, Reading
from pelsvae_cadence.validate.inference.real_sets import RealSet
from pelsvae_cadence.validate.periods.control import control_sample, control_visits


def _outcome(n: int) -> Outcome:
    """Give n stars of which every second is right and half is stated."""
    sample = control_sample(control_visits(1, 1.0), ["RRc"] * n, seed=1)
    found = np.where(np.arange(n) % 2 == 0, 1.0, 1.5) / sample.period
    answers = Answers(
        frequency=found,
        probability=np.full(n, 0.55),
        candidates=found[:, None],
        false_alarm=np.zeros(n),
        class_probability=np.empty((n, 0)),
        classes=(),
    )
    stars = RealSet(
        name="some",
        star=sample.kind,
        star_class=sample.kind,
        subtype=sample.kind,
        period=sample.period,
        tuning=np.zeros(n, dtype=bool),
        light_curves=sample.light_curves,
        period_range=(0.2, 1.2),
    )
    return Outcome(
        name="some", reading=Reading(stars=stars, ours=answers, theirs=answers), criterion="within 1 %"
    )


def test_reliability_shows_what_came_of_what_was_stated():
    ax = plot_reliability([_outcome(20)])
    (together,) = [c for c in ax.containers if c.get_label() == "all sets"]
    x, y = together.lines[0].get_data()
    assert x.tolist() == pytest.approx([0.55])
    assert y.tolist() == pytest.approx([0.5])
    assert [text.get_text() for text in ax.texts] == ["20"]


def test_two_stars_make_no_bin():
    ax = plot_reliability([_outcome(2)])
    assert not list(ax.texts)
    ax.figure.canvas.draw()


def test_bars_are_the_shares_of_both_methods():
    ax = plot_recovery([_outcome(20), _outcome(4)])
    widths = [[bar.get_width() for bar in c] for c in ax.containers if hasattr(c, "patches")]
    assert [w for w in widths if w] == [[0.5, 0.5], [0.5, 0.5]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["some (20)", "some (4)"]
