"""Thinning of deep-field visits: bounded cost with every night kept."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError

__all__ = ["thin_visits"]


def thin_visits(visits: Visits, max_visits: int) -> Visits:
    """Keep at most a given number of visits, without losing nights.

    Of each night and band the same number of visits is kept, as many as the limit allows, spread
    evenly over the night. Where one a night and band is still too many, the visits are taken
    evenly in time. What is lost is depth, so recovery in deep fields is understated.
    """
    if max_visits < 1:
        raise InputError(f"max_visits = {max_visits!r}", allowed=">= 1")
    n = len(visits)
    if n <= max_visits:
        return visits
    bands, codes = np.unique(visits.band, return_inverse=True)
    _, group, size = np.unique(visits.night * bands.size + codes, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")  # visits are sorted by time within a group
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n) - np.repeat(np.cumsum(size) - size, size)
    kept = 0
    for per_group in range(1, int(size.max()) + 1):
        if int(np.minimum(size, per_group).sum()) > max_visits:
            break
        kept = per_group
    if kept == 0:
        return visits.take(np.linspace(0, n - 1, max_visits).round().astype(np.int64))
    members = size[group]
    share = np.minimum(members, kept)
    # Rank r of m is one of the k kept where floor(r k / m) steps: evenly spread, first included.
    step = rank * share // members
    before = (rank - 1) * share // members
    return visits.take(np.flatnonzero((rank == 0) | (step > before)))
