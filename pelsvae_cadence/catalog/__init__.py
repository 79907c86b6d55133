"""The HDF5 catalogue: simulated stars, the visits behind them, their light curves and provenance.

The format is specified in ``docs/catalog-format.md``; any HDF5 library reads it. Catalogues of any
size are simulated by `pelsvae_cadence.catalog.generation`, and given to other tools by
`pelsvae_cadence.catalog.exports.hats` and `pelsvae_cadence.catalog.exports.astropy_tables`.
"""

from pelsvae_cadence.catalog.layout import FORMAT, FORMAT_VERSION
from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.catalog.reader import Catalog
from pelsvae_cadence.catalog.validation import validate_catalog
from pelsvae_cadence.catalog.writer import CatalogWriter, write_catalog

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "Catalog",
    "CatalogWriter",
    "Provenance",
    "validate_catalog",
    "write_catalog",
]
