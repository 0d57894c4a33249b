"""A first configuration from received events (R-42), with a mark at every value that only people know. Pure.

A value that an exchange does not give (names of lines, which are TTY lines, languages of its menus in words) is
marked FILL IN. An apparent fault at the exchange is reported as configuration, never as a person's fault.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from statistics import median
from textwrap import wrap

from jinja2 import Environment, PackageLoader, StrictUndefined

from callmon.config.exchange import ExchangeSettings
from callmon.config.lines import RING_CYCLE
from callmon.config.phone_numbers import TOLL_FREE, e164
from callmon.tools.doctor.learn import Dialled, TrafficSample

FILL_IN = "FILL IN / À REMPLIR"
WIDTH = 100
_GRACE = timedelta(milliseconds=500)  # a dial time-out of 24 s arrives at 24.02 s
_ALIKE = timedelta(seconds=1)


def propose(sample: TrafficSample, name: str, exchange: ExchangeSettings | None = None) -> str:
    """A first configuration, as the text of its file."""
    # A channel that dials in is a trunk, unless it proved to be an internal phone that shows a long number.
    lines = {key: line for key, line in sorted(sample.lines.items()) if line.trunks - sample.phones}
    templates = Environment(
        loader=PackageLoader("callmon.tools.doctor", ""),
        autoescape=False,  # the text is TOML
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {
        "text": _text,
        "array": lambda values: f"[{', '.join(map(_text, sorted(values)))}]",
        "comment": _comment,
        "counted": _counted,
        "is_number": e164,
        "ring_time": _ring_time,
        "two_letters": lambda languages: {language[:2].lower() for language in languages},
    }
    has_toll_free = any(key.removeprefix("+1")[:3] in TOLL_FREE for key in lines if key.startswith("+1"))
    return templates.get_template("proposal.jinja").render(
        heard=sample, name=name, exchange=exchange, lines=lines, has_toll_free=has_toll_free, fill_in=FILL_IN
    )


def _ring_time(line: Dialled) -> Iterator[str]:
    """How long phones ring before voicemail: reported as configuration, never as a person's fault."""
    if not line.rang:
        return
    typical = timedelta(seconds=median(length.total_seconds() for length in line.rang))
    full = (typical + _GRACE) // RING_CYCLE
    least, most = min(line.rang), max(line.rang)
    between = "" if most - least < _ALIKE else f" (from {_seconds(least)} to {_seconds(most)})"
    yield f"Voicemail took {len(line.rang)} of its calls after {_seconds(typical)}{between}: {full} full rings."
    if full != 4:
        yield "The policy has voicemail after the fourth ring (24 s): set the exchange's ring time."


def _counted(forms: Mapping[str, int]) -> str:
    return ", ".join(f"{form} ({count})" for form, count in sorted(forms.items()))


def _comment(text: str) -> str:
    return "\n".join(wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False))


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.1f} s"


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)
