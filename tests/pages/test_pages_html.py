"""The pages' HTML: nothing that a strict parser stumbles over, every id once, every target of a link there.

The Nu validator wants Java. Where that is at hand, `python -m tests.pages.test_pages_html FOLDER` writes every
page there for it: `java -jar vnu.jar FOLDER/*.html`.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree.ElementTree import Element

import pytest
from tinyhtml5.parser import HTMLParser  # type: ignore[import-untyped]  # it ships no types

from tests.pages.test_pages import AGENT, FIRST, POCI, VIEWER, act, addresses, get
from tests.support.pages_daemon import GAPPED, Site, site
from tests.unit.test_project import FORMATS

NO_PROSE = {"script", "style", "code", "pre", "option"}
NAMES = {"AVIS", "EN", "FILE"}  # words in capitals, as in EN RETARD; the place of a name in a command
POINTERS = ("for", "aria-labelledby", "aria-describedby", "list", "headers")


def every_page(place: Site) -> dict[str, str]:
    """Each page in both languages, with what only some see: a number, a refusal, a gap, no names."""
    found = {path: get(place, path).text for language in ("fr", "en") for path in addresses(language, place)}
    with place.visitor(AGENT) as visitor:
        found["number"] = visitor.post(f"/fr/rappels/{FIRST}/numero", data={"csrf": place.csrf(visitor)}).text
    found["refused"] = act(place, POCI, action="close").text
    found["gap"] = get(place, f"/en/calls/toronto/{GAPPED}", VIEWER).text
    found["not there"] = get(place, "/fr/mois/2099-01").text
    return found


def wrong(page: str) -> list[str]:
    """What is wrong with the HTML of a page."""
    parser = HTMLParser(namespace_html_elements=False)
    tree: Element = parser.parse(page)
    root = tree.getroot() if hasattr(tree, "getroot") else tree
    elements = [x for x in root.iter() if isinstance(x.tag, str)]
    ids = Counter(x.attrib["id"] for x in elements if "id" in x.attrib)
    pointed = [(name, one) for x in elements for name in POINTERS for one in x.attrib.get(name, "").split()]
    pointed += [("href", x.attrib["href"][1:]) for x in elements if x.attrib.get("href", "").startswith("#")]
    forms = [x for x in elements if x.tag == "form" and x.attrib.get("method") == "post"]
    return [
        *(
            "a form without its token"
            for x in forms
            if "csrf" not in {y.attrib.get("name") for y in x.iter("input")}
        ),
        *(f"{place}: {what}" for place, what, _ in parser.errors),
        *(f"id {name} is there {count} times" for name, count in ids.items() if count > 1),
        *(f"{name} points at {one}, which is not there" for name, one in pointed if one not in ids),
    ]


def prose(element: Element, language: str) -> Iterator[str]:
    """The texts in the page's language. A choice of a form has no place for an explanation."""
    if element.tag not in NO_PROSE and element.attrib.get("lang", language) == language:
        yield element.text or ""
        for child in element:
            if isinstance(child.tag, str):
                yield from prose(child, language)
            yield child.tail or ""


def unexplained(page: str) -> set[str]:
    """Abbreviations that are neither in brackets behind their words where they are first, nor « ATS : … »."""
    tree = HTMLParser(namespace_html_elements=False).parse(page)
    root: Element = tree.getroot() if hasattr(tree, "getroot") else tree
    (main,) = root.iter("main")
    words = " ".join("".join(prose(main, root.attrib["lang"])).split())
    is_one_screen = 'class="wall"' in page  # there the explanation is the last line
    first: dict[str, int] = {}
    for found in re.finditer(r"(?<![\w.-])[A-Z]{2,5}(?![\w-])", words):
        first.setdefault(found[0], found.start())
    bare = {x for x, at in first.items() if words.rfind("(", 0, at) <= words.rfind(")", 0, at)}
    asked = re.search if is_one_screen else re.match
    reported = {x for x in bare if asked(rf"\b{x}\s?: \w", words[first[x] :])}
    return bare - reported - FORMATS - NAMES


def test_an_abbreviation_of_a_page_is_explained_where_it_is_first(place: Site) -> None:
    assert {name: found for name, page in every_page(place).items() if (found := unexplained(page))} == {}


@pytest.mark.parametrize(("address", "named"), [("/fr/normes", "POCI"), ("/en/wall", "TTY")])
def test_a_page_without_its_explanations_is_caught(place: Site, address: str, named: str) -> None:
    page = get(place, address).text
    assert named in unexplained(re.sub(r'<p class="more acronyms">[^<]*</p>', "", page))


def test_no_page_has_a_mistake_in_its_html(place: Site) -> None:
    assert {name: found for name, page in every_page(place).items() if (found := wrong(page))} == {}


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (("<h1>", "<h1><div>"), "end-tag"),
        (('id="main"', 'id="h-story"'), "id h-story is there 2 times"),
        (('<h2 id="h-story">', "<h2>"), "aria-labelledby points at h-story, which is not there"),
        (("</table>", ""), "-tag"),
        (("<main", '<form method="post"><button>x</button></form><main'), "a form without its token"),
    ],
)
def test_a_planted_mistake_is_caught(place: Site, fault: tuple[str, str], found: str) -> None:
    page = get(place, f"/en/calls/toronto/{GAPPED}").text
    assert fault[0] in page
    assert [line for line in wrong(page.replace(*fault)) if found in line] != []


if __name__ == "__main__":
    with TemporaryDirectory() as folder, site(Path(folder)) as running:
        for number, page in enumerate(every_page(running).values()):
            (Path(sys.argv[1]) / f"{number}.html").write_text(page, encoding="utf-8")
