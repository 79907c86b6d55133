"""The camera footprint as MAF computes it."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.cadence import survey_from_frame
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.maf.camera import camera_footprint
from tests.cadence.test_survey import frame

pytestmark = pytest.mark.maf


@pytest.fixture
def square_camera(tmp_path):
    """Write a footprint map: a square of 2.4 degrees."""
    x = np.linspace(-2.0, 2.0, 401)
    image = (np.abs(x)[None, :] <= 1.2) & (np.abs(x)[:, None] <= 1.2)
    np.savez(tmp_path / "fov_map.npz", image=image, x=x)
    return tmp_path / "fov_map.npz"


def test_against_the_geometry(square_camera):
    table = frame(400).assign(rotSkyPos=0.0)
    survey = survey_from_frame(table)
    visits = survey.at(10.0, -20.0, footprint=camera_footprint(square_camera))
    x = (10.0 - table.fieldRA) * np.cos(np.radians(20.0))
    y = -20.0 - table.fieldDec
    for margin, holds in ((-0.03, set.issubset), (0.03, set.issuperset)):
        inside = table[(np.abs(x) < 1.2 + margin) & (np.abs(y) < 1.2 + margin)]
        assert holds(set(inside.observationId), set(visits.visit_id))
    turned = survey_from_frame(table.assign(rotSkyPos=45.0))
    other = turned.at(10.0, -20.0, footprint=camera_footprint(square_camera))
    assert set(other.visit_id) != set(visits.visit_id)


def test_same_answer_as_maf_visit_by_visit(square_camera):
    from rubin_scheduler.utils import LsstCameraFootprint

    table = frame(60)
    maf = LsstCameraFootprint(units="degrees", footprint_file=str(square_camera))
    seen = [
        row.observationId
        for row in table.itertuples()
        if len(maf(np.array([10.0]), np.array([-20.0]), row.fieldRA, row.fieldDec, row.rotSkyPos))
    ]
    visits = survey_from_frame(table).at(10.0, -20.0, footprint=camera_footprint(square_camera))
    assert set(visits.visit_id) == set(seen)


def test_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("RUBIN_SIM_DATA_DIR", str(tmp_path))
    with pytest.raises(InputError, match=r"camera footprint is not installed.*rs_download_data"):
        camera_footprint()
