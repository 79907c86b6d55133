"""Work that is cut into partitions: in this process or on a Dask cluster, resumable, in order.

A task is a pure function of its partition, so results do not depend on who computes them, when, or
how many others do. Each finished partition is kept in a file of its own; a run that was stopped, or
killed, begins where it ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.parallel.checkpoints import KEY_PATTERN, Checkpoints

__all__ = ["Arrays", "Partition", "PartitionError", "Task", "local_workers", "run_partitions"]

Arrays = dict[str, npt.NDArray[Any]]

# Partitions that a worker has at hand beside the one it works on: enough that it never waits for
# the consumer, few enough that results without checkpoints do not fill the memory.
_QUEUED: Final = 3
# Seconds of waiting at a stretch, so that Ctrl-C is heard.
_SLICE: Final = 0.5


@dataclass(frozen=True)
class Partition:
    """One piece of the work.

    Parameters
    ----------
    key : str
        Name of the piece, unique in a run; it names the checkpoint. Letters, digits, ``.``, ``_``,
        ``-`` and ``+``, at most 120 of them.
    index : int
        Place of the piece in the order of the results.
    """

    key: str
    index: int


#: From a partition, and its inputs if there are any, to arrays.
Task = Callable[..., Mapping[str, npt.NDArray[Any]]]
Inputs = Callable[[Partition], Any]


class PartitionError(RuntimeError):
    """A task has failed; the message names the partition, and the cause is the task's own error."""


def run_partitions(
    task: Task,
    partitions: Sequence[Partition],
    *,
    inputs: Inputs | None = None,
    checkpoint_dir: str | Path | None = None,
    fingerprint: str = "",
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[Partition, Arrays]]:
    """Compute partitions and hand out their results in order.

    With one worker everything happens in this process and Dask is not needed. With more, a local
    Dask cluster of single-threaded processes is started and stopped again; with `scheduler`, the
    workers of that cluster are used, and neither started nor stopped. Scripts that start local
    workers need ``if __name__ == "__main__":`` around what they run, as for every program that
    starts Python processes.

    Parameters
    ----------
    task : callable
        A pure function from a `Partition` to a mapping of arrays (no objects). For workers it must
        be something that cloudpickle can send; it is sent once, not once a partition.
    partitions : sequence of Partition
        The pieces, with unique keys.
    inputs : callable, optional
        What a partition works on, where that is too much to send all of it to every worker: called in
        this process shortly before the partition is computed, and handed to the task as its second
        argument. Each input travels once, to the worker that computes the partition.
    checkpoint_dir : str or Path, optional
        Folder for one file a finished partition; made if needed. A later run with the same folder
        computes only what is missing. On a cluster, workers that see the folder write into it
        themselves; the results of others are sent here.
    fingerprint : str
        What identifies the inputs and options of the run, for instance a hash. Checkpoints of
        another fingerprint are an error rather than a wrong result.
    workers : int
        Number of worker processes, 1 or more.
    scheduler : str, optional
        Address of a Dask scheduler, e.g. ``"tcp://10.0.0.1:8786"``.
    progress : callable, optional
        Called with (finished partitions, all partitions), first with those found in checkpoints.

    Yields
    ------
    Partition
        The partition, in the order given.
    dict of str to ndarray
        What the task has returned for it.

    Raises
    ------
    InputError
        If keys are repeated or unusable, checkpoints belong to another run or cannot be written,
        Dask is missing, the scheduler does not answer, or the task refuses its input.
    PartitionError
        If the task fails in another way, or workers die on the same partition several times.

    Notes
    -----
    Ctrl-C, an error, or closing the iterator cancels what is not finished; finished partitions
    stay. A worker that dies costs the partition it was working on: another one computes it again.
    """
    pieces = _checked(partitions, workers)
    store = None
    if checkpoint_dir is not None:
        store = Checkpoints(Path(checkpoint_dir), fingerprint)
    try:
        found = store.finished([p.key for p in pieces]) if store is not None else set()
        counter = _Counter(len(found), len(pieces), progress)
        counter.say()
        missing = [p for p in pieces if p.key not in found]
        if workers == 1 and scheduler is None:
            yield from _in_process(task, inputs, pieces, found, store, counter)
        elif not missing:  # no need to start anything
            yield from ((p, _load(task, inputs, p, store)) for p in pieces)
        else:
            yield from _on_cluster(task, inputs, pieces, found, store, counter, workers, scheduler)
    finally:
        if store is not None:
            store.release()


@contextmanager
def local_workers(workers: int) -> Iterator[str | None]:
    """Start workers on this machine that several runs share, and stop them at the end.

    Parameters
    ----------
    workers : int
        Number of worker processes, 1 or more.

    Yields
    ------
    str or None
        The address that `run_partitions` takes as its scheduler; None for one worker, which is this process.

    Raises
    ------
    InputError
        If the number is out of range, or Dask is missing.
    """
    _checked((), workers)
    if workers == 1:
        yield None
        return
    with _cluster().open_client(workers, None) as (client, _):
        yield str(client.scheduler.address)


def _checked(partitions: Sequence[Partition], workers: int) -> list[Partition]:
    if isinstance(workers, bool) or workers != int(workers) or workers < 1:
        raise InputError(f"workers = {workers!r}", allowed="1 or more")
    pieces = list(partitions)
    seen: set[str] = set()
    for piece in pieces:
        if not KEY_PATTERN.fullmatch(piece.key):
            raise InputError(
                f"partition key {piece.key!r} cannot name a file",
                allowed="1 to 120 letters, digits and . _ - +, the first not a dot",
            )
        if piece.key in seen:
            raise InputError(f"partition key {piece.key!r} is repeated")
        seen.add(piece.key)
    return pieces


