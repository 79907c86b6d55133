"""The shipped weights come from the committed table."""

from __future__ import annotations

from pelsvae_cadence.source import LightCurveModel
from pelsvae_cadence.training.open_set import load_open_set
from pelsvae_cadence.training.shape_table import ShapeTable


def test_the_card_names_the_committed_table():
    card = LightCurveModel.load().card
    assert card["training_data"]["sha256"] == ShapeTable.from_open_set(load_open_set()).hash
    assert "pelsvae_cadence.training fit" in card["command"]
    assert card["scores"]
