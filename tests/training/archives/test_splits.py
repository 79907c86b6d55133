"""The split is by star, stratified, keyed by name, and cannot leak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.splits import SPLITS, require_whole_stars, split_by_star, star_numbers


def _stars(counts: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    names = [f"{cls}-{i:05d}" for cls, n in counts.items() for i in range(n)]
    return np.array(names), np.repeat(list(counts), list(counts.values()))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    copies=st.integers(1, 4),
    seed=st.integers(0, 2**40),
)
def test_no_star_crosses_and_strata_are_exact(counts, copies, seed):
    names, strata = _stars({f"C{i}": n for i, n in enumerate(counts)})
    rows = np.random.default_rng(seed).permutation(np.repeat(np.arange(names.size), copies))
    split = split_by_star(names[rows], strata[rows], seed=seed)
    require_whole_stars(names[rows], split)
    for i, n in enumerate(counts):
        own = strata[rows] == f"C{i}"
        stars = {part: np.unique(names[rows][own & (split == part)]).size for part in SPLITS}
        assert sum(stars.values()) == n
        for part, fraction in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
            assert abs(stars[part] - fraction * n) <= 1.0 + 1e-9


def test_more_rows_of_known_stars_change_nothing():
    names, strata = _stars({"CEP": 101, "ECL": 37})
    split = split_by_star(names, strata, seed=5)
    twice = split_by_star(np.tile(names, 3), np.tile(strata, 3), seed=5)
    assert (twice == np.tile(split, 3)).all()
    backwards = split_by_star(names[::-1], strata[::-1], seed=5)
    assert (backwards[::-1] == split).all()


def test_another_class_changes_nothing_and_new_stars_move_few():
    names, strata = _stars({"CEP": 2000})
    split = split_by_star(names, strata, seed=5)
    more, more_strata = _stars({"CEP": 2000, "ECL": 500})
    assert (split_by_star(more, more_strata, seed=5)[:2000] == split).all()
    grown, grown_strata = _stars({"CEP": 2200})
    moved = (split_by_star(grown, grown_strata, seed=5)[:2000] != split).mean()
    assert 0 < moved < 0.05  # a fresh random split would move 56 %


def test_seed_matters_and_is_reproducible():
    names, strata = _stars({"CEP": 300})
    one, two = (split_by_star(names, strata, seed=s) for s in (1, 2))
    assert (one == split_by_star(names, strata, seed=1)).all()
    assert 0.4 < (one != two).mean() < 0.7  # independent splits differ in 1 - .44 of the stars


@pytest.mark.parametrize(("n", "expected"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1))])
def test_tiny_strata(n, expected):
    names, strata = _stars({"ACEP": n})
    split = split_by_star(names, strata, seed=0)
    assert tuple(int((split == part).sum()) for part in SPLITS) == expected


def test_a_row_split_is_refused():
    names = np.repeat(["a", "b", "c"], 2)
    with pytest.raises(InputError, match=r"1 stars are in more than one set, the first is 'b'"):
        require_whole_stars(names, ["train", "train", "train", "test", "test", "test"])


def test_errors_name_the_fault():
    with pytest.raises(InputError, match="star 'a' is in two strata, 'ECL' and 'CEP'"):
        split_by_star(["a", "a"], ["CEP", "ECL"], seed=0)
    with pytest.raises(InputError, match="add up to 1"):
        split_by_star(["a"], ["CEP"], fractions=(0.6, 0.2, 0.3), seed=0)
    with pytest.raises(InputError, match=r"strata has shape \(1,\)"):
        split_by_star(["a", "b"], ["CEP"], seed=0)
    with pytest.raises(InputError, match="row 1 has an empty star name"):
        star_numbers(["a", ""])


def test_star_numbers_are_positive_and_distinct():
    names, _ = _stars({"CEP": 20000})
    numbers = star_numbers(names)
    assert numbers.dtype == np.int64
    assert (numbers >= 0).all()
    assert np.unique(numbers).size == names.size
