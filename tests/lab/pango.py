"""Pango, which WeasyPrint draws with: a library of the system, so of this machine and not of the lab's folder."""

from __future__ import annotations

import os
import shutil
from ctypes.util import find_library

from tests.lab.folder import LabUnavailable, run

LIBRARIES = ("pango-1.0", "pangoft2-1.0", "harfbuzz", "harfbuzz-subset", "fontconfig")
PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")


def have_pango() -> None:
    """Installs it on a Debian where we may. Raises LabUnavailable with the reason."""
    if all(find_library(name) for name in LIBRARIES):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabUnavailable(f"a PDF needs Pango: apt-get install {' '.join(PACKAGES)}")
    run("apt-get", "update")
    run("apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)
