"""A Dask cluster for partitions: started on this machine, or found at an address."""

from __future__ import annotations

import logging
import signal
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, Final

import dask
import distributed

from pelsvae_cadence.core.errors import InputError

__all__ = ["first_finished", "interrupt_afterwards", "open_client"]

_dask: Any = distributed  # it declares types and leaves most of its functions without

_TIMEOUT: Final = 30.0  # seconds to wait for a scheduler and its first worker
#: Packages whose version may change a number: they must be the same everywhere.
_SAME: Final = ("pelsvae-cadence", "numpy", "scipy", "torch")

_CONFIG: Final = {
    # The task goes over once and may hold a survey of millions of visits.
    "distributed.admin.large-graph-warning-threshold": "10GB",
    "distributed.comm.timeouts.connect": f"{_TIMEOUT:.0f}s",
    # Dask's own setting also makes the C library return memory at once. Every temporary array then
    # costs page faults: a third more processor time.
    "distributed.nanny.pre-spawn-environ": {
        "OMP_NUM_THREADS": 1,
        "MKL_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
    },
    "distributed.worker.profile.enabled": False,  # nobody looks at it
    # How often every process asks itself whether it still answers: 50 times a second by default,
    # which costs a twentieth of a core beside two workers.
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "30s",
}


def first_finished(client: Any, futures: Iterable[Any], timeout: float) -> set[Any]:
    """Wait for work.

    Parameters
    ----------
    client : distributed.Client
        The connection.
    futures : iterable of distributed.Future
        What is being computed.
    timeout : float
        Longest wait in seconds.

    Returns
    -------
    set of distributed.Future
        Those that are finished, or have failed; empty when the time is over.
    """
    try:
        with client.as_current():
            done: set[Any] = _dask.wait(list(futures), timeout, "FIRST_COMPLETED").done
    except TimeoutError:
        return set()
    return done


@contextmanager
def open_client(workers: int, scheduler: str | None) -> Iterator[tuple[Any, int]]:
    """Connect to a cluster.

    Parameters
    ----------
    workers : int
        Processes of a local cluster.
    scheduler : str or None
        Address of a running scheduler, to be used instead.

    Yields
    ------
    distributed.Client
        The connection.
    int
        Number of partitions that the cluster works on at once.

    Raises
    ------
    InputError
        If the scheduler does not answer, has no workers, or they run other versions.
    """
    with dask.config.set(_CONFIG):
        opened = _local(workers) if scheduler is None else _remote(scheduler)
        with opened as client:
            yield client, max(1, sum(client.nthreads().values()))


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="pelsvae-dask-") as scratch:
        with _ctrl_c_for_us_alone():
            cluster = _dask.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
                local_directory=scratch,
            )
        try:
            with _dask.Client(cluster, set_as_default=False) as client:
                yield client
        finally:
            cluster.close(timeout=_TIMEOUT)


@contextmanager
def _ctrl_c_for_us_alone() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: the terminal sends it to all of them.

    A blocked signal is inherited by new threads and processes; for us it waits until the end.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It would unblock the signal when it is started by the first process.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _remote(address: str) -> Iterator[Any]:
    try:
        client = _dask.Client(address, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address!r}",
            allowed="an address as `dask scheduler` prints it, e.g. tcp://10.0.0.1:8786",
            remedy="Start it, or leave --scheduler out to work on this machine.",
        ) from error
    try:
        try:
            client.wait_for_workers(1, timeout=_TIMEOUT)
        except TimeoutError as error:
            raise InputError(
                f"the Dask scheduler at {address} has no workers",
                remedy="Start some: `dask worker ADDRESS --nthreads 1`.",
            ) from error
        _check_versions(client, address)
        yield client
    finally:
        client.close(timeout=_TIMEOUT)


def _versions() -> dict[str, str]:
    from importlib import metadata

    return {name: metadata.version(name) for name in _SAME}


def _check_versions(client: Any, address: str) -> None:
    """Refuse workers whose numbers could be others than ours."""
    ours = _versions()
    try:
        theirs: dict[str, Any] = client.run(_versions)
    except Exception as error:
        raise InputError(
            f"the workers of {address} cannot run this package: {error}",
            remedy="Install the same pelsvae_cadence in their environment.",
        ) from error
    for worker, versions in theirs.items():
        for name, version in versions.items():
            if version != ours[name]:
                raise InputError(
                    f"worker {worker} runs {name} {version}, this program {ours[name]}",
                    remedy="Install the same versions everywhere: results would differ.",
                )


@contextmanager
def interrupt_afterwards() -> Iterator[None]:
    """Let Ctrl-C wait for the end of a block.

    Inside the constructor of one of Dask's futures it would leave a half-made one, which complains
    on stderr when it is thrown away.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    caught: list[Any] = []
    signal.signal(signal.SIGINT, lambda *about: caught.append(about))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        before(*caught[0])
