"""A runbook as the page that callmon serves: the Markdown of docs/ as HTML within the site's layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt

from callmon.text.formatter import Formatter
from callmon.text.labels import typographic

CONTENTS = {"fr": "Sommaire", "en": "Contents"}
# An identifier, then its title and, of an alert, how bad it is and how long it may wait.
URGENCY = r"(?:\n((?:Critical|Warning|Note|Critique|Avertissement|Information) ?: [^.]+)\. ?)?"
NAMED = re.compile(rf"^## ([\w-]+)\n\n\*\*([^*]+?)\.?\*\*{URGENCY} ?", re.MULTILINE)
ALERT = re.compile(r"^<h2.*<code>(Callmon\w+)</code>.*</h2>$", re.MULTILINE)  # what it measures follows
CODE = re.compile(r"<code>.*?</code>", re.DOTALL)
ELISION = re.compile(r"<code>.*?</code>|(?<=\w)'", re.DOTALL)  # code is left as it is
# A browser would break « -rx » behind its hyphen.
HYPHENED = re.compile(r"(?<![\w<>&/.-])(?=[^\s<>&]{,28}[\s<])[^\s<>&]*-[^\s<>&]*")
PICTURE = re.compile(r"^(?:!\[|The pictures |Les images )(?:.+\n)+\n", re.MULTILINE)


def page(runbook: str, language: str) -> str:
    """The template's part, without the title, the pictures, and what leads to other files."""
    first, _, rest = runbook.partition("\n\n")[2].partition("\n\n")
    first = re.split(r" (?:Back to|Retour au)\s", first.replace("\n", " "))[0]
    rest = PICTURE.sub("", rest.partition("\n\n")[2])
    rest = NAMED.sub(_heading, rest)
    made = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).render(f"{first}\n\n{rest}")
    if "{{" in made or "{%" in made or re.search(r'href="(?!#)', made):
        raise ValueError("the runbook has a link to another file, or a sign of the templates")
    elided = ELISION if language == "fr" else CODE
    made = elided.sub(lambda found: "’" if found[0] == "'" else found[0], made)
    made = CODE.sub(lambda code: HYPHENED.sub(r'<span class="whole">\g<0></span>', code[0]), made)
    headings = [
        (anchor, typographic(title) if language == "fr" else title) for anchor, title in _headings(runbook)
    ]
    for (anchor, _), title in zip(headings, re.findall(r"<h2>(.*)</h2>", made), strict=True):
        made = made.replace(f"<h2>{title}</h2>", f'<h2 id="{anchor}">{title}</h2>', 1)
    links = "".join(
        f'<li><a href="#{anchor}">{escape(title, quote=False)}</a></li>\n' for anchor, title in headings
    )
    label = CONTENTS[language]
    contents = f'<nav class="contents" aria-label="{label}">\n<ul>\n{links}</ul>\n</nav>\n'
    whole = made.replace("<h2", f'{{% include "_numbers.html" %}}\n{contents}<h2', 1)
    typeset = Formatter(language, ZoneInfo("America/Toronto")).typeset
    text = "".join(f"{typeset(line)}\n" for line in whole.splitlines())
    return ALERT.sub(r'\g<0>\n{% set alert = "\1" %}{% include "_alert_now.html" %}', text)


def _heading(one: re.Match[str]) -> str:
    """The heading of an alert also has its name, how bad it is, and how long it may wait."""
    name = "" if "-" in one[1] else f" `{one[1]}`"
    urgency = f" *{one[3]}*" if one[3] else ""
    return f"## {one[2]}{name}{urgency}\n\n"


def _headings(runbook: str) -> Iterator[tuple[str, str]]:
    """(anchor as a forge makes it, title) of each section."""
    titles = {name: title for name, title, _ in NAMED.findall(runbook)}
    for heading in re.findall(r"^## (.+)$", runbook, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")
        yield slug, titles.get(heading, heading)
