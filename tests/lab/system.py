"""Libraries and programs of this machine itself that a small Debian lacks: no folder of the lab supplies them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from ctypes.util import find_library

from tests.lab.folder import LabUnavailable, install_here


def have(need: str, libraries: Iterable[str], packages: Iterable[str], programs: Iterable[str] = ()) -> None:
    """Installs them on Debian, if permitted. Raises LabUnavailable, whose text begins with `need`."""
    if all(map(find_library, libraries)) and all(map(shutil.which, programs)):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabUnavailable(f"{need}: apt-get install {' '.join(packages)}")
    install_here(*packages)
