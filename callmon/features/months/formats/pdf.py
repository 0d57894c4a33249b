"""A report as PDF/UA: the page of `html.py` through WeasyPrint, then what PDF/UA needs and WeasyPrint does not do.

Table headers get their scopes. Running heads and feet become artifacts, separate from the text.

WeasyPrint is an extra package and needs Pango, a system library. If either is missing, the error names the
page that says how to install them, and every other format still works.
"""

import gc
import os
from collections import defaultdict
from ctypes import CDLL
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from callmon.errors import MissingError, Sentence

MISSING = Sentence(
    'A PDF needs WeasyPrint and the system\'s Pango: see "Extras" in docs/en/how-to/install.md. '
    "Or print the HTML from a browser."
)
PRINTED = 4  # the Print flag of an annotation
EPOCH = "SOURCE_DATE_EPOCH"  # fontTools uses its value as the current time
PANGO = ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib")

Elements: TypeAlias = dict[bytes, Any]  # the structure elements of a PDF by their reference


@cache
def is_available() -> bool:
    """Whether this machine can make a PDF. WeasyPrint is not imported: a daemon would keep its memory."""
    return find_spec("weasyprint") is not None and any(map(_loads, PANGO))


def _loads(library: str) -> bool:
    try:
        CDLL(library)
    except OSError:
        return False
    return True


def pdf(html: bytes) -> bytes:
    """A tagged PDF with title and language. Raises MissingError without WeasyPrint or Pango."""
    try:
        weasyprint = import_module("weasyprint")
    except (ImportError, OSError):
        raise MissingError(MISSING) from None
    os.environ[EPOCH] = "0"  # no time stamp in the embedded fonts: the same report gives the same bytes
    gc.disable()  # nearly all objects live until the end: to look for garbage takes a tenth of the time
    try:
        source = weasyprint.HTML(string=html.decode(), url_fetcher=_nothing)
        made: bytes = source.write_pdf(finisher=_finish, pdf_variant="pdf/ua-1")
    finally:
        gc.enable()
    return made


def _nothing(url: str, *_: Any, **__: Any) -> Any:
    """Refuse to fetch: the page is one file. Raises ValueError."""
    raise ValueError(f"{url}: a report needs nothing from outside")


def _finish(_: Any, made: Any) -> None:
    """Complete the PDF before it is written. `made`: pydyf's, whose objects are dictionaries and streams."""
    objects: list[Any] = [x for x in made.objects if isinstance(x, dict)]
    elements = {x.reference: x for x in objects if x.get("Type") == "/StructElem"}
    _give_scopes(elements)
    _prune(elements)
    streams = {x.reference: x.stream for x in made.objects if hasattr(x, "stream")}
    tagged = _tagged(elements)
    for page in objects:
        if page.get("Type") == "/Page":
            _put_aside(streams[page["Contents"]], tagged[page.reference])
        if page.get("Subtype") == "/Link":
            page["F"] = PRINTED  # a visible link is also printed


def _give_scopes(elements: Elements) -> None:
    """Set the scope of table headers: those of the head are of columns, any other is of its row."""
    for head in elements.values():
        if head["S"] == "/TH":
            group = elements[elements[head["P"]]["P"]]
            scope = "/Column" if group["S"] == "/THead" else "/Row"
            head["A"] = type(head)({"O": "/Table", "Scope": scope})


def _prune(elements: Elements) -> None:
    """Remove the elements of the bars in cells, which have no text; the innermost first."""
    for reference, span in reversed(elements.items()):
        if span["S"] == "/Span" and not span["K"] and reference in (siblings := elements[span["P"]]["K"]):
            siblings.remove(reference)


def _tagged(elements: Elements) -> defaultdict[bytes, set[int]]:
    """The numbers of the marked content that belongs to an element of the document, by its page."""
    found: defaultdict[bytes, set[int]] = defaultdict(set)

    def look(element: Any) -> None:
        for child in element["K"]:
            if isinstance(child, int):
                found[element["Pg"]].add(child)
            elif child in elements:
                look(elements[child])

    look(next(x for x in elements.values() if x["S"] == "/Document"))
    return found


def _put_aside(stream: list[Any], tagged: set[int]) -> None:
    """Mark as artifacts what belongs to no element: the running head and foot."""
    for index, operator in enumerate(stream):
        if operator == b"BDC" and stream[index - 1]["MCID"] not in tagged:
            stream[index - 2] = "/Artifact"
            properties = stream[index - 1]
            properties.clear()
            properties["Type"] = "/Pagination"
