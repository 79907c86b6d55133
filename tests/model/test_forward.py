"""Rows of matrix products that do not feel each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.model.forward import in_chunks, of_kinds, product, silu, single_precision


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    n=st.integers(1, 600),
    n_in=st.integers(1, 140),
    n_out=st.integers(1, 300),
    seed=st.integers(0, 9),
    data=st.data(),
)
def test_a_row_is_the_same_in_any_company(n: int, n_in: int, n_out: int, seed: int, data: st.DataObject):
    rng = np.random.default_rng(seed)
    rows, matrix = rng.normal(size=(n, n_in)), rng.normal(size=(n_in, n_out))

    def function(x: np.ndarray) -> np.ndarray:
        return silu(product(x, matrix))

    together = in_chunks(function, rows)
    chosen = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=40))
    np.testing.assert_array_equal(in_chunks(function, rows[chosen]), together[chosen])
    plain = rows @ matrix
    np.testing.assert_allclose(together, plain / (1.0 + np.exp(-plain)), atol=1e-10, rtol=1e-10)


def test_no_rows_give_no_rows() -> None:
    assert in_chunks(lambda x: product(x, np.ones((3, 5))), np.empty((0, 3))).shape == (0, 5)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(kind=st.lists(st.integers(0, 4), min_size=1, max_size=90))
def test_every_row_is_of_one_kind(kind: list[int]) -> None:
    given_kinds = np.array(kind)
    seen = []
    for k, rows, filled in of_kinds(given_kinds):
        assert (given_kinds[filled] == k).all()
        np.testing.assert_array_equal(filled[: rows.size], rows)
        product(np.ones((filled.size, 2)), np.ones((2, 2)))  # a whole number of products
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(kind)))


def test_far_activations_are_zero_without_a_warning() -> None:
    assert silu(np.array([-800.0, 0.0, 800.0])).tolist() == [0.0, 0.0, 800.0]


def test_single_precision_is_what_both_processors_agree_on() -> None:
    value = 0.1 + np.array([0.0, 1e-15])
    assert single_precision(value)[0] == single_precision(value)[1] == pytest.approx(0.1, rel=1e-7)
