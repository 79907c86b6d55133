"""Modes: class and frequency of the best, shapes of no class, and their priors."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from pelsvae_cadence.inference.matching import GroupDesign
from pelsvae_cadence.inference.modes import UNSEEN, Mode, class_modes, free_modes
from pelsvae_cadence.inference.points import StarPoints
from pelsvae_cadence.inference.scan import Candidates
from tests.inference.stars_of_bank import curve, group, member_points

SUBTYPES = ("RRab", "RRc", "EW")
PRIORS = {"RRLYR": 0.5, "ECL": 0.5}
LIMITS = (0.5, 5.0)


@cache
def designs() -> tuple[GroupDesign, ...]:
    return tuple(GroupDesign.of(group(name)) for name in SUBTYPES)


def around(true: float, star: StarPoints) -> Candidates:
    """The true frequency, its half, double and aliases of a day."""
    frequency = np.sort(
        np.concatenate([true * np.array([0.5, 1.0, 2.0]), true + np.array([-1.0027, 1.0027])])
    )
    frequency = frequency[frequency > 0.1]
    frequency = np.sort((frequency[:, None] + np.array([-0.05, 0.0, 0.05]) / star.span).ravel())
    return Candidates(frequency=frequency, wanted=np.ones((len(SUBTYPES), frequency.size), dtype=bool))


def shares(modes: list[Mode]) -> np.ndarray:
    weight = np.array([mode.log_evidence for mode in modes])
    return np.exp(weight - np.logaddexp.reduce(weight))


@pytest.mark.parametrize(("subtype", "member"), [("RRab", 300), ("RRc", 150), ("EW", 100)])
def test_the_true_subtype_and_frequency_win(subtype, member):
    shapes = group(subtype)
    star = member_points(shapes, member, n=45)
    true = float(np.exp(-shapes.ln_period[member]))
    modes = class_modes(star, designs(), PRIORS, around(true, star), colours=True)
    best = max(modes, key=lambda mode: mode.log_evidence)
    assert best.group == SUBTYPES.index(subtype)
    assert abs(best.frequency - true) * star.span < 0.05
    assert abs(best.frequency - true) < 5.0 * best.frequency_error
    assert abs(shapes.ln_period[best.member] - shapes.ln_period[member]) < 2.5 * shapes.width
    right = np.array(
        [mode.group == best.group and abs(mode.frequency - true) * star.span < 0.1 for mode in modes]
    )
    assert shares(modes)[right].sum() > 0.9
    # Its curve is that of the star.
    phase = best.frequency * star.time + best.phase
    for b in range(3):
        mine = star.band == b
        rest = star.value[mine] - best.offset[b] - curve(best.curves[b], phase[mine])
        assert rest.std() < 0.25 * star.value[mine].std()


def test_priors_of_classes_are_factors():
    shapes = group("RRc")
    star = member_points(shapes, 150, n=12, noise=0.1, span=60.0)
    true = float(np.exp(-shapes.ln_period[150]))
    candidates = around(true, star)

    def total(priors: dict[str, float], wanted: set[int]) -> float:
        modes = class_modes(star, designs(), priors, candidates, colours=False)
        return float(np.logaddexp.reduce([m.log_evidence for m in modes if m.group in wanted]))

    # Half the prior is half the posterior, while the same modes are fitted.
    alike, fewer = ({"RRLYR": 0.5, "ECL": x} for x in (0.5, 0.25))
    assert total(alike, {0, 1}) == pytest.approx(total(fewer, {0, 1}), abs=0.1)
    assert total(alike, {2}) - total(fewer, {2}) == pytest.approx(np.log(2.0), abs=0.1)


def test_only_wanted_subtypes_are_fitted():
    star = member_points(group("RRab"), 300, n=30)
    true = float(np.exp(-group("RRab").ln_period[300]))
    candidates = around(true, star)
    wanted = candidates.wanted.copy()
    wanted[[0, 2]] = False
    modes = class_modes(star, designs(), PRIORS, replace(candidates, wanted=wanted), colours=True)
    assert {mode.group for mode in modes} == {1}
    none = Candidates(frequency=np.empty(0), wanted=np.empty((3, 0), dtype=bool))
    assert class_modes(star, designs(), PRIORS, none, colours=True) == []


def test_a_shape_of_no_class_is_read_by_free_harmonics():
    """A curve of three maxima a cycle, which no class has."""
    star = member_points(group("RRab"), 300, n=60, noise=0.02)
    phase = 1.37 * star.time
    value = 0.3 * np.cos(6.0 * np.pi * phase) + 0.15 * np.sin(2.0 * np.pi * phase)
    value += star.error * np.random.default_rng(2).standard_normal(60)
    star = replace(star, value=value, scatter=float(value.std()))
    true = around(1.37, star)
    frequency = 1.37 + np.array([-0.05, 0.05, 20.0]) / star.span
    free = free_modes(star, frequency, np.zeros(3), np.log(0.1), LIMITS, colours=False)
    assert [mode.group for mode in free] == [UNSEEN] * 3
    assert [mode.member for mode in free] == [-1] * 3
    assert (np.abs([mode.frequency - 1.37 for mode in free[:2]]) * star.span < 0.03).all()
    assert all(abs(mode.frequency - 1.37) < 5.0 * mode.frequency_error for mode in free[:2])
    assert free[2].log_evidence < free[0].log_evidence - 10.0
    known = class_modes(star, designs(), PRIORS, true, colours=False)
    assert max(m.log_evidence for m in free) > max(m.log_evidence for m in known) + 10.0


def test_free_modes_have_their_prior_or_none():
    star = member_points(group("RRab"), 300, n=30)
    frequency = np.array([1.5])

    def one(log_prior: float, limits: tuple[float, float] = LIMITS) -> float:
        return free_modes(star, frequency, np.zeros(3), log_prior, limits, colours=False)[0].log_evidence

    assert one(np.log(0.2)) - one(np.log(0.1)) == pytest.approx(np.log(2.0))
    # Flat in ln P: a range twice as long in ln P halves the density.
    assert one(0.0) - one(0.0, (0.05, 5.0)) == pytest.approx(np.log(2.0))
    assert free_modes(star, frequency, np.zeros(3), -np.inf, LIMITS, colours=False) == []
    assert free_modes(star, np.empty(0), np.zeros(3), 0.0, LIMITS, colours=False) == []


def test_narrow_eclipses_need_many_harmonics():
    """Dips of a twentieth of the cycle, more points than outliers: the free shape for them beats the one of a few harmonics."""
    star = member_points(group("RRab"), 300, n=400, noise=0.01, span=1000.0)
    phase = np.mod(0.731 * star.time, 1.0)
    distance = np.minimum(phase, 1.0 - phase)
    value = -0.5 * np.exp(-0.5 * (distance / 0.02) ** 2)
    value += star.error * np.random.default_rng(5).standard_normal(400)
    value -= value.mean()
    star = replace(star, value=value, scatter=float(value.std()))
    found = [
        free_modes(
            star, np.array([0.731]), np.zeros(3), np.log(0.05), LIMITS, colours=False, eclipses_of=group
        )[0]
        for group in (2, None)
    ]
    assert [mode.group for mode in found] == [2, UNSEEN]
    assert found[0].log_evidence > found[1].log_evidence + 20.0
    assert abs(found[0].frequency - 0.731) * star.span < 0.02
