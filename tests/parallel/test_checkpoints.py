"""Fingerprints: what changes them, and what must not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.cadence.changes.transforms import without_bands
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.parallel.checkpoints import fingerprint


@dataclass(frozen=True)
class Settings:
    names: frozenset[str]
    grid: Any
    change: Callable[[float], float] | None = None
    path: str = field(default="", compare=False)

    @cached_property
    def total(self) -> float:
        return float(np.sum(self.grid))


class Plain:
    def __init__(self, depth: float) -> None:
        self.depth = depth
        self._cache: list[float] = []

    @cached_property
    def twice(self) -> float:
        return 2.0 * self.depth


def limit(top: float) -> Callable[[float], float]:
    return lambda x: min(x, top)


def test_layout_caches_and_places_change_nothing() -> None:
    names, grid = frozenset({"a", "b", "c"}), np.arange(12.0).reshape(3, 4)
    settings = Settings(names, grid)
    before = fingerprint(settings)
    assert settings.total == 66.0
    assert before == fingerprint(settings)
    assert before == fingerprint(Settings(names, np.asfortranarray(grid), path="elsewhere"))
    assert fingerprint(np.arange(6)[::2]) == fingerprint(np.array([0, 2, 4]))
    assert fingerprint(np.array(["g", "long"])[:1]) == fingerprint(np.array(["g"]))
    assert fingerprint({"a": 1, "b": (2, 3)}) == fingerprint({"b": [2, np.int64(3)], "a": 1})
    plain = Plain(2.5)
    before = fingerprint(plain)
    plain._cache.append(plain.twice)
    assert fingerprint(plain) == before


@pytest.mark.parametrize(
    "other",
    [
        Settings(frozenset("ab"), np.arange(3)),
        Settings(frozenset("abc"), np.arange(3.0)),
        Settings(frozenset("abc"), np.arange(3).reshape(1, 3)),
        Settings(frozenset("abc"), [0, 1, 2]),
        Settings(frozenset("abc"), np.arange(3), limit(1.0)),
        Plain(1.0),
        None,
    ],
)
def test_other_content_has_another_fingerprint(other: object) -> None:
    assert fingerprint(other) != fingerprint(Settings(frozenset("abc"), np.arange(3)))


def test_functions_and_tables_count_by_what_they_hold() -> None:
    assert fingerprint(limit(1.0)) == fingerprint(limit(1.0))
    assert fingerprint(limit(1.0)) != fingerprint(limit(2.0))
    assert fingerprint(lambda x: x < 5) != fingerprint(lambda x: x < 6)
    one, two = pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"x": [1.0, 3.0]})
    assert fingerprint(one) == fingerprint(one.copy())
    assert fingerprint(one) != fingerprint(two)


def test_a_cadence_keeps_its_fingerprint_when_it_is_used() -> None:
    survey = SyntheticSurvey(preset="lsst-v3", seed=1, years=0.2)
    changed = without_bands(survey, "uy")
    before = fingerprint(survey), fingerprint(changed)
    assert len(changed.at(10.0, -30.0))
    assert (fingerprint(survey), fingerprint(changed)) == before
    assert before[1] != fingerprint(without_bands(survey, "u"))


def test_every_process_finds_the_same() -> None:
    script = (
        "from pelsvae_cadence.parallel.checkpoints import fingerprint\n"
        "print(fingerprint({'b': frozenset('hello world'), 'a': [1.5, None, b'x']}, lambda x: x + 1))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
