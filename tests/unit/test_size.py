"""`dev/size.py`: what a code line is, and when a folder is larger than its number."""

from __future__ import annotations

from pathlib import Path

from dev.size import count_code_lines, measured, too_large

MODULE = '''"""What this is.

Two lines of it."""

import sys  # a comment beside code

# A comment alone.
TEXT = """a string
that is no docstring

of four lines"""


def f(
    x: int,
) -> int:
    """What f is."""
    return x
'''


def test_blanks_comments_and_docstrings_are_no_code_lines() -> None:
    assert count_code_lines(MODULE) == 1 + 4 + 4


def test_a_feature_has_a_row_and_tests_count_all_lines(tmp_path: Path) -> None:
    for path in (
        "callmon/main.py",
        "callmon/core/calls/call.py",
        "callmon/features/actions.py",
        "callmon/features/now/page.py",
        "tests/unit/test_call.py",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("# nothing\nX = 1\n", encoding="utf-8")
    assert measured(tmp_path) == {
        "callmon": 1,
        "callmon/core": 1,
        "callmon/features": 1,
        "callmon/features/now": 1,
        "tests": 2,
    }


def test_a_folder_may_shrink_but_not_grow_nor_lack_a_number() -> None:
    sizes = {"callmon/ami": 9, "callmon/core": 10, "callmon/text": 11, "callmon/new": 1}
    limits = dict.fromkeys(("callmon/ami", "callmon/core", "callmon/text"), 10)
    assert [sentence.split(":")[0] for sentence in too_large(sizes, limits)] == [
        "callmon/text has 11 lines, dev/size.toml allows 10",
        "callmon/new has no number in dev/size.toml",
    ]
