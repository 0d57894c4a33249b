"""Prints the section `time_intervals:` of alertmanager.yml from the calendar in callmon's configuration.

    /opt/callmon/bin/python time_intervals.py /etc/callmon/callmon.toml [MONTHS] [FIRST-DAY]
"""

import sys
from datetime import UTC, date, datetime

from callmon.alerting import as_yaml, time_intervals
from callmon.settings import load

config, *more = sys.argv[1:]
settings = load(config)
months = int(more[0]) if more else 26
first = date.fromisoformat(more[1]) if more[1:] else datetime.now(UTC).astimezone(settings.timezone).date()
sys.stdout.write(as_yaml(time_intervals(settings.calendar(), first, months)))
