"""The tables of a PDF, read as a screen reader does: by tags, each cell's own text. Columns are not guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf

PAIRS = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
BLOCK = re.compile(rb"beginbfchar(.*?)endbfchar", re.DOTALL)
Texts = dict[int, str]  # of one page, by the number of its marked content


def tables(data: bytes) -> list[list[list[str]]]:
    """Every table, as rows of the texts of its cells."""
    with pikepdf.open(BytesIO(data)) as document:
        texts = {page.objgen: _texts(page) for page in document.pages}
        found = [x for x in _below(document.Root.StructTreeRoot) if x.S == "/Table"]
        return [[[*_cells(row, texts)] for row in _below(table) if row.S == "/TR"] for table in found]


def _cells(row: Any, texts: dict[tuple[int, int], Texts]) -> Iterator[str]:
    for cell in _below(row):
        if cell.S in ("/TH", "/TD"):
            # Text broken over lines, perhaps within a word, is several pieces.
            yield "".join(_said(cell, None, texts))


def _said(element: Any, page: Any, texts: dict[tuple[int, int], Texts]) -> Iterator[str]:
    page = element.get("/Pg", page)
    for kid in _kids(element):
        if isinstance(kid, int):
            yield texts[page.objgen].get(kid, "")  # a drawing has no text
        elif "/S" in kid:
            yield from _said(kid, page, texts)
        elif kid.get("/Type") == "/MCR":
            yield texts[kid.get("/Pg", page).objgen].get(int(kid.MCID), "")


def _kids(element: Any) -> list[Any]:
    kids = element.get("/K", pikepdf.Array())
    return list(kids) if isinstance(kids, pikepdf.Array) else [kids]


def _below(element: Any) -> Iterator[Any]:
    """The descendants of this element, in order."""
    for kid in _kids(element):
        if not isinstance(kid, int) and "/S" in kid:
            yield kid
            yield from _below(kid)


def _texts(page: Any) -> Texts:
    fonts = {name: _letters(font) for name, font in page.Resources.get("/Font", {}).items()}
    found, marks, letters = Texts(), list[int | None](), dict[int, str]()
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "BDC":
                given = operands[1]
                marks.append(int(given.MCID) if "/MCID" in given else None)
            case "BMC":
                marks.append(None)
            case "EMC":
                marks.pop()
            case "Tf":
                letters = fonts[str(operands[0])]
            case "TJ" | "Tj":
                pieces = operands[0] if str(operator) == "TJ" else operands
                reported = "".join(_read(bytes(x), letters) for x in pieces if isinstance(x, pikepdf.String))
                for mark in marks:
                    if mark is not None:
                        found[mark] = found.get(mark, "") + reported
    return found


def _letters(font: Any) -> dict[int, str]:
    """The character of each glyph of a font."""
    pairs = [pair for block in BLOCK.findall(font.ToUnicode.read_bytes()) for pair in PAIRS.findall(block)]
    return {int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in pairs}


def _read(glyphs: bytes, letters: dict[int, str]) -> str:
    numbers = (int.from_bytes(glyphs[n : n + 2]) for n in range(0, len(glyphs), 2))
    return "".join(letters[number] for number in numbers)
