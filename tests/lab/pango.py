"""Pango, which WeasyPrint draws with: a system library, so on this machine and not in the lab's folder."""

from __future__ import annotations

from tests.lab.system import have

LIBRARIES = ("pango-1.0", "pangoft2-1.0", "harfbuzz", "harfbuzz-subset", "fontconfig")
PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")


def have_pango() -> None:
    """Installs it on Debian, if permitted. Raises LabUnavailable with the reason."""
    have("a PDF needs Pango", LIBRARIES, PACKAGES)