class _Counter:
    """How many partitions are finished, told to whoever wants to know."""

    def __init__(self, done: int, total: int, tell: Callable[[int, int], None] | None) -> None:
        self.done, self.total, self._tell = done, total, tell

    def say(self) -> None:
        if self._tell is not None:
            self._tell(self.done, self.total)

    def step(self) -> None:
        self.done += 1
        self.say()


@contextmanager
def _naming(piece: Partition) -> Iterator[None]:
    """Let whatever is raised name the partition."""
    try:
        yield
    except InputError as error:
        raise InputError(
            f"partition {piece.key}: {error.problem}", allowed=error.allowed, remedy=error.remedy
        ) from error
    except Exception as error:
        raise PartitionError(f"partition {piece.key} failed: {type(error).__name__}: {error}") from error


def _given(inputs: Inputs | None, piece: Partition) -> tuple[Any, ...]:
    """Give what the task gets beside the partition."""
    if inputs is None:
        return ()
    with _naming(piece):
        return (inputs(piece),)


def _compute(task: Task, piece: Partition, *given: Any) -> Arrays:
    """Run the task."""
    with _naming(piece):
        arrays = {str(name): np.asarray(value) for name, value in task(piece, *given).items()}
        for name, value in arrays.items():
            if value.dtype.hasobject:
                raise TypeError(f"array {name!r} holds Python objects")
        return arrays


def _load(task: Task, inputs: Inputs | None, piece: Partition, store: Checkpoints | None) -> Arrays:
    """Read a finished partition, or compute it again where its file is damaged."""
    if store is not None:
        with suppress(InputError):
            return store.load(piece.key)
    arrays = _compute(task, piece, *_given(inputs, piece))
    if store is not None:
        store.save(piece.key, arrays)
    return arrays


def _in_process(
    task: Task,
    inputs: Inputs | None,
    pieces: list[Partition],
    found: set[str],
    store: Checkpoints | None,
    counter: _Counter,
) -> Iterator[tuple[Partition, Arrays]]:
    for piece in pieces:
        if piece.key in found:
            yield piece, _load(task, inputs, piece, store)
            continue
        arrays = _compute(task, piece, *_given(inputs, piece))
        if store is not None:
            store.save(piece.key, arrays)
        counter.step()
        yield piece, arrays


# ---------------------------------------------------------------- on a cluster


def _cluster() -> ModuleType:
    try:
        from pelsvae_cadence.parallel import cluster
    except ImportError as error:
        raise InputError(
            f"several workers need Dask ({error.name} is not installed)",
            remedy="pip install 'pelsvae-cadence[scale]', or use one worker.",
        ) from error
    return cluster


def _on_worker(task: Task, piece: Partition, store: Checkpoints | None, *given: Any) -> Arrays | None:
    """Compute on a worker; return None where the checkpoint could be written from there."""
    if store is None or not store.visible():
        return _compute(task, piece, *given)
    # Dask repeats what a dead worker had finished, if its answer had not been fetched.
    if not store.finished([piece.key]):
        store.save(piece.key, _compute(task, piece, *given))
    return None


def _on_cluster(
    task: Task,
    inputs: Inputs | None,
    pieces: list[Partition],
    found: set[str],
    store: Checkpoints | None,
    counter: _Counter,
    workers: int,
    scheduler: str | None,
) -> Iterator[tuple[Partition, Arrays]]:
    cluster = _cluster()
    with cluster.open_client(workers, scheduler) as (client, threads):
        # A result of the cluster's own, which it can make again where the worker that holds it dies.
        payload = client.submit(lambda: task, pure=False)
        waiting = deque(p for p in pieces if p.key not in found)
        running: dict[Any, Partition] = {}
        ready: dict[str, Arrays | None] = dict.fromkeys(found)
        room = (1 + _QUEUED) * threads
        try:
            for piece in pieces:
                while piece.key not in ready:
                    # Without checkpoints, results that wait for their turn take memory here.
                    held = 0 if store is not None else len(ready)
                    while waiting and (len(running) + held < room or not running):
                        following = waiting.popleft()
                        given = _given(inputs, following)
                        with cluster.interrupt_afterwards():
                            future = client.submit(
                                _on_worker,
                                payload,
                                following,
                                store,
                                *given,
                                pure=False,
                                priority=-following.index,
                            )
                        running[future] = following
                    for future in cluster.first_finished(client, running, _SLICE):
                        finished = running.pop(future)
                        arrays = _result(future, finished)
                        if arrays is not None and store is not None:
                            store.save(finished.key, arrays)
                            arrays = None
                        ready[finished.key] = arrays
                        counter.step()
                    if client.status != "running":
                        raise InputError(
                            "the Dask scheduler is gone",
                            remedy="Start it again and repeat the command: partitions with a "
                            "checkpoint are kept.",
                        )
                arrays = ready.pop(piece.key)
                yield piece, _load(task, inputs, piece, store) if arrays is None else arrays
        finally:
            # The scheduler forgets what nobody waits for; cancelling would wait for its answer.
            for future in (payload, *running):
                future.release()


def _result(future: Any, piece: Partition) -> Arrays | None:
    error = future.exception()
    if error is None:
        arrays: Arrays | None = future.result()
        return arrays
    if isinstance(error, InputError | PartitionError):
        raise error
    raise PartitionError(f"partition {piece.key} failed: {type(error).__name__}: {error}") from error
