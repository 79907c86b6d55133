"""Forward passes in NumPy: matrix products whose rows do not feel each other, and the physics as inputs.

Matrix products round in an order that depends on the number of rows. Here every product has the same
number of rows, so that a star's result is the same, to the last bit, in any company, in any place and
on any number of threads: a product of so few rows is never split among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["N_WAVES", "in_chunks", "network_inputs", "of_kinds", "product", "silu", "single_precision"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Periodic features of the standardised log P: shapes change fast near resonances (the Hertzsprung
#: progression), which a network of plain log P learns slowly.
N_WAVES: Final = 3
# Rows of one product. OpenBLAS leaves products of up to 2^18 multiplications to one thread.
_ROWS: Final = 16
# Rows worked on at once: their arrays then stay in a second-level cache.
_CHUNK: Final = 256


def _filled(n: int) -> IntArray:
    """Give the numbers of n rows, the last one repeated up to a whole number of products."""
    return np.minimum(np.arange(-(-n // _ROWS) * _ROWS), max(n - 1, 0))


def in_chunks(function: Callable[..., FloatArray], *inputs: npt.NDArray[Any]) -> FloatArray:
    """Apply a function to rows, some hundred at a time, filled up to a whole number of products.

    Parameters
    ----------
    function : callable
        From arrays of rows to one array with as many rows.
    *inputs : ndarray
        Its inputs, with N rows each.

    Returns
    -------
    ndarray of float64, shape (N, ...)
        The results.
    """
    n = len(inputs[0])
    results = []
    for start in range(0, max(n, 1), _CHUNK):
        part = [values[start : start + _CHUNK] for values in inputs]
        rows = _filled(len(part[0]))
        results.append(function(*(values[rows] for values in part))[: len(part[0])])
    return np.concatenate(results)


def of_kinds(kind: IntArray) -> Iterator[tuple[int, IntArray, IntArray]]:
    """Take the rows of each kind apart.

    Parameters
    ----------
    kind : ndarray of int64, shape (N,)
        Kind of each row.

    Yields
    ------
    kind : int
        The kind.
    rows : ndarray of int64
        Its rows.
    filled : ndarray of int64
        The same, the last one repeated up to a whole number of products.
    """
    for k in np.unique(kind).tolist():
        rows = np.flatnonzero(kind == k)
        yield k, rows, rows[_filled(rows.size)]


def product(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """Multiply rows by a matrix.

    Parameters
    ----------
    rows : ndarray of float64, shape (N, n_in)
        The rows; N is a whole number of products: see `in_chunks` and `of_kinds`.
    matrix : ndarray of float64, shape (n_in, n_out)
        The matrix.

    Returns
    -------
    ndarray of float64, shape (N, n_out)
        The products.
    """
    n, n_in = rows.shape
    result: FloatArray = np.matmul(rows.reshape(n // _ROWS, _ROWS, n_in), matrix)
    return result.reshape(n, matrix.shape[1])


def silu(x: FloatArray) -> FloatArray:
    """Apply the activation x / (1 + exp(-x)), in place."""
    with np.errstate(over="ignore"):  # far below zero it is zero
        x /= 1.0 + np.exp(-x)
    return x


def single_precision(values: FloatArray) -> FloatArray:
    """Round to single precision: processors differ in the last bits of double precision only."""
    return values.astype(np.float32).astype(np.float64)


def network_inputs(
    physics: FloatArray, kind: IntArray, centre: FloatArray, scale: FloatArray, columns: Sequence[int]
) -> FloatArray:
    """Make the inputs of a network: what `pelsvae_cadence.model.layers.PhysicsScaling` does.

    Parameters
    ----------
    physics : ndarray of float64, shape (N, n_columns)
        Physics.
    kind : ndarray of int64, shape (N,)
        Kinds.
    centre, scale : ndarray of float64, shape (n_kinds, n_columns)
        Mean and standard deviation of the physics of each kind.
    columns : sequence of int
        Columns of the physics that are used.

    Returns
    -------
    ndarray of float64, shape (N, n_kinds + len(columns) + 2 N_WAVES)
        Kind (one-hot), standardised physics, cosines and sines of the first of them.
    """
    used = list(columns)
    x = (physics[:, used] - centre[kind][:, used]) / scale[kind][:, used]
    waves = x[:, :1] * (0.5 * np.pi * np.arange(1, N_WAVES + 1))
    return np.concatenate([np.eye(len(centre))[kind], x, np.cos(waves), np.sin(waves)], axis=1)
