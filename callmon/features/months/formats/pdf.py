"""A report as PDF/UA: the page of `html.py` through WeasyPrint, then what PDF/UA needs and WeasyPrint does not do.

Table headers get their scopes. Page numbers become artifacts, separate from the text.

WeasyPrint is an extra package and needs Pango, a system library. If either is missing, the error names the
page that says how to install them, and every other format still works.
"""

import os
import re
from collections.abc import Iterator
from ctypes import CDLL
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from callmon.errors import MissingError, Sentence

MISSING = Sentence(
    'A PDF needs WeasyPrint and the system\'s Pango: see "Extras" in docs/en/how-to/install.md. '
    "Or print the HTML from a browser."
)
MARKED = re.compile(rb"/\w+\s*<<\s*/MCID \d+\s*>>\s*BDC")
PRINTED = 4  # the Print flag of an annotation
EPOCH = "SOURCE_DATE_EPOCH"  # fontTools uses its value as the current time
PACKAGES = ("pikepdf", "weasyprint")
PANGO = ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib")


@cache
def is_available() -> bool:
    """Whether this machine can make a PDF. WeasyPrint is not imported: a daemon would keep its memory."""
    return all(map(find_spec, PACKAGES)) and any(map(_loads, PANGO))


def _loads(library: str) -> bool:
    try:
        CDLL(library)
    except OSError:
        return False
    return True


def pdf(html: bytes) -> bytes:
    """A tagged PDF with title and language. Raises MissingError without WeasyPrint, pikepdf or Pango."""
    try:
        pikepdf, weasyprint = import_module("pikepdf"), import_module("weasyprint")
    except (ImportError, OSError):
        raise MissingError(MISSING) from None
    source = weasyprint.HTML(string=html.decode(), url_fetcher=_nothing)
    os.environ[EPOCH] = "0"  # no time stamp in the embedded fonts: the same report gives the same bytes
    made = source.write_pdf(pdf_variant="pdf/ua-1")
    with pikepdf.open(BytesIO(made)) as document:
        _give_scopes(document, pikepdf)
        _prune(document, pikepdf)
        for page in document.pages:
            _put_aside_foot(page)
            _print_links(page)
        data = BytesIO()
        document.save(data, deterministic_id=True)
    return data.getvalue()


def _nothing(url: str, *_: Any, **__: Any) -> Any:
    """Refuse to fetch: the page is one file. Raises ValueError."""
    raise ValueError(f"{url}: a report needs nothing from outside")


def _give_scopes(document: Any, pikepdf: Any) -> None:
    """Set the scope of table headers: the first row heads columns, any other header heads its row."""
    for table in _elements(document.Root.StructTreeRoot, "/Table", pikepdf):
        for index, row in enumerate(_elements(table, "/TR", pikepdf)):
            for head in _elements(row, "/TH", pikepdf):
                scope = pikepdf.Name.Column if index == 0 else pikepdf.Name.Row
                head.A = pikepdf.Dictionary(O=pikepdf.Name.Table, Scope=scope)


def _prune(document: Any, pikepdf: Any) -> None:
    """Remove the elements of the bars in cells, which have no text; the innermost first."""
    for span in reversed([*_elements(document.Root.StructTreeRoot, "/Span", pikepdf)]):
        if not len(span.get("/K", ())):
            siblings = span.P.K if isinstance(span.P.K, pikepdf.Array) else [span.P.K]
            span.P.K = pikepdf.Array([x for x in siblings if getattr(x, "objgen", None) != span.objgen])


def _put_aside_foot(page: Any) -> None:
    """Mark the page number, which WeasyPrint draws last, as an artifact that belongs to no element."""
    page.contents_coalesce()
    data = page.Contents.read_bytes()
    foot = [*MARKED.finditer(data)][-1]
    page.Contents.write(data[: foot.start()] + b"/Artifact <</Type /Pagination>> BDC" + data[foot.end() :])


def _print_links(page: Any) -> None:
    """Set the Print flag of every link, so that a visible link is also printed."""
    for link in page.get("/Annots", ()):
        link.F = PRINTED


def _elements(root: Any, kind: str, pikepdf: Any) -> Iterator[Any]:
    """The structure elements of `kind` below `root`, in document order.

    Marked content among the children of an element is a number, or a dictionary without a kind.
    """
    kids = root.get("/K")
    for child in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(child, pikepdf.Dictionary):
            if str(child.get("/S", "")) == kind:
                yield child
            yield from _elements(child, kind, pikepdf)
