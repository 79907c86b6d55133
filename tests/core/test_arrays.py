"""Structs of arrays: rows are taken and joined, and what has no rows stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from pelsvae_cadence.core.arrays import RaggedArrays, StructOfArrays, column
from pelsvae_cadence.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Inner(StructOfArrays):
    value: npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rows(StructOfArrays):
    name: str
    number: npt.NDArray[np.int64]
    inner: Inner
    extra: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class Points(RaggedArrays):
    star: npt.NDArray[np.str_]
    offsets: npt.NDArray[np.int64]
    time: npt.NDArray[np.float64]


def _rows(*numbers: int, name: str = "a", extra: bool = False) -> Rows:
    array = np.array(numbers, dtype=np.int64)
    return Rows(name=name, number=array, inner=Inner(value=array / 2), extra=array * 2.0 if extra else None)


def _points() -> Points:
    return Points(star=np.array(["a", "b", "c"]), offsets=np.array([0, 2, 2, 5]), time=np.arange(5.0))


@pytest.mark.parametrize(
    ("index", "expected"),
    [([2, 0], [7, 5]), ([False, True, False], [6]), (1, [6]), ([], []), (np.array([-1]), [7])],
)
def test_rows_are_taken_from_every_array_and_struct(index: npt.ArrayLike, expected: list[int]) -> None:
    taken = _rows(5, 6, 7, extra=True).take(index)
    assert len(taken) == len(expected)
    assert taken.name == "a"
    assert taken.extra is not None
    np.testing.assert_array_equal(taken.number, expected)
    np.testing.assert_array_equal(taken.inner.value, np.array(expected) / 2)
    np.testing.assert_array_equal(taken.extra, np.array(expected) * 2.0)


def test_rows_are_joined_in_order() -> None:
    joined = Rows.concatenate([_rows(5, 6), _rows(), _rows(7)])
    np.testing.assert_array_equal(joined.number, [5, 6, 7])
    np.testing.assert_array_equal(joined.inner.value, [2.5, 3.0, 3.5])
    assert joined.name == "a"


def test_an_optional_array_is_joined_only_if_every_part_has_it() -> None:
    assert Rows.concatenate([_rows(5, extra=True), _rows(6)]).extra is None
    both = Rows.concatenate([_rows(5, extra=True), _rows(6, extra=True)]).extra
    np.testing.assert_array_equal(both, [10.0, 12.0])  # type: ignore[arg-type]


def test_parts_that_do_not_fit_are_not_joined() -> None:
    with pytest.raises(InputError, match="no Rows to join"):
        Rows.concatenate([])
    with pytest.raises(InputError, match="no Points to join"):
        Points.concatenate([])
    with pytest.raises(InputError, match="different name"):
        Rows.concatenate([_rows(1), _rows(2, name="b")])
    with pytest.raises(InputError, match="different value"):
        Inner.concatenate([Inner(value=np.zeros((2, 3))), Inner(value=np.zeros((2, 4)))])


@pytest.mark.parametrize("index", [[2, 0], [True, False, True], [1], [], 0, [0, 0]])
def test_points_follow_their_stars(index: npt.ArrayLike) -> None:
    points = _points()
    taken = points.take(index)
    rows = np.arange(3)[np.atleast_1d(np.asarray(index, dtype=bool if index == [True, False, True] else int))]
    assert taken.star.tolist() == points.star[rows].tolist()
    for i, row in enumerate(rows.tolist()):
        np.testing.assert_array_equal(taken.time[taken.rows(i)], points.time[points.rows(row)])
    assert taken.offsets[-1] == taken.time.size


def test_joined_points_are_those_of_the_parts() -> None:
    whole = _points()
    joined = Points.concatenate([whole.take([0]), whole.take([]), whole.take([1, 2])])
    assert joined.star.tolist() == ["a", "b", "c"]
    assert joined.offsets.tolist() == whole.offsets.tolist()
    assert joined.time.tolist() == whole.time.tolist()


def test_a_column_has_the_right_shape_and_finite_values() -> None:
    assert not column("x", 1.0, 3).flags.writeable
    with pytest.raises(InputError, match=r"x has shape \(2,\), expected \(3,\)"):
        column("x", [1.0, 2.0], 3)
    with pytest.raises(InputError, match="not finite in 1 of 3 rows, first in row 1"):
        column("x", [1.0, np.nan, 2.0], 3)
