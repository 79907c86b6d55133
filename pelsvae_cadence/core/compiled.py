"""The two inner loops of a simulation, compiled by Numba where it is installed.

They do the same additions and multiplications in the same order as the NumPy code they stand in
for, so their results are the same to the last bit; a test holds them to it. Numba takes half a
second to load, so it is asked for only when a process has had enough work to earn that back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["compiled_clenshaw", "compiled_philox"]

FloatArray = npt.NDArray[np.float64]
UIntArray = npt.NDArray[np.uint64]

# Elementary steps (a harmonic at a phase, a round of a counter) that NumPy does in about a second.
_WORTH_LOADING: Final = 200_000_000
_TILE: Final = 64  # phases whose recurrences stay in the first-level cache


class _Work:
    """How much this process has done so far, and the compiled functions once they are worth it."""

    def __init__(self) -> None:
        self.steps = 0
        self.functions: tuple[Callable[..., None], Callable[..., None]] | None = None
        self.failed = False

    def ready(self, steps: int) -> tuple[Callable[..., None], Callable[..., None]] | None:
        self.steps += steps
        if self.functions is None and not self.failed and self.steps > _WORTH_LOADING:
            try:
                self.functions = _compile()
            except ImportError:
                self.failed = True
        return self.functions


_work: Final = _Work()


def compiled_clenshaw(n_steps: int) -> Callable[..., None] | None:
    """Give the compiled recurrence for Fourier sums.

    Parameters
    ----------
    n_steps : int
        Harmonics times phases of the work at hand.

    Returns
    -------
    callable or None
        ``f(x, y, cos, sin, top, out)``; None where NumPy is to do it.
    """
    functions = _work.ready(n_steps)
    return None if functions is None else functions[0]


def compiled_philox(n_steps: int) -> Callable[..., None] | None:
    """Give the compiled counter-based generator.

    Parameters
    ----------
    n_steps : int
        Rounds times counters of the work at hand.

    Returns
    -------
    callable or None
        ``f(item, star, key0, key1, first, second)``; None where NumPy is to do it.
    """
    functions = _work.ready(n_steps)
    return None if functions is None else functions[1]


def _clenshaw(
    x: FloatArray, y: FloatArray, cos: FloatArray, sin: FloatArray, top: int, out: FloatArray
) -> None:
    n, m = x.shape
    twice, u, u_next = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    v, v_next = np.empty(_TILE), np.empty(_TILE)
    for i in range(n):
        for start in range(0, m, _TILE):
            width = min(_TILE, m - start)
            for t in range(width):
                twice[t] = 2.0 * x[i, start + t]
                u[t] = u_next[t] = v[t] = v_next[t] = 0.0
            for k in range(top, -1, -1):
                a, b = cos[i, k], sin[i, k]
                for t in range(width):
                    new_u = (twice[t] * u[t] - u_next[t]) + a
                    u_next[t] = u[t]
                    u[t] = new_u
                    new_v = (twice[t] * v[t] - v_next[t]) + b
                    v_next[t] = v[t]
                    v[t] = new_v
            for t in range(width):
                out[i, start + t] = (u[t] * x[i, start + t] - u_next[t]) + v[t] * y[i, start + t]


def _philox(
    item: UIntArray, star: UIntArray, key0: np.uint64, key1: np.uint64, first: UIntArray, second: UIntArray
) -> None:
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    m0, m1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
    w0, w1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
    for i in range(item.size):
        c0, c1 = item[i] & low, item[i] >> half
        c2, c3 = star[i] & low, star[i] >> half
        k0, k1 = key0, key1
        for _ in range(10):
            p0, p1 = m0 * c0, m1 * c2
            c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & low, (p0 >> half) ^ c3 ^ k1, p0 & low
            k0, k1 = (k0 + w0) & low, (k1 + w1) & low
        first[i] = c0 | (c1 << half)
        second[i] = c2 | (c3 << half)


def _compile() -> tuple[Callable[..., None], Callable[..., None]]:
    from importlib import import_module

    numba: Any = import_module("numba")
    compiled = []
    for function in (_clenshaw, _philox):
        try:
            # Not fastmath: it would change the order of the additions.
            compiled.append(numba.njit(cache=True, nogil=True)(function))
        except RuntimeError:  # no folder to keep the compiled code in
            compiled.append(numba.njit(nogil=True)(function))
    return compiled[0], compiled[1]
