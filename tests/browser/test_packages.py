"""What `make dist` makes is the same twice. `python -m dev.packages` tries the packages in Debian."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from callmon import __version__
from tests.support.daemon_process import ROOT

MAKE = ROOT / ".ci" / "packages" / "make"
SCRIPTS = ("postinst", "postrm", "prerm")


@pytest.mark.lab
def test_two_builds_of_the_wheel_and_the_source_archive_are_the_same_bytes(tmp_path: Path) -> None:
    sums = []
    for name in ("one", "two"):
        subprocess.run([MAKE, sys.executable, tmp_path / name, "archives"], check=True, stdout=subprocess.DEVNULL)
        sums.append((tmp_path / name / "SHA256SUMS").read_text())
    assert sums[0] == sums[1]
    wheel, source = f"callmon-{__version__}-py3-none-any.whl", f"callmon-{__version__}.tar.gz"
    named = [line.split()[1] for line in sums[0].splitlines()]
    assert named == [wheel, f"{wheel}.cdx.json", source, f"{source}.cdx.json"]
    bill = json.loads((tmp_path / "one" / named[1]).read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["version"]) == ("CycloneDX", __version__)


def test_the_packages_scripts_run_in_a_shell_and_purge_no_record() -> None:
    written = {name: (MAKE.parent / "debian" / name).read_text() for name in SCRIPTS}
    reported = [
        subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True).stderr
        for text in written.values()
    ]
    assert reported == ["", "", ""]
    deleted = [line.split()[-1] for line in written["postrm"].splitlines() if line.strip().startswith("rm ")]
    assert deleted == [
        "/etc/callmon/callmon.toml",
        "/etc/systemd/system/multi-user.target.wants/callmon.service",
        "/etc/systemd/system/timers.target.wants/callmon-reports.timer",
    ]
