"""A runbook as the page that callmon serves: the Markdown of docs/ as HTML within the site's layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt

from callmon.text.formatter import Formatter

CONTENTS = {"fr": "Sommaire", "en": "Contents"}
NAMED = re.compile(r"^## ([\w-]+)\n\n\*\*([^*]+?)\.?\*\* ?", re.MULTILINE)  # an identifier, then its title
CODE = re.compile(r"<code>.*?</code>", re.DOTALL)
# A browser would break « -rx » behind its hyphen.
HYPHENED = re.compile(r"(?<![\w<>&/.-])(?=[^\s<>&]{,28}[\s<])[^\s<>&]*-[^\s<>&]*")
PICTURE = re.compile(r"^(?:!\[|The pictures |Les images )(?:.+\n)+\n", re.MULTILINE)


def page(runbook: str, language: str) -> str:
    """The template's part, without the title, the pictures, and what leads to other files."""
    first, _, rest = runbook.partition("\n\n")[2].partition("\n\n")
    first = re.split(r" (?:Back to|Retour au)\s", first.replace("\n", " "))[0]
    rest = PICTURE.sub("", rest.partition("\n\n")[2])
    rest = NAMED.sub(lambda one: f"## {one[2]}{'' if '-' in one[1] else f' `{one[1]}`'}\n\n", rest)
    made = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).render(f"{first}\n\n{rest}")
    if "{{" in made or "{%" in made or re.search(r'href="(?!#)', made):
        raise ValueError("the runbook has a link to another file, or a sign of the templates")
    made = CODE.sub(lambda code: HYPHENED.sub(r'<span class="whole">\g<0></span>', code[0]), made)
    headings = list(_headings(runbook))
    for (anchor, _), title in zip(headings, re.findall(r"<h2>(.*)</h2>", made), strict=True):
        made = made.replace(f"<h2>{title}</h2>", f'<h2 id="{anchor}">{title}</h2>', 1)
    links = "".join(
        f'<li><a href="#{anchor}">{escape(title, quote=False)}</a></li>\n' for anchor, title in headings
    )
    label = CONTENTS[language]
    contents = f'<nav class="contents" aria-label="{label}">\n<ul>\n{links}</ul>\n</nav>\n'
    whole = made.replace("<h2", f"{contents}<h2", 1)
    typeset = Formatter(language, ZoneInfo("America/Toronto")).typeset
    return "".join(f"{typeset(line)}\n" for line in whole.splitlines())


def _headings(runbook: str) -> Iterator[tuple[str, str]]:
    """(anchor as a forge makes it, title) of each section."""
    titles = dict(NAMED.findall(runbook))
    for heading in re.findall(r"^## (.+)$", runbook, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")
        yield slug, titles.get(heading, heading)
