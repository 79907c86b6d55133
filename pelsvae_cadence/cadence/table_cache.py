"""Large survey tables read once: their pointings are kept in a folder beside the table.

Kept pointings are used while the table has the hash that it had. A hash takes a fraction of a second, and is
left out where size, inode and the times of the last change are those of a table whose hash was compared.
Nothing here may fail a command: where nothing can be written, or what is there is damaged, the table is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as read_arrays
from safetensors.numpy import save as write_arrays

from pelsvae_cadence.cadence.soundness import file_sha256
from pelsvae_cadence.cadence.survey import Survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.core.version import __version__

__all__ = ["FEWEST_POINTINGS", "KeptPointings"]

#: A smaller table is read again in about the time that its hash takes.
FEWEST_POINTINGS: Final = 300_000
_VARIABLE: Final = "PELSVAE_TABLE_CACHE"
_MOST_READINGS: Final = 4  # of one table, under different constraints
# A file may change twice within one tick of its clock; times this near to the present say nothing.
_TICK: Final = 2_000_000_000
_WRITING: Final = 600.0  # seconds in which a process has surely written what it keeps
_SIDE_FILES: Final = ("-wal", "-journal")  # hold changes of an SQLite database that it has not taken in


@dataclass(frozen=True)
class KeptPointings:
    """The pointings of one table, read in one way.

    Parameters
    ----------
    table : Path
        The table.
    folder : Path
        Where its pointings are kept.
    key : str
        Stands for the way of reading: constraint, columns, and the rules of this version.
    """

    table: Path
    folder: Path
    key: str

    @classmethod
    def of(cls, table: Path, how: Mapping[str, Any]) -> KeptPointings | None:
        """Find the place for the pointings of a table, as the environment variable wants it.

        Parameters
        ----------
        table : Path
            The table.
        how : mapping
            What the result of reading depends on, beside the table.

        Returns
        -------
        KeptPointings or None
            None if ``PELSVAE_TABLE_CACHE`` is ``off``, or the table is being changed.
        """
        place = os.environ.get(_VARIABLE, "")
        if place == "off" or any(_has_content(Path(f"{table}{suffix}")) for suffix in _SIDE_FILES):
            return None
        folder = table.with_name(f"{table.name}.pointings")
        if place:
            where = hashlib.sha256(str(table.resolve()).encode()).hexdigest()
            folder = Path(place) / f"{table.name}-{where[:12]}.pointings"
        key = hashlib.sha256(json.dumps([_rules(), how], sort_keys=True, default=str).encode()).hexdigest()
        return cls(table, folder, key[:20])

    @property
    def _card(self) -> Path:
        return self.folder / f"{self.key}.json"

    def load(self) -> tuple[Survey, str] | None:
        """Give the pointings, if they are those of the table as it is now.

        Returns
        -------
        survey : Survey
            The pointings.
        remark : str
            What reading the table had to say.
        """
        with suppress(OSError, ValueError, LookupError, TypeError, SafetensorError, InputError):
            if not _trusted(self._card, self.table):
                return None
            card = json.loads(self._card.read_text(encoding="utf-8"))
            state = _state(self.table)
            if card["card_sha256"] != _card_hash(card):
                return None
            if card["state"] != state:
                if card["sha256"] != file_sha256(self.table):
                    return None
                if _settled(self.table) and _state(self.table) == state:
                    self._write_card(card | {"state": state})
            file = self.folder / card["file"]
            if not _trusted(file, self.table):
                return None
            content = file.read_bytes()
            if hashlib.sha256(content).hexdigest() != card["file_sha256"]:
                return None
            arrays: dict[str, Any] = read_arrays(content)
            band = np.array(card["bands"], dtype=card["band_type"])[arrays.pop("band")]
            plain = {name: card[name] for name in ("name", "survey", "field_radius")}
            return Survey(band=band, path=str(self.table), **plain, **arrays), str(card["remark"])
        return None

    def state(self) -> tuple[list[int], str]:
        """Describe the table before it is read: state and hash, for `store`."""
        return _state(self.table), file_sha256(self.table)

    def store(self, survey: Survey, remark: str, before: tuple[list[int], str]) -> None:
        """Keep the pointings, unless the table was changed while it was read.

        Parameters
        ----------
        survey : Survey
            The pointings.
        remark : str
            What reading the table had to say.
        before : tuple
            What `state` gave before the table was read.
        """
        state, digest = before
        with suppress(OSError):
            settled = _settled(self.table)
            if _state(self.table) != state or (not settled and file_sha256(self.table) != digest):
                return
            bands, codes = np.unique(survey.band, return_inverse=True)
            arrays = {
                item.name: np.ascontiguousarray(getattr(survey, item.name))
                for item in fields(survey)
                if isinstance(getattr(survey, item.name), np.ndarray) and item.name != "band"
            }
            content = write_arrays(arrays | {"band": codes.astype(np.uint8)})
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self.folder / f"{self.key}-{digest[:20]}.safetensors"
            with replacing(file) as partial:
                partial.write_bytes(content)
            self._write_card(
                {
                    "table": self.table.name,
                    "sha256": digest,
                    # Without a state the hash is compared the next time.
                    "state": state if settled else None,
                    "file": file.name,
                    "file_sha256": hashlib.sha256(content).hexdigest(),
                    "bands": bands.tolist(),
                    "band_type": str(survey.band.dtype),
                    "name": survey.name,
                    "survey": survey.survey,
                    "field_radius": survey.field_radius,
                    "remark": remark,
                }
            )
            self._tidy()

    def _write_card(self, card: Mapping[str, Any]) -> None:
        with suppress(OSError), replacing(self._card) as partial:
            full = {**card, "card_sha256": _card_hash(card)}
            partial.write_text(json.dumps(full, indent=1) + "\n", encoding="utf-8")

    def _tidy(self) -> None:
        """Remove the oldest readings, and arrays that no card names."""
        cards = sorted(self.folder.glob("*.json"), key=lambda card: card.stat().st_mtime_ns, reverse=True)
        for card in cards[_MOST_READINGS:]:
            card.unlink(missing_ok=True)
        named = set()
        for card in cards[:_MOST_READINGS]:
            with suppress(OSError, ValueError, LookupError, TypeError):
                named.add(json.loads(card.read_text(encoding="utf-8"))["file"])
        for file in self.folder.glob("*.safetensors"):
            # Another process may be about to name what is new.
            if file.name not in named and file.stat().st_mtime + _WRITING < time.time():
                file.unlink(missing_ok=True)


def _card_hash(card: Mapping[str, Any]) -> str:
    """Hash everything on a card but the hash."""
    rest = {key: value for key, value in card.items() if key != "card_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _state(table: Path) -> list[int]:
    stat = table.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _settled(table: Path) -> bool:
    stat = table.stat()
    return max(stat.st_mtime_ns, stat.st_ctime_ns) + _TICK < time.time_ns()


def _trusted(path: Path, table: Path) -> bool:
    """Tell whether a file is the user's own, the system's, or of the one whose table it is."""
    if not hasattr(os, "getuid"):
        return True
    return path.stat().st_uid in (os.getuid(), 0, table.stat().st_uid)


def _rules() -> str:
    """Identify the code that reads tables: what another version read may be read otherwise now."""
    digest = hashlib.sha256(__version__.encode())
    with suppress(OSError):
        for module in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()
