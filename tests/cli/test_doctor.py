"""The command that tells what is installed and whether it works."""

from __future__ import annotations

import json

import pytest

from pelsvae_cadence.cli import main
from pelsvae_cadence.cli.doctor import _requirement, _tried


@pytest.mark.maf
def test_everything_that_is_needed_works_here(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert stop.value.code == 0, told
    assert {one["state"] for one in told["needed"].values()} == {"ok"}
    assert "period of 0.55" in told["works"]["source model and period search"]["note"]
    assert {"numpy", "torch", "rubin-sim"} <= set(told["needed"])
    assert told["extras"]["test"]["state"] == "ok"


def test_what_is_missing_too_old_or_broken_is_told():
    assert "not installed" in _requirement("no-such-package-at-all>=1").note
    assert _requirement("numpy>=1").state == "ok"
    assert _requirement("numpy>=99").note.endswith(">=99 is needed")
    broken = _tried("a part", lambda: str(1 / 0))
    assert (broken.state, broken.note) == ("failed", "ZeroDivisionError: division by zero")
