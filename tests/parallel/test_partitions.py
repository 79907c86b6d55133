"""Partitions: the same numbers whoever computes them, and nothing lost when somebody dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.parallel.partitions import Arrays, Partition, PartitionError, run_partitions

PIECES = [Partition(f"pixel-{k:03d}", k) for k in range(12)]


def make_task(log: Path | None = None, pause: float = 0.0) -> Any:
    """A task that writes down who computed what; nested, so that workers get its code."""

    def task(piece: Partition, mine: Any = None) -> Arrays:
        time.sleep(pause)
        if log is not None:
            with log.open("a") as stream:
                stream.write(f"{piece.key} {os.getpid()}\n")
        if mine is not None and mine.tolist() != [piece.index] * 3:
            raise ValueError(f"these are the inputs of another partition: {mine}")
        random = KeyedRandom(seed=7)
        return {
            "file": random.normal("x", piece.index, np.arange(50)),  # a name that savez refuses
            "n": np.array(piece.index),
            "name": np.array([piece.key, "ü"]),
            "none": np.empty((0, 3), dtype=np.int32),
            "flag": np.arange(3) > 1,
        }

    return task


def assert_same(found: Iterator[tuple[Partition, Arrays]], n: int = 12) -> None:
    expected = make_task()
    k = -1
    for k, (piece, arrays) in enumerate(found):
        assert piece == PIECES[k]
        wanted = expected(piece)
        assert list(arrays) == list(wanted)
        for name, value in wanted.items():
            assert arrays[name].dtype == value.dtype
            assert arrays[name].shape == value.shape
            assert arrays[name].tobytes() == value.tobytes()
    assert k == n - 1


def computed(log: Path) -> list[str]:
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


def test_in_process_with_and_without_checkpoints(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "deep" / "folder"
    assert_same(run_partitions(make_task(), PIECES))
    said: list[tuple[int, int]] = []
    options: dict[str, Any] = {"checkpoint_dir": folder, "fingerprint": "a"}
    first = run_partitions(make_task(log), PIECES, progress=lambda *p: said.append(p), **options)
    for _, (piece, _) in zip(range(5), first, strict=False):
        assert piece.index < 5
    first.close()
    assert computed(log) == [p.key for p in PIECES[:5]]
    assert_same(run_partitions(make_task(log), PIECES, **options))
    assert computed(log) == [p.key for p in PIECES]
    assert said == [(k, 12) for k in range(6)]
    assert_same(run_partitions(make_task(log), PIECES, **options))
    assert len(computed(log)) == 12, "a finished run computes nothing"


def test_inputs_are_read_for_what_is_computed(tmp_path: Path) -> None:
    read: list[int] = []

    def inputs(piece: Partition) -> Any:
        read.append(piece.index)
        if piece.index == 7:
            raise InputError("file 7 is damaged", remedy="Mend it.")
        return np.full(3, piece.index)

    options: dict[str, Any] = {"checkpoint_dir": tmp_path, "fingerprint": "a", "inputs": inputs}
    for _ in range(2):
        with pytest.raises(InputError, match=r"partition pixel-007: file 7 is damaged\. Mend it"):
            list(run_partitions(make_task(), PIECES, **options))
    assert read == [*range(8), 7]
    # Those of a damaged checkpoint are read again.
    (tmp_path / "partition-pixel-002.npz").write_bytes(b"PK")
    assert_same(run_partitions(make_task(), PIECES[:5], **options), 5)
    assert read[-1] == 2


def test_two_workers_give_the_same_and_resume(tmp_path: Path) -> None:
    log = tmp_path / "log"
    options: dict[str, Any] = {"checkpoint_dir": tmp_path / "parts", "fingerprint": "a", "workers": 2}
    said: list[tuple[int, int]] = []
    read: list[int] = []

    def inputs(piece: Partition) -> Any:
        read.append(os.getpid())
        return np.full(3, piece.index)

    run = run_partitions(
        make_task(log, 0.02), PIECES, inputs=inputs, progress=lambda *p: said.append(p), **options
    )
    assert_same(run)
    assert read == [os.getpid()] * 12, "each is read once, in this process"
    assert sorted(computed(log)) == [p.key for p in PIECES]
    pids = {line.split()[1] for line in log.read_text().splitlines()}
    assert len(pids) == 2
    assert str(os.getpid()) not in pids
    assert said == [(k, 12) for k in range(13)]
    (tmp_path / "parts" / "partition-pixel-004.npz").unlink()
    assert_same(run_partitions(make_task(log), PIECES, **options))
    assert len(computed(log)) == 13
    assert_same(run_partitions(make_task(log), PIECES, **{**options, "workers": 1}))
    assert len(computed(log)) == 13


@pytest.mark.slow
def test_a_scheduler_that_runs_elsewhere(tmp_path: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path)
    ) as cluster:
        address = cluster.scheduler_address
        assert_same(run_partitions(make_task(), PIECES, scheduler=address))
        assert_same(
            run_partitions(make_task(), PIECES, inputs=lambda p: np.full(3, p.index), scheduler=address)
        )
        with pytest.raises(PartitionError, match=r"partition pixel-003 failed: ZeroDivisionError"):
            list(run_partitions(failing(ZeroDivisionError("x")), PIECES, scheduler=address))
        refused = InputError("period = -1", allowed="> 0")
        with pytest.raises(InputError, match=r"partition pixel-003: period = -1; allowed: > 0"):
            list(run_partitions(failing(refused), PIECES, scheduler=address))
        # It is not ours: it still runs.
        assert_same(run_partitions(make_task(), PIECES[:2], scheduler=address), 2)
    with pytest.raises(InputError, match="no Dask scheduler answers at 'nonsense://x'"):
        list(run_partitions(make_task(), PIECES, scheduler="nonsense://x"))


@pytest.mark.slow
def test_a_killed_worker_costs_only_its_partition(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "parts"
    killed = tmp_path / "killed"
    inner = make_task(log)

    def task(piece: Partition, mine: Any) -> Arrays:
        if piece.index == 4 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(piece, mine)

    def inputs(piece: Partition) -> Any:
        return np.full(3, piece.index)

    # What the dead worker was given goes to another one.
    run = run_partitions(task, PIECES, inputs=inputs, checkpoint_dir=folder, fingerprint="a", workers=2)
    assert_same(run)
    assert killed.exists()
    # Whatever else the dead worker had at hand is computed once: it was not finished.
    assert sorted(computed(log)) == [p.key for p in PIECES]


def failing(error: Exception) -> Any:
    inner = make_task()

    def task(piece: Partition) -> Arrays:
        if piece.index == 3:
            raise error
        return inner(piece)

    return task


def test_errors_name_the_partition_and_keep_what_is_finished(tmp_path: Path) -> None:
    options: dict[str, Any] = {"checkpoint_dir": tmp_path, "fingerprint": "a"}
    with pytest.raises(PartitionError, match="partition pixel-003 failed: ZeroDivisionError: x"):
        list(run_partitions(failing(ZeroDivisionError("x")), PIECES, **options))
    assert len(list(tmp_path.glob("partition-*.npz"))) == 3
    refused = InputError("period = -1", allowed="> 0", remedy="Mend it.")
    with pytest.raises(InputError, match=r"pixel-003: period = -1; allowed: > 0\. Mend it"):
        list(run_partitions(failing(refused), PIECES, **options))
    with pytest.raises(PartitionError, match="'a' holds Python objects"):
        list(run_partitions(lambda _: {"a": np.array([{}])}, PIECES))
    assert_same(run_partitions(make_task(), PIECES, **options))


def test_wrong_calls_say_what_is_wrong(tmp_path: Path) -> None:
    for problem, pieces, options in (
        ("workers = 0; allowed: 1 or more", PIECES, {"workers": 0}),
        ("'a/b' cannot name a file", [Partition("a/b", 0)], {}),
        (r"'\.\.' cannot name a file", [Partition("..", 0)], {}),
        ("'a' is repeated", [Partition("a", 0), Partition("a", 1)], {}),
    ):
        with pytest.raises(InputError, match=problem):
            list(run_partitions(make_task(), pieces, **options))  # type: ignore[arg-type]
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="cannot write checkpoints to"):
        list(run_partitions(make_task(), PIECES, checkpoint_dir=file))


def test_checkpoints_of_another_run_are_refused(tmp_path: Path) -> None:
    options: dict[str, Any] = {"checkpoint_dir": tmp_path}
    list(run_partitions(make_task(), PIECES[:2], fingerprint="one", **options))
    with pytest.raises(InputError, match=r"other inputs or options.*one.*two.*delete this one"):
        list(run_partitions(make_task(), PIECES, fingerprint="two", **options))
    # A file under another name is not taken for that partition.
    (tmp_path / "partition-pixel-000.npz").rename(tmp_path / "partition-pixel-001.npz")
    assert_same(run_partitions(make_task(), PIECES, fingerprint="one", **options))


def test_damaged_checkpoints_are_computed_again(tmp_path: Path) -> None:
    options: dict[str, Any] = {"checkpoint_dir": tmp_path, "fingerprint": "a"}
    list(run_partitions(make_task(), PIECES[:1], **options))
    path = tmp_path / "partition-pixel-000.npz"
    good = path.read_bytes()
    rng = np.random.default_rng(1)
    damaged = [bytes(good[:n]) for n in (0, 10, len(good) // 2, len(good) - 1)]
    for place in rng.choice(len(good), 60, replace=False):
        wrong = bytearray(good)
        wrong[place] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(wrong))
    recomputed = 0
    for content in damaged:
        path.write_bytes(content)
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        with suppress(InputError):  # the flipped bit was in the fingerprint
            assert_same(run_partitions(make_task(log), PIECES[:1], **options), 1)
        recomputed += bool(computed(log))
    assert recomputed > 30


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    first = run_partitions(make_task(), PIECES, checkpoint_dir=tmp_path)
    next(first)
    with pytest.raises(InputError, match="another run is using the checkpoints"):
        next(run_partitions(make_task(), PIECES, checkpoint_dir=tmp_path))
    first.close()
    assert_same(run_partitions(make_task(), PIECES, checkpoint_dir=tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="limits file sizes as Unix does")
def test_full_disk_is_said_and_keeps_what_is_finished(tmp_path: Path) -> None:
    script = (
        "import resource, sys, numpy as np\n"
        "from pelsvae_cadence.parallel.partitions import Partition, run_partitions\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000,) * 2)\n"
        "task = lambda p: {'x': np.zeros(1000 if p.index < 2 else 100_000)}\n"
        "pieces = [Partition(f'p{k}', k) for k in range(4)]\n"
        "try:\n    list(run_partitions(task, pieces, checkpoint_dir=sys.argv[1]))\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=240, check=True
    )
    assert "checkpoint of partition p2 could not be written: File too large" in done.stdout
    assert "Make room and repeat" in done.stdout
    assert done.stderr == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["partition-p0.npz", "partition-p1.npz"]


SCRIPT = """
import sys, time
import numpy as np
from pelsvae_cadence.parallel.partitions import Partition, run_partitions

