"""The source files whose texts people read, by the context of these texts in the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

import callmon

CALLMON = Path(callmon.__file__).parent
PAGES = ("page.py", "half_hours.py")  # in a feature
STORIES = ("features/disruptions/notice/text.py", "features/months/sign_off_text.py")
OF_REPORTS = CALLMON / "text" / "attestations.py"


def of_commands() -> list[Path]:
    """The modules of the commands, and what they share."""
    known = re.compile(r"^ *from callmon\.cli[. ]", re.M)
    return [path for path in CALLMON.rglob("*.py") if known.search(path.read_text(encoding="utf-8"))]


def of_pages() -> list[Path]:
    """Sign-in has words of its own."""
    web = CALLMON / "web"
    shell = [path for path in web.rglob("*.py") if "auth" not in path.relative_to(web).parts]
    return [*shell, *(path for path in (CALLMON / "features").rglob("*.py") if path.name in PAGES)]


def of_stories() -> list[Path]:
    texts = [path for path in (CALLMON / "text").rglob("*.py") if path != OF_REPORTS]
    return [*texts, *(CALLMON / name for name in STORIES)]


def of_reports() -> list[Path]:
    others = {*of_commands(), *of_pages(), *of_stories()}
    return [OF_REPORTS, *(path for path in (CALLMON / "features" / "months").rglob("*.py") if path not in others)]
