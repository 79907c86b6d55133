"""Targets that cannot be written, full disks, killed writers: the earlier file stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelsvae_cadence.catalog import Catalog, Provenance, validate_catalog, write_catalog
from pelsvae_cadence.core.errors import InputError
from tests.catalog.batches import HERE, Batch


def test_existing_and_unwritable_targets(
    tmp_path: Path, path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        write_catalog(path, batches, provenance=provenance)
    assert path.read_bytes() == before
    write_catalog(path, batches[:1], provenance=provenance, overwrite=True)
    with Catalog(path) as catalog:
        assert catalog.n_positions == 1
    with pytest.raises(InputError, match=r"cannot be written: No such file or directory.*folder"):
        write_catalog(tmp_path / "missing" / "c.h5", batches, provenance=provenance)
    with pytest.raises(InputError, match="is a folder"):
        write_catalog(tmp_path, batches, provenance=provenance, overwrite=True)
    with pytest.raises(InputError, match="unknown compression 'zip'; allowed: 'gzip', 'repeats' or"):
        write_catalog(tmp_path / "x.h5", batches, provenance=provenance, compression="zip")
    # A folder where the temporary file should go refuses whoever asks, root included.
    (tmp_path / "y.h5.partial").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_catalog(tmp_path / "y.h5", batches, provenance=provenance)


@pytest.mark.skipif(sys.platform == "win32", reason="changes permissions as Unix does")
def test_read_only_folder(tmp_path: Path, provenance: Provenance) -> None:
    root = os.geteuid() == 0 and Path("/sys").is_dir()
    # Root may write to any folder of a disk, but not into the kernel's.
    folder = Path("/sys") if root else tmp_path
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(InputError, match=r"Permission denied|Read-only file system"):
            write_catalog(folder / "c.h5", [], provenance=provenance)
    finally:
        tmp_path.chmod(0o755)


def test_an_error_while_writing_leaves_the_earlier_file(
    path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    before = path.read_bytes()

    def failing() -> Iterator[Batch]:
        yield batches[0]
        raise ZeroDivisionError("in the middle")

    with pytest.raises(ZeroDivisionError, match="in the middle"):
        write_catalog(path, failing(), provenance=provenance, overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


SCRIPT = """
import resource, runpy, sys, time
from pelsvae_cadence.catalog import CatalogWriter, write_catalog
golden = runpy.run_path(sys.argv[1])
path, action = sys.argv[2], sys.argv[3]
if action == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
    try:
        write_catalog(path, golden["batches"](), provenance=golden["PROVENANCE"], overwrite=True)
    except ValueError as error:
        print(error)
        sys.exit(2)
else:
    with CatalogWriter(path, provenance=golden["PROVENANCE"], overwrite=True) as writer:
        writer.append(*golden["batches"]()[0])
        print("writing", flush=True)
        time.sleep(600)
"""


def command(*arguments: object) -> list[str]:
    maker = HERE / "data" / "make_catalog_v1.py"
    return [sys.executable, "-c", SCRIPT, str(maker), *map(str, arguments)]


@pytest.mark.parametrize("room", [100, 9_000, 46_000])
@pytest.mark.skipif(sys.platform == "win32", reason="limits file sizes as Unix does")
def test_full_disk_is_reported_and_leaves_the_earlier_file(path: Path, room: int) -> None:
    before = path.read_bytes()
    done = subprocess.run(
        command(path, "full", room), capture_output=True, text=True, timeout=240, check=False
    )
    # Not a segmentation fault at exit, which is what HDF5 does when it meets the error itself.
    assert (done.returncode, done.stderr) == (2, "")
    assert f"{path} could not be written: File too large" in done.stdout
    assert "MB free" in done.stdout
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="needs file locks as Unix has them")
def test_a_killed_writer_leaves_the_earlier_file_and_does_not_block(
    path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    before = path.read_bytes()
    process = subprocess.Popen(command(path, "wait"), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        with pytest.raises(InputError, match="is being written by another process"):
            write_catalog(path, batches, provenance=provenance, overwrite=True)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    partial = path.with_name(path.name + ".partial")
    assert partial.exists()
    assert path.read_bytes() == before
    with pytest.raises(InputError, match=r"partial is (not an HDF5 file|damaged)"):
        Catalog(partial)
    write_catalog(path, batches[:1], provenance=provenance, overwrite=True)
    assert not partial.exists()
    assert validate_catalog(path) == []
