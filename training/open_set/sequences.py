"""Folded light curves with their stars' physics: what the paper's networks are trained on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.arrays import StructOfArrays
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.reference_stars import group_index, physics_matrix
from pelsvae_cadence.training.open_set.curves import fold_open_set
from pelsvae_cadence.training.open_set.table import OpenSet
from pelsvae_cadence.training.preprocess.augmentation import TARGETS, AugmentationOptions
from pelsvae_cadence.training.preprocess.folded_light_curves import FoldedLightCurves

__all__ = ["SequenceRows", "sequence_rows"]


@dataclass(frozen=True, kw_only=True)
class SequenceRows(StructOfArrays):
    """Folded light curves, several of which may be of one star.

    Parameters
    ----------
    phase, mag, error : ndarray of float32, shape (N, t_len)
        Phases, ascending, magnitudes and errors.
    physics : ndarray of float64, shape (N, 4)
        log10 P, log10 Teff, M_G, log10 A.
    star_class, group : ndarray of int64, shape (N,)
        Index of the class and of class and subtype.
    split : ndarray of str, shape (N,)
        ``"train"``, ``"validation"`` or ``"test"``; a star is in one of them.
    """

    phase: npt.NDArray[np.float32]
    mag: npt.NDArray[np.float32]
    error: npt.NDArray[np.float32]
    physics: npt.NDArray[np.float64]
    star_class: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    split: npt.NDArray[np.str_]

    @property
    def t_len(self) -> int:
        """Points of a light curve."""
        return int(self.phase.shape[1])

    @property
    def hash(self) -> str:
        """SHA-256 of all arrays."""
        digest = hashlib.sha256()
        for values in (self.phase, self.mag, self.error, self.physics, self.group):
            digest.update(np.ascontiguousarray(values).tobytes())
        digest.update("|".join(self.split.tolist()).encode())
        return digest.hexdigest()

    def part(self, split: str) -> SequenceRows:
        """Select one part of the split.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            The part.

        Returns
        -------
        SequenceRows
            Its rows.

        Raises
        ------
        InputError
            If the part is empty.
        """
        mine = self.split == split
        if not mine.any():
            raise InputError(f"the light curves have no {split!r} rows")
        return self.take(mine)


def sequence_rows(
    table: OpenSet,
    *,
    t_len: int = 300,
    scale: float = 1.0,
    seed: int = 0,
    random_phase: bool = False,
    curves: FoldedLightCurves | None = None,
    split: npt.ArrayLike | None = None,
) -> SequenceRows:
    """Observe the open set for the paper's networks, or join light curves of its stars to it.

    Parameters
    ----------
    table : OpenSet
        Stars with physics.
    t_len : int
        Points per light curve; the paper's are 300.
    scale : float
        Rows per class in units of the paper's (5,000 or 10,000 with copies). Every training star
        has a row of its own in any case.
    seed : int
        Seed of phases and noise.
    random_phase : bool
        Phase zero as in the paper (arbitrary), rather than that of the table.
    curves : FoldedLightCurves, optional
        Light curves to take instead (of the commands ``augment`` or ``fold-open-set``); those of
        stars that are not in the table, which have no physics, are refused.
    split : array_like of str, optional
        Split of each of them; by default that of the table.

    Returns
    -------
    SequenceRows
        The rows.

    Raises
    ------
    InputError
        If `scale` is out of range or a light curve is of no star of the table.
    """
    if curves is None:
        if not 0.0 < scale <= 10.0:
            raise InputError(f"scale = {scale}", allowed="above 0, 10 at most")
        targets = {name: round(scale * n) for name, n in TARGETS.items()}
        options = AugmentationOptions(t_len=t_len, targets=targets)
        curves, split = fold_open_set(table, options, seed=seed, random_phase=random_phase)
    place = {name: i for i, name in enumerate(table.star.tolist())}
    unknown = sorted(set(curves.star.tolist()) - set(place))
    if unknown:
        raise InputError(
            f"{len(unknown)} of the stars have no physical parameters in the table, first {unknown[0]!r}",
            remedy="Give light curves of stars of the table.",
        )
    row = np.array([place[name] for name in curves.star.tolist()])
    lookup = {name: i for i, name in enumerate(STAR_CLASSES)}
    return SequenceRows(
        phase=curves.phase,
        mag=curves.mag,
        error=curves.mag_err,
        physics=physics_matrix(table)[row],
        star_class=np.array([lookup[name] for name in table.star_class[row].tolist()]),
        group=group_index(table.star_class[row], table.subtype[row]),
        split=np.asarray(table.split[row] if split is None else split).astype(np.str_),
    )
