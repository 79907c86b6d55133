"""The README's code runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cadence.test_survey import database, frame

README = Path(__file__).resolve().parents[1] / "README.md"


def _blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_ten_lines_from_star_to_period(capsys):
    code = _blocks()[0]
    assert len(code.splitlines()) <= 12
    exec(compile(code, "README", "exec"), {})
    true, found = re.findall(r"\[([\d.]+)\]", capsys.readouterr().out)
    assert float(true) == 0.55
    assert float(found) == pytest.approx(0.55, rel=1e-4)


@pytest.mark.maf
def test_five_lines_of_maf(tmp_path, monkeypatch, capsys):
    code = _blocks()[1]
    assert len(code.splitlines()) <= 7
    table = frame(800)
    table["night"] = (table.observationStartMJD - 60218).astype(int)
    database(tmp_path / "baseline.db", table)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README", "exec"), names)
    assert (tmp_path / "maf" / "resultsDb_sqlite.db").exists()
    values = names["bundle"].metric_values  # type: ignore[attr-defined]
    assert 0 < (~values.mask).sum() < 20


def test_own_light_curves(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(1)
    mjd = 60000.0 + np.sort(rng.uniform(0.0, 400.0, 120))
    mag = 18.0 + 0.4 * np.sin(2.0 * np.pi * mjd / 0.6132) + 0.02 * rng.standard_normal(120)
    table = pd.DataFrame({"star_id": "A1", "mjd": mjd, "band": "r", "mag": mag, "mag_err": 0.02})
    table.to_csv(tmp_path / "my_stars.csv", index=False)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(_blocks()[2], "README", "exec"), names)
    said = capsys.readouterr().out
    assert "time: mjd" in said
    assert "no_period_probability" in said or "..." in said
    found = names["found"].to_pandas()  # type: ignore[attr-defined]
    assert found.star_id.tolist() == ["A1"]
    assert found.period.tolist() == pytest.approx([0.6132], rel=1e-4)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", README.read_text()):
        assert (README.parent / target).exists(), target
