"""The eight classes of periodic variables, their subtypes and the names people give them."""

from __future__ import annotations

from typing import Final

from pelsvae_cadence.core.errors import InputError, did_you_mean

__all__ = ["CLASS_DESCRIPTIONS", "STAR_CLASSES", "SUBTYPES", "display_name", "is_binary", "parse_star_class"]

#: The classes of Martinez-Palomera, Bloom & Abrahams (2020), in the order of the network's labels.
STAR_CLASSES: Final = ("ACEP", "CEP", "DSCT", "ECL", "ELL", "LPV", "RRLYR", "T2CEP")

CLASS_DESCRIPTIONS: Final[dict[str, str]] = {
    "ACEP": "anomalous Cepheids",
    "CEP": "classical Cepheids",
    "DSCT": "delta Scuti stars",
    "ECL": "eclipsing binaries",
    "ELL": "ellipsoidal variables",
    "LPV": "long-period variables (Miras)",
    "RRLYR": "RR Lyrae stars",
    "T2CEP": "type II Cepheids",
}

#: Subtypes per class. The names are those of the OGLE catalogues and the GCVS.
SUBTYPES: Final[dict[str, tuple[str, ...]]] = {
    "ACEP": ("F", "1O"),
    "CEP": ("F", "1O"),
    "DSCT": ("DSCT",),
    "ECL": ("EA", "EB", "EW"),
    "ELL": ("ELL",),
    "LPV": ("Mira",),
    "RRLYR": ("RRab", "RRc"),
    "T2CEP": ("BLHer", "WVir", "RVTau"),
}

_ALIASES: Final[dict[str, tuple[str, str | None]]] = {
    **{name.lower(): (name, None) for name in STAR_CLASSES},
    **{
        subtype.lower(): (name, subtype)
        for name, subtypes in SUBTYPES.items()
        for subtype in subtypes
        if subtype not in ("F", "1O", *STAR_CLASSES)
    },
    "rrl": ("RRLYR", None),
    "rrlyrae": ("RRLYR", None),
    "rr0": ("RRLYR", "RRab"),
    "rr1": ("RRLYR", "RRc"),
    "cepheid": ("CEP", None),
    "dcep": ("CEP", None),
    "cepf": ("CEP", "F"),
    "cep1o": ("CEP", "1O"),
    "acepf": ("ACEP", "F"),
    "acep1o": ("ACEP", "1O"),
    "anomalouscepheid": ("ACEP", None),
    "type2cepheid": ("T2CEP", None),
    "typeiicepheid": ("T2CEP", None),
    "deltascuti": ("DSCT", None),
    "dscuti": ("DSCT", None),
    "eb": ("ECL", "EB"),
    "algol": ("ECL", "EA"),
    "betalyrae": ("ECL", "EB"),
    "wuma": ("ECL", "EW"),
    "contact": ("ECL", "EW"),
    "eclipsing": ("ECL", None),
    "eclipsingbinary": ("ECL", None),
    "ellipsoidal": ("ELL", None),
    "m": ("LPV", "Mira"),
}


def parse_star_class(name: str, subtype: str | None = None) -> tuple[str, str | None]:
    """Resolve a class name or alias.

    Parameters
    ----------
    name : str
        One of `STAR_CLASSES`, a subtype (``"RRab"``, ``"EW"``, ``"Mira"``) or a common alias.
        Case, blanks, hyphens, dots and underscores do not matter.
    subtype : str, optional
        A subtype of the class; ``""`` is none.

    Returns
    -------
    star_class : str
        One of `STAR_CLASSES`.
    subtype : str or None
        The subtype that was given, or that the name fixes.

    Raises
    ------
    InputError
        If the name is unknown or the subtype does not fit.

    Examples
    --------
    >>> parse_star_class("RRab")
    ('RRLYR', 'RRab')
    >>> parse_star_class("delta Scuti")
    ('DSCT', None)
    """
    key = "".join(ch for ch in str(name).lower() if ch not in " -_./")
    try:
        star_class, implied = _ALIASES[key]
    except KeyError:
        subtypes = ", ".join(s for subs in SUBTYPES.values() for s in subs if s.lower() in _ALIASES)
        raise InputError(
            f"unknown star class {name!r}",
            allowed=f"{', '.join(STAR_CLASSES)} or a subtype ({subtypes})",
            remedy=did_you_mean(name, (*STAR_CLASSES, *subtypes.split(", "))),
        ) from None
    if not subtype:
        return star_class, implied
    if subtype not in SUBTYPES[star_class] or implied not in (None, subtype):
        allowed = (implied,) if implied else SUBTYPES[star_class]
        raise InputError(f"subtype {subtype!r} does not fit star class {name!r}", allowed=", ".join(allowed))
    return star_class, subtype


def display_name(star_class: str, subtype: str) -> str:
    """Name a star's kind for titles.

    Parameters
    ----------
    star_class : str
        One of `STAR_CLASSES`.
    subtype : str
        Subtype, or ``""``.

    Returns
    -------
    str
        The subtype where it stands for itself (``"RRab"``), otherwise the class and the subtype
        (``"CEP F"``).
    """
    if subtype == star_class or _ALIASES.get(subtype.lower()) == (star_class, subtype):
        return subtype
    return f"{star_class} {subtype}".strip()


def is_binary(star_class: str) -> bool:
    """Tell whether phase zero is a primary minimum and the orbit shows two minima."""
    return star_class in ("ECL", "ELL")
