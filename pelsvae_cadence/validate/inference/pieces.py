"""Readings in pieces: a few stars at a time, shared among processes, kept on disk, with progress.

A piece is the same whoever reads it, so answers do not depend on the number of workers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.blocks import single_thread
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.parallel.partitions import Arrays, Partition, run_partitions
from pelsvae_cadence.validate.inference.answers import Answers, Method, Question

__all__ = ["PIECE", "PIECE_OF_SEARCH", "Pieces"]

#: Stars of a piece; stars with the same visits share the work of a search.
PIECE: Final = 4
PIECE_OF_SEARCH: Final = 120
# Rooms that no answer depends on: they judge, draw or print.
_WITHOUT_SAY: Final = ("catalog", "cli", "plotting", "validate")
_KEY_LENGTH: Final = 16


@lru_cache(maxsize=1)
def _code() -> str:
    """Hash what answers depend on: the code and the shipped files below the rooms that judge."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_file() and "__pycache__" not in name.parts and name.parts[0] not in _WITHOUT_SAY:
            digest.update(name.as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """The task: let a method answer for the stars of one piece."""

    method: Method
    light_curves: LightCurves
    question: Question
    size: int

    def __call__(self, piece: Partition) -> Arrays:
        start = piece.index * self.size
        rows = np.arange(start, min(start + self.size, len(self.light_curves)))
        # More threads may sum in another order: a number must not depend on who computes it.
        with single_thread(), threadpool_limits(1):
            return self.method(self.light_curves.take(rows), self.question).to_arrays()


class Pieces:
    """A method whose stars are read in pieces; itself a method.

    Parameters
    ----------
    method : callable
        The method: a row of its answers depends on its own star and on the question alone.
    size : int
        Stars of a piece.
    scheduler : str, optional
        Address of a Dask scheduler; this process without it.
    keep : Path, optional
        Folder for answers: the same question about the same stars is not asked the same code twice.
    seed : int
        Seed of the method, which tells answers in the folder apart.
    progress : callable, optional
        Called with (stars read, stars in all) of the present call.
    """

    def __init__(
        self,
        method: Method,
        *,
        size: int = PIECE,
        scheduler: str | None = None,
        keep: Path | None = None,
        seed: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._method, self._size, self._scheduler = method, size, scheduler
        self._keep, self._seed, self._progress = keep, seed, progress
        #: Stars that were read so far, and the processor time that they took.
        self.n_read, self.seconds = 0, 0.0

    def __call__(self, light_curves: LightCurves, question: Question) -> Answers:
        """Answer for all stars, piece by piece."""
        n = len(light_curves)
        # The frequencies of a search must not depend on the piece.
        asked = replace(question, baseline=question.baseline or time_span(light_curves.mjd))
        task = _Piece(method=self._method, light_curves=light_curves, question=asked, size=self._size)
        pieces = [
            Partition(key=f"stars-{start:07d}", index=k) for k, start in enumerate(range(0, n, self._size))
        ]
        identity, folder = "", None
        if self._keep is not None:
            identity = fingerprint(_code(), light_curves, asked, self._size, self._seed, self._method)
            folder = self._keep / identity[:_KEY_LENGTH]
        done = run_partitions(
            task,
            pieces,
            checkpoint_dir=folder,
            fingerprint=identity,
            scheduler=self._scheduler,
            progress=self._tell(n),
        )
        answers = Answers.concatenate([Answers.of_arrays(arrays) for _, arrays in done])
        self.n_read += n
        self.seconds += answers.seconds
        return answers

    def _tell(self, n: int) -> Callable[[int, int], None] | None:
        if self._progress is None:
            return None
        say, size = self._progress, self._size
        return lambda done, _: say(min(done * size, n), n)
