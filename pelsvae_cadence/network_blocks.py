"""Running networks on blocks of one size: torch rounds differently for other batch sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "in_blocks"]

#: Stars in a block.
BLOCK: Final = 128


def in_blocks(
    function: Callable[..., Any], *inputs: Any, block: int = BLOCK
) -> npt.NDArray[np.float64]:
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

    from pelsvae_cadence.model import single_thread

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
                    torch.cat([v, e.expand(missing, *v.shape[1:])])
                    for v, e in zip(parts, ends, strict=True)
                ]
            results.append(function(*parts))
        return np.asarray(torch.cat(results)[:n].double().numpy())