def task(piece):
    time.sleep(0.3)
    return {"x": np.arange(piece.index)}

if __name__ == "__main__":
    pieces = [Partition(f"p{k:02d}", k) for k in range(40)]
    run = run_partitions(task, pieces, checkpoint_dir=sys.argv[1], workers=int(sys.argv[2]))
    try:
        for piece, arrays in run:
            print(piece.key, flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C as Unix does")
def test_ctrl_c_stops_at_once_and_keeps_what_is_finished(tmp_path: Path, workers: int) -> None:
    script, folder = tmp_path / "script.py", tmp_path / "parts"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "p00\n"
    assert process.stdout.readline() == "p01\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    out, err = process.communicate(timeout=240)
    assert out.splitlines()[-1] == "interrupted"
    assert err == ""
    assert process.returncode == 0
    kept = sorted(folder.glob("partition-*.npz"))
    assert 2 <= len(kept) < 20
    assert not list(folder.glob(".partition*"))


@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C as Unix does")
def test_ctrl_c_waits_for_the_end_of_a_block() -> None:
    pytest.importorskip("distributed")
    from pelsvae_cadence.parallel.cluster import interrupt_afterwards

    ended = False
    with pytest.raises(KeyboardInterrupt), interrupt_afterwards():  # noqa: PT012 - the block goes on
        signal.raise_signal(signal.SIGINT)
        ended = True
    assert ended
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
