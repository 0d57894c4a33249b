"""A report as PDF/UA: the page of `page.py` through WeasyPrint, and what that leaves undone.

The heads of tables get their scopes; page numbers are set apart from the text.

WeasyPrint is an extra (`pip install "callmon[pdf]"`) and needs Pango, a library of the system: where one is
missing, a sentence says what to install, and every other format works.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from typing import Any

from callmon.errors import MissingError

MISSING = (
    "A PDF needs WeasyPrint and the system's Pango: install them with `pip install 'callmon[pdf]'` and "
    "`apt-get install libpango-1.0-0 libpangoft2-1.0-0`, or print the HTML from a browser."
)
MARKED = re.compile(rb"/\w+\s*<<\s*/MCID \d+\s*>>\s*BDC")
PRINTED = 4  # the flag of an annotation
EPOCH = "SOURCE_DATE_EPOCH"  # what fontTools takes for the present time


def pdf(html: bytes) -> bytes:
    """Tagged, titled, in the page's language. Raises MissingError where it cannot be made."""
    try:
        pikepdf, weasyprint = import_module("pikepdf"), import_module("weasyprint")
    except (ImportError, OSError):
        raise MissingError(MISSING) from None
    source = weasyprint.HTML(string=html.decode(), url_fetcher=_nothing)
    with _no_time():
        made = source.write_pdf(pdf_variant="pdf/ua-1")
    with pikepdf.open(BytesIO(made)) as document:
        _give_scopes(document, pikepdf)
        for page in document.pages:
            _put_aside_foot(page)
            _print_links(page)
        data = BytesIO()
        document.save(data, deterministic_id=True)
    return data.getvalue()


@contextmanager
def _no_time() -> Iterator[None]:
    """The fonts in the file would bear the second in which it was made: the same report must be the same bytes."""
    before = os.environ.get(EPOCH)
    os.environ[EPOCH] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[EPOCH]
        else:
            os.environ[EPOCH] = before


def _nothing(url: str, *_: Any, **__: Any) -> Any:
    """The page is one file: nothing is fetched."""
    raise ValueError(f"{url}: a report needs nothing from outside")


def _give_scopes(document: Any, pikepdf: Any) -> None:
    """A head in a table's first row is of its column, any other of its row."""
    for table in _elements(document.Root.StructTreeRoot, "/Table"):
        for index, row in enumerate(_elements(table, "/TR")):
            for head in _elements(row, "/TH"):
                scope = pikepdf.Name.Column if index == 0 else pikepdf.Name.Row
                head.A = pikepdf.Dictionary(O=pikepdf.Name.Table, Scope=scope)


def _put_aside_foot(page: Any) -> None:
    """The page's number, which WeasyPrint draws last, is content of no element: an artifact."""
    page.contents_coalesce()
    data = page.Contents.read_bytes()
    foot = [*MARKED.finditer(data)][-1]
    page.Contents.write(data[: foot.start()] + b"/Artifact <</Type /Pagination>> BDC" + data[foot.end() :])


def _print_links(page: Any) -> None:
    """What is seen is also printed."""
    for link in page.get("/Annots", ()):
        link.F = PRINTED


def _elements(root: Any, kind: str) -> list[Any]:
    """The structure elements of that kind under `root`, in order."""
    found: list[Any] = []
    waiting = _children(root)
    while waiting:
        one = waiting.pop(0)
        if str(one.get("/S", "")) == kind:
            found.append(one)
        waiting = [*_children(one), *waiting]
    return found


def _children(one: Any) -> list[Any]:
    """A structure element's own elements; marked content is a number, or a dictionary without a kind."""
    kids = one.get("/K")
    listed = kids if _is(kids, "Array") else [kids]
    return [x for x in listed if _is(x, "Dictionary")]


def _is(value: Any, kind: str) -> bool:
    named = getattr(value, "_type_name", "")
    return str(named).lower() == kind.lower()
