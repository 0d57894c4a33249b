"""What a test does where a server of the lab is missing: skipped on a desk, failed where CI must have it."""

from __future__ import annotations

import pytest

from tests.lab import needed as lab
from tests.lab.folder import LabUnavailable


def outcome(name: str, monkeypatch: pytest.MonkeyPatch, **given: str) -> tuple[str, str]:
    """How a test ends that needs this, and what it says."""
    monkeypatch.setattr(lab, "GIVEN", given)
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception)) as ended, lab.needed(name):
        raise LabUnavailable("no root")
    return ended.typename, str(ended.value)


@pytest.mark.parametrize("name", ["22", "16", *lab.OTHERS])
def test_ci_fails_without_any_one_server_and_a_desk_skips(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(name, monkeypatch, CALLMON_LAB="required") == (
        "Failed",
        f"CI must have {lab.named(name)}: no root",
    )
    assert outcome(name, monkeypatch) == ("Skipped", f"no {lab.named(name)} here: no root")
