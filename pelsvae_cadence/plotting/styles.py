"""What all pictures share: colours, markers, figures without global state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pelsvae_cadence.bands import BANDS, KNOWN_BANDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BAND_MARKERS",
    "CLASS_STYLES",
    "ClassStyle",
    "axes_of",
    "band_style",
    "legend_outside",
    "new_figure",
]

#: Markers per band, so that colour is not all that tells bands apart. ugrizy: Rubin's publication
#: guidelines (RTN-045).
BAND_MARKERS: Final[dict[str, str]] = {
    "u": "o",
    "g": "^",
    "r": "v",
    "i": "s",
    "z": "*",
    "y": "p",
    "zg": "<",
    "zr": ">",
    "zi": "D",
}


_BLUEST, _REDDEST = 340.0, 1000.0  # nm
# Of other filters, one after the other.
_OTHER_MARKERS: Final = ("o", "^", "v", "s", "D", "p", "h", "P", "X", "d")


def band_style(name: str) -> tuple[str, str]:
    """Tell how a band looks in pictures.

    Parameters
    ----------
    name : str
        Any band.

    Returns
    -------
    colour : str
        Hex string: the survey's own of LSST and ZTF, otherwise one that follows the wavelength; grey
        where nothing is known of the band.
    marker : str
        Matplotlib's name of the marker.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if name in BANDS:
        return BANDS[name].colour, BAND_MARKERS[name]
    if name not in KNOWN_BANDS:
        return "#555555", _OTHER_MARKERS[sum(map(ord, name)) % len(_OTHER_MARKERS)]
    place = (KNOWN_BANDS[name].wavelength - _BLUEST) / (_REDDEST - _BLUEST)
    return to_hex(colormaps["turbo"](place)), _OTHER_MARKERS[
        list(KNOWN_BANDS).index(name) % len(_OTHER_MARKERS)
    ]


@dataclass(frozen=True, kw_only=True)
class ClassStyle:
    """How a class of stars looks in pictures.

    Parameters
    ----------
    colour : str
        Colour as a hex string.
    marker : str
        Matplotlib's name of the marker.
    """

    colour: str
    marker: str


#: One colour and one marker per class: Paul Tol's "muted" scheme (SRON/EPS/TN/09-002, issue 3.2,
#: figure 3), whose colours people with any colour vision can tell apart.
CLASS_STYLES: Final[dict[str, ClassStyle]] = {
    "ACEP": ClassStyle(colour="#AA4499", marker="P"),
    "CEP": ClassStyle(colour="#332288", marker="o"),
    "DSCT": ClassStyle(colour="#88CCEE", marker="^"),
    "ECL": ClassStyle(colour="#117733", marker="s"),
    "ELL": ClassStyle(colour="#44AA99", marker="D"),
    "LPV": ClassStyle(colour="#882255", marker="*"),
    "RRLYR": ClassStyle(colour="#CC6677", marker="v"),
    "T2CEP": ClassStyle(colour="#999933", marker="X"),
}


def new_figure(width: float, height: float) -> Figure:
    """Make a figure that pyplot does not know, so that none piles up in memory."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def axes_of(
    ax: Axes | None, width: float, height: float, projection: str | None = None, **texts: Any
) -> Axes:
    """Take the axes that a caller gives, or those of a new figure, and label them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        The caller's axes.
    width, height : float
        Size of a new figure in inches.
    projection : str, optional
        Matplotlib's name of the projection of new axes.
    **texts : str
        What ``Axes.set`` takes: "title", "xlabel", "ylabel".

    Returns
    -------
    matplotlib.axes.Axes
        The axes; their ``figure`` can be saved.
    """
    if ax is None:
        ax = new_figure(width, height).add_subplot(projection=projection)
    ax.set(**texts)
    return ax


def legend_outside(ax: Axes, title: str, *, marker_scale: float = 1.0) -> None:
    """Put the legend to the right of the axes, where it covers nothing."""
    legend = ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        frameon=False,
        title=title,
        markerscale=marker_scale,
    )
    legend.set_alignment("left")
