"""What counts as right, and how answers of different methods become one form."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.validate.inference.answers import (
    Answers,
    Question,
    answers_of_posterior,
    answers_of_search,
)
from pelsvae_cadence.validate.inference.readings import CRITERIA, Outcome, Reading, read
from pelsvae_cadence.validate.inference.real_sets import RealSet
from pelsvae_cadence.validate.periods.control import control_sample, control_visits


@pytest.fixture(scope="module")
def stars() -> RealSet:
    sample = control_sample(control_visits(2, 1.0), ["RRab"] * 6, seed=5, r_range=(18.0, 18.0))
    n = sample.kind.size
    return RealSet(
        name="six",
        star=np.array([str(k) for k in range(n)]),
        star_class=np.full(n, "RRLYR"),
        subtype=sample.kind,
        period=sample.period,
        tuning=np.zeros(n, dtype=bool),
        light_curves=sample.light_curves,
        period_range=(0.2, 1.2),
    )


def _posterior(period: np.ndarray, probability: np.ndarray) -> SimpleNamespace:
    n = period.size
    return SimpleNamespace(
        period=period,
        period_probability=probability,
        candidate_frequencies=np.column_stack([1.0 / period, np.full(n, np.nan)]),
        no_period_probability=np.full(n, 0.1),
        class_probability=np.tile([0.2, 0.7, np.nan], (n, 1)),
        classes=("CEP", "RRLYR", "other"),
    )


def test_a_posterior_is_judged_by_its_best_period(stars):
    ratio = np.array([1.0, 2.0, 0.5, 1.0 / 3.0, 0.2, np.nan])
    ours = answers_of_posterior(_posterior(ratio * stars.period, np.full(6, 0.95)))
    counted = {name: count(ours, stars).tolist() for name, count in CRITERIA.items()}
    yes, no = True, False
    assert counted["within 1 %"] == [yes, no, no, no, no, no]
    assert counted["drift < 0.1"] == [yes, no, no, no, no, no]
    assert counted["within 1 %, halves allowed"] == [yes, no, yes, no, no, no]
    assert counted["doubled"] == [no, yes, no, no, no, no]
    assert counted["absurd"] == [no, no, no, no, yes, no]  # no answer is not an absurd one
    assert counted["class"] == [yes] * 6
    assert counted["one of five within 1 %"] == counted["within 1 %"]
    assert ours.probability.tolist() == [0.95] * 5 + [0.0]


def test_a_period_off_by_half_a_per_cent_is_within_one_but_not_exact(stars):
    ours = answers_of_posterior(_posterior(1.005 * stars.period, np.ones(6)))
    assert CRITERIA["within 1 %"](ours, stars).all()
    assert not CRITERIA["drift < 0.1"](ours, stars).any()


def test_the_search_is_the_column_beside(stars):
    theirs = answers_of_search(stars.light_curves, Question(period_range=stars.period_range))
    assert CRITERIA["drift < 0.1"](theirs, stars).mean() >= 0.8
    assert theirs.star_class.tolist() == [""] * 6
    assert ((theirs.probability >= 0.0) & (theirs.probability <= 1.0)).all()
    wrong = answers_of_posterior(_posterior(0.2 * stars.period, np.ones(6)))
    outcome = Outcome(
        name="six", reading=Reading(stars=stars, ours=wrong, theirs=theirs), criterion="drift < 0.1"
    )
    assert not outcome.right.any()
    assert not outcome.exact.any()
    assert outcome.right_of_search.any()


def test_answers_survive_a_journey_as_arrays(stars):
    ours = answers_of_posterior(_posterior(stars.period, np.full(6, 0.95)), 1.5)
    for whole in (Answers.of_arrays(ours.to_arrays()), Answers.concatenate([ours])):
        assert (whole.classes, whole.seconds) == (ours.classes, 1.5)
        for name in ("frequency", "probability", "candidates", "false_alarm", "class_probability"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(ours, name))


def test_a_set_is_read_once_for_each_prior_and_searched_once(stars):
    believed, searched = [], []

    def ours(light_curves, question) -> Answers:
        believed.append({name for name, weight in question.priors.classes.items() if weight > 0.0})
        return answers_of_posterior(_posterior(stars.period, np.ones(6)))

    def theirs(light_curves, question) -> Answers:
        searched.append(question.period_range)
        return answers_of_posterior(_posterior(stars.period, np.ones(6)))

    targets = replace(stars, template_classes=("RRLYR",))
    alone, alike = read(targets, ours, theirs, [("RRLYR",), ()])
    assert (alone.prior_words, alone.held) == ("RRLYR", True)
    assert (alike.prior_words, alike.held) == ("all classes", False)
    assert believed == [{"RRLYR"}, set(STAR_CLASSES)]
    assert searched == [(0.2, 1.2)]
