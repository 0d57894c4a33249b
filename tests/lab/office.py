"""Programs that people open files with, from the browser's Debian folder: LibreOffice, and poppler for PDFs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.lab.folder import LabUnavailable, folder, inside
from tests.lab.place import Place

SECONDS = 180


def as_pdf(document: bytes, name: str) -> bytes:
    """A document as printed by LibreOffice. `name` has the document's suffix (`x.xlsx`)."""
    return _made(document, name, lambda home: (
        "env", f"HOME={home}", "soffice", "--headless", "--convert-to", "pdf", "--outdir", home, f"{home}/{name}",
    ), Path(name).with_suffix(".pdf").name)  # fmt: skip


def text_of(pdf: bytes) -> str:
    """The text of a PDF, with its layout."""
    command = ("pdftotext", "-layout")
    return _made(pdf, "x.pdf", lambda home: (*command, f"{home}/x.pdf", f"{home}/x.txt"), "x.txt").decode()


def _made(document: bytes, name: str, command: Callable[[str], tuple[str, ...]], wanted: str) -> bytes:
    debian = folder("browser")
    place = Place(debian, "office")
    try:
        (place.path / name).write_bytes(document)
        home = f"/{place.path.relative_to(debian)}"
        done = subprocess.run(
            inside(debian, *command(home)), capture_output=True, text=True, errors="replace", timeout=SECONDS
        )
        if done.returncode or not (place.path / wanted).exists():
            raise LabUnavailable(f"{name} cannot be opened: {done.stderr[-300:]}")
        return (place.path / wanted).read_bytes()
    finally:
        place.leave()
