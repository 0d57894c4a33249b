"""The documentation as a site: `make docs`, by Sphinx with MyST and furo. The pages themselves are plain Markdown.

The source folder is the repository: a link between two Markdown files becomes one between two pages. The menu is
made from the links of the indexes. Sphinx knows one language a site: `finish` translates the French frame.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import sphinx
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
TOP = {"English": ["docs/en/index"], "Français": ["LISEZMOI", "docs/fr/index"]}
# The links of an index to these are the menu below it, in their order.
BELOW = {"docs/en/index": ("docs/en/", "asterisk/README"), "docs/fr/index": ("docs/fr/", "asterisk/LISEZMOI")}
FRENCH = ("docs/fr/*.html", "docs/fr/*/*.html", "LISEZMOI.html", "asterisk/LISEZMOI.html", "recherche.html")
REACHED = {  # by keyboard and screen reader: what furo leaves out
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Menu">',
    '<div class="highlight"><pre>': '<div class="highlight"><pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}
FRAME = {
    '<html class="no-js" lang="en"': '<html class="no-js" lang="fr"',
    'README.html"><div class="brand">': 'LISEZMOI.html"><div class="brand">',
    'README.html">\n  \n  <span class="sidebar': 'LISEZMOI.html">\n  \n  <span class="sidebar',
    "Skip to content</a>": "Passer au contenu</a>",
    "Toggle site navigation sidebar": "Afficher ou masquer le menu du site",
    "Toggle table of contents sidebar": "Afficher ou masquer le sommaire de la page",
    "Toggle navigation of ": "Afficher ou masquer les pages de ",
    "Toggle Light / Dark / Auto color theme": "Changer de thème : clair, sombre ou automatique",
    'title="Search"': 'title="Rechercher"',
    'placeholder="Search"': 'placeholder="Rechercher"',
    'aria-label="Search"': 'aria-label="Rechercher"',
    "<span>Back to top</span>": "<span>Haut de la page</span>",
    "<span>Next</span>": "<span>Page suivante</span>",
    "<span>Previous</span>": "<span>Page précédente</span>",
    '<div class="title">Home</div>': '<div class="title">Accueil</div>',
    "Made with ": "Fait avec ",
    'search.html"': 'recherche.html"',
    "<title>Search - ": "<title>Recherche - ",
    '<p class="admonition-title">Error</p>': '<p class="admonition-title">Erreur</p>',
    "Please activate JavaScript to enable the search functionality.": "La recherche demande JavaScript.",
    '<script src="_static/searchtools.js">': (
        '<script src="_static/recherche.js"></script>\n<script src="_static/searchtools.js">'
    ),
    "On this page\n": "Sur cette page\n",
}

project = "callmon"
version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
html_title = f"callmon {version}"
language = "en"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = [
    "*.md",
    "asterisk/*.md",
    "bench/*.md",
    "callmon/text/locale/*.md",
    "dashboards/**.md",
    "dev/**.md",
    "docs/**.md",
    "tests/**.md",
]
exclude_patterns = [".*", "build", "dist", "faults"]
suppress_warnings = ["toc.not_included"]  # engineers' pages are linked, and not in the menu
myst_heading_anchors = 4
html_theme = "furo"
html_copy_source = html_show_copyright = html_show_sourcelink = html_show_sphinx = html_use_index = False


def menu(app: Sphinx, page: str, source: list[str]) -> None:
    """Appends the menu to a page that has one."""
    menus = TOP if page == root_doc else {}
    if page in BELOW:
        linked = (ROOT / Path(page).parent / link for link in re.findall(r"\]\(([^)#]+)\.md\)", source[0]))
        names = dict.fromkeys(str(path.resolve().relative_to(ROOT)) for path in linked)
        menus = {page: [name for name in names if name.startswith(BELOW[page])]}
    for caption, names in menus.items():
        listed = "\n".join(f"/{name}" for name in names)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n"


def finish(app: Sphinx, error: Exception | None) -> None:
    """Completes the pages, translates the frame of the French ones, makes the front page the index."""
    if error:
        return
    shutil.copy(app.outdir / "search.html", app.outdir / "recherche.html")
    reported = Path(sphinx.__file__).parent / "locale" / "fr" / "LC_MESSAGES" / "sphinx.js"  # what the script says
    shutil.copy(reported, app.outdir / "_static" / "recherche.js")
    french = {path for pattern in FRENCH for path in app.outdir.glob(pattern)}
    for path in app.outdir.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for old, new in (REACHED | (FRAME if path in french else {})).items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    shutil.copy(app.outdir / "README.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    app.connect("source-read", menu)
    app.connect("build-finished", finish)
