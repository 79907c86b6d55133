"""Damaged light-curve files give a right answer, a refusal with its cause, or a counted omission."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import numpy as np
import pytest

from pelsvae_cadence import InputError, read_light_curves
from pelsvae_cadence.core.tables.columns import OmissionWarning
from tests.readers import samples

TEXTS = [
    "rubin",
    "rubin-dia",
    "ztf",
    "ztf-forced",
    "gaia",
    "gaia-long",
    "ogle",
    "atlas",
    "asassn",
    "asassn-2",
]
GARBAGE = [
    "",
    "NaN",
    "null",
    "abc",
    "1e999",
    "inf",
    ">16.5",
    "é",
    '"',
    "-",
    "16.0.1",
    "0x1F",
    "True",
    "None",
    "1 2",
]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return samples.write_all(tmp_path_factory.mktemp("archives"))


def separator_of(lines: list[str]) -> str | None:
    return "," if "," in lines[-1] else None


def split(line: str, mark: str | None) -> list[str]:
    return line.split(mark)


def join(entries: list[str], mark: str | None) -> str:
    return (mark or "  ").join(entries)


def damaged(text: str, draw: random.Random) -> bytes:
    """Damage a file in one of many ways, without putting one sound number in the place of another."""
    lines = text.splitlines()
    mark = separator_of(lines)
    rows = [k for k, line in enumerate(lines) if line.strip() and not line.startswith("# ")]
    k = draw.choice(rows[1:])
    entries = split(lines[k], mark)
    column = draw.randrange(len(entries))
    kind = draw.randrange(18)
    if kind == 0:
        return text.encode()[: draw.randrange(len(text))]
    if kind == 1:
        del lines[draw.choice(rows)]
    elif kind == 2:
        lines.insert(draw.choice(rows), lines[draw.choice(rows)])
    elif kind == 3:
        entries[column] = draw.choice(GARBAGE)
        lines[k] = join(entries, mark)
    elif kind == 4:
        body = [lines[r] for r in rows[1:]]
        draw.shuffle(body)
        lines = [line for r, line in enumerate(lines) if r not in rows[1:]] + body
    elif kind in (5, 6, 7):
        other = draw.randrange(len(entries))
        for r in rows:
            mine = split(lines[r], mark)
            if len(mine) != len(entries):
                continue
            if kind == 5:
                del mine[column]
            elif kind == 6:
                mine[column], mine[other] = mine[other], mine[column]
            elif r == rows[0]:
                mine[column] = draw.choice([mine[other], "x", "", mine[column] + "_2"])
            lines[r] = join(mine, mark)
    elif kind == 8:
        raw = bytearray(text.encode())
        at = draw.randrange(len(raw))
        raw[at:at] = bytes(draw.choice([*range(9), *range(128, 256)]) for _ in range(draw.randrange(1, 5)))
        return bytes(raw)
    elif kind == 9:
        return draw.choice(["\r\n", "\r"]).join(lines).encode() + b"\r\n"
    elif kind == 10:
        return text.encode("utf-8-sig")
    elif kind == 11:
        lines.insert(draw.randrange(len(lines)), draw.choice(["", "# a comment", "#", "   "]))
    elif kind == 12:
        lines[k] = join([*entries, draw.choice(GARBAGE) or "x"], mark)
    elif kind == 13:
        del entries[column]
        lines[k] = join(entries, mark)
    elif kind == 14:
        lines = lines[: draw.choice([0, 1, rows[0] + 1, rows[0] + 2])]
    elif kind == 15:
        lines[k] = "".join(chr(draw.randrange(33, 1000)) for _ in range(draw.randrange(60)))
    elif kind == 16:
        lines += lines[rows[1] :]
    else:
        return text.encode("utf-16")
    return ("\n".join(lines) + draw.choice(["\n", ""])).encode()


def assert_none_is_invented(found, everything) -> None:
    """Every point is one of the sound file's, to what another column of the same may differ."""
    if found.flux_kind != everything.flux_kind:  # the column of the total fluxes is lost, and it says so
        return
    for band in np.unique(found.band):
        mine, theirs = found.band == band, everything.band == band
        assert theirs.any(), f"invented band {band!r}"
        apart = np.abs(found.mjd[mine][:, None] - everything.mjd[theirs]) > 0.01
        flux = everything.flux[theirs]
        apart |= np.abs(found.flux[mine][:, None] - flux) > 1e-2 * np.abs(flux) + 1.0
        assert (~apart).any(axis=1).all(), "invented points"
    assert found.n_points == 0 or np.isfinite(found.flux_err).all()


def run(path: Path, everything, content: bytes) -> str:
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", OmissionWarning)
        try:
            found = read_light_curves(path)
        except InputError:
            return "refused"
    assert_none_is_invented(found, everything)
    assert found.n_points + found.origin.n_omitted >= 1
    return "read"


def without_flags(path: Path) -> str:
    """Flags may be lost with their columns: their points are sound numbers, too."""
    return (
        path.read_text()
        .replace("True", "False")
        .replace("32768", "0")
        .replace(" 56\n", " 0\n")
        .replace(",B\n", ",G\n")
    )


@pytest.mark.filterwarnings("ignore::pelsvae_cadence.core.tables.columns.OmissionWarning")
@pytest.mark.parametrize("n", [60, pytest.param(600, marks=pytest.mark.slow)])
@pytest.mark.parametrize("key", TEXTS)
def test_damaged_text_never_invents_points(paths, tmp_path, key, n):
    text = paths[key].read_text()
    folder = tmp_path / "I"
    folder.mkdir()
    path = folder / paths[key].name
    path.write_text(without_flags(paths[key]))
    everything = read_light_curves(path)
    draw = random.Random(f"{key} {n}")
    outcomes = []
    for k in range(n):
        content = damaged(text, draw)
        try:
            outcomes.append(run(path, everything, content))
        except Exception as error:
            kept = tmp_path / f"kept-{k}"
            kept.write_bytes(content)
            raise AssertionError(f"{kept}: {type(error).__name__}: {error}") from error
    assert {"refused", "read"} == set(outcomes)


@pytest.mark.filterwarnings("ignore::pelsvae_cadence.core.tables.columns.OmissionWarning")
@pytest.mark.parametrize("n", [60, pytest.param(600, marks=pytest.mark.slow)])
@pytest.mark.parametrize("key", ["gaia-xml", "rubin-parquet"])
def test_cut_binary_and_xml_files_are_refused(paths, tmp_path, key, n):
    raw = paths[key].read_bytes()
    path = tmp_path / paths[key].name
    draw = random.Random(f"{key} {n}")
    for _ in range(n):
        path.write_bytes(raw[: draw.randrange(len(raw) - 8)])
        with pytest.raises(InputError, match=r"\w+"):
            read_light_curves(path)
