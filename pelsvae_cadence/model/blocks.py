"""Running networks on blocks of one size: torch rounds differently for other batch sizes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "in_blocks", "single_thread"]

#: Stars in a block.
BLOCK: Final = 128


def in_blocks(function: Callable[..., Any], *inputs: Any, block: int = BLOCK) -> npt.NDArray[np.float64]:
    """Run a network on whole blocks of rows, the last one padded with copies of its last row.

    Parameters
    ----------
    function : callable
        The network: from tensors of `block` rows each to one such tensor.
    *inputs : torch.Tensor
        Its inputs, with N rows each.
    block : int
        Rows of a block.

    Returns
    -------
    ndarray of float64, shape (N, ...)
        The results. A row does not depend on the other rows, to the last bit.
    """
    import torch

    n = len(inputs[0])
    results = []
    with single_thread():
        for start in range(0, max(n, 1), block):
            parts = [v[start : start + block] for v in inputs]
            missing = block - len(parts[0])
            if missing:
                # Zeros pad an empty request, so that its result still has the right width.
                ends = [v[-1:] if len(v) else v.new_zeros(1, *v.shape[1:]) for v in parts]
                parts = [
                    torch.cat([v, e.expand(missing, *v.shape[1:])]) for v, e in zip(parts, ends, strict=True)
                ]
            results.append(function(*parts))
        return np.asarray(torch.cat(results)[:n].double().numpy())


@contextlib.contextmanager
def single_thread() -> Iterator[None]:
    """Run a block on one torch thread without gradients, and leave the user's setting as it was.

    Networks of this size gain nothing from threads, and the split of a matrix product among
    threads could change its rounding.

    Yields
    ------
    None
        Nothing.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)
