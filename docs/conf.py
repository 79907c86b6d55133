"""Sphinx: the pages of this folder and the reference of every public name, as one site.

``make docs`` builds it into ``docs/_build/html``.
"""

from importlib import metadata
from pathlib import Path
from typing import Any

project = "pelsvae_cadence"
author = "the pelsvae_cadence developers"
release = metadata.version("pelsvae-cadence")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.viewcode", "numpydoc", "myst_parser"]
exclude_patterns = ["_build"]
# Pages link to headings of one another as a reader of the plain files would.
myst_heading_anchors = 3

default_role = "autolink"  # `name` becomes a link where the name is documented
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # an override is documented at its base
autodoc_typehints = "none"  # numpydoc's tables say more
numpydoc_show_class_members = False  # listed where they are documented, not twice
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = f"pelsvae_cadence {release}"
html_theme_options = {
    "navigation_with_keys": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False


def front_page(app: Any, docname: str, source: list[str]) -> None:
    """Begin the site with the README, its links seen from this folder."""
    if docname == "index":
        readme = (Path(app.srcdir).parent / "README.md").read_text(encoding="utf-8")
        links = readme.replace("](docs/", "](").replace("](examples/", "](../examples/")
        links = links.replace("](CITATION.cff", "](../CITATION.cff").replace(
            "](CONTRIBUTING.md", "](contributing.md"
        )
        source[0] = links + "\n" + source[0]


def setup(app: Any) -> None:
    """Connect to Sphinx."""
    app.connect("source-read", front_page)
