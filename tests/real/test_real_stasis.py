"""An application of ARI on a real Asterisk calls a phone for a caller, and no event names the caller."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.needed import needed
from tests.lab.play import play
from tests.lab.stasis import Stasis
from tests.support.ami_builders import replayed

pytestmark = pytest.mark.lab
GENERAL = "4163272422"


def test_an_applications_phone_rang_for_the_caller_it_joined(tmp_path: Path) -> None:
    called = Situation(
        "stasis_without_originator",
        LabCaller(GENERAL, route="lab-stasis", gives_up=60.0, steps=(Step(9.0, "hang_up"),)),
        {"127": Phone(answers=7.0)},
    )
    stream = tmp_path / "heard.ami"
    with needed("22"):
        asterisk = Asterisk()
    application = Stasis(asterisk, "127")
    with asterisk, application, Listener(asterisk.ami_port, "callmon", asterisk.secret, stream):
        (made,) = play(asterisk, [called])
    assert made.fault is None
    (call,) = replayed(stream.read_bytes()).calls()
    shown = (call["outcome"], call["answered_by"]["extension"], call["rings"], call["wait_start"])
    assert shown == ("answered", "127", 2, "phone")
