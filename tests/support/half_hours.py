"""Where the half-hours of a real centre are: in a folder beside the repository, or where the variable says."""

from pathlib import Path

from tests.support.daemon_process import ROOT
from tests.support.environment import GIVEN

HALF_HOURS = Path(GIVEN.get("CALLMON_HALF_HOURS", ROOT.parent / "shared" / "half-hours.csv"))
