"""Where stars are: the Galaxy and the Magellanic Clouds, dust, crowding, and tables of stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.core.doors import names_on_first_use

if TYPE_CHECKING:
    from pelsvae_cadence.population.survey import DrawnPopulation, draw_population
    from pelsvae_cadence.population.tables import read_star_table

__all__ = ["DrawnPopulation", "draw_population", "read_star_table"]

__getattr__ = names_on_first_use(
    __name__, {"DrawnPopulation": "survey", "draw_population": "survey", "read_star_table": "tables"}
)
