"""A first configuration from received events (R-42), with a mark at every value that only people know. Pure.

A value that an exchange does not give (names of lines, which are TTY lines, languages of its menus in words) is
marked FILL IN. An apparent fault at the exchange is reported as configuration, never as a person's fault.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from statistics import median
from textwrap import wrap

from callmon.config.exchange import ExchangeSettings
from callmon.config.lines import RING_CYCLE
from callmon.config.phone_numbers import TOLL_FREE, e164
from callmon.tools.doctor.learn import Dialled, TrafficSample

FILL_IN = "FILL IN / À REMPLIR"
WIDTH = 100
_GRACE = timedelta(milliseconds=500)  # a dial time-out of 24 s arrives at 24.02 s
_ALIKE = timedelta(seconds=1)


def propose(listening: TrafficSample, name: str, exchange: ExchangeSettings | None = None) -> str:
    """A first configuration, as the text of its file."""
    head, own, lines = _head(listening), _exchange(listening, name, exchange), _all_lines(listening)
    return "\n".join([*head, "", *own, "", *lines, ""])


def _head(heard: TrafficSample) -> Iterator[str]:
    yield f"# Proposed by callmon doctor --listen from {heard.calls} calls from outside."
    yield f"# Complete each {FILL_IN}. Then run: callmon check --config callmon.toml"
    yield ""
    yield f"region = {_text(heard.region)}"


def _exchange(heard: TrafficSample, name: str, exchange: ExchangeSettings | None) -> Iterator[str]:
    yield f"[exchanges.{name}]"
    yield f"host = {_text(exchange.host if exchange else '127.0.0.1')}" + ("" if exchange else f"  # {FILL_IN}")
    if exchange:
        yield f"port = {exchange.port}"
        yield from _tls(exchange)
    yield f"username = {_text(exchange.username if exchange else 'callmon')}"
    yield _secret(exchange)
    if heard.trunks:
        yield f"trunks = {_list(heard.trunks)}"
    else:
        yield f'trunks = ["PJSIP/trunk*"]  # {FILL_IN}: no call came in'
    yield from _comment(f"phones heard: {', '.join(sorted(heard.phones)) or 'none'}")
    if heard.voicemail_contexts:
        yield f"voicemail_contexts = {_list(heard.voicemail_contexts)}"
    yield from _parking(heard)
    if heard.queues:
        names = ", ".join(f'{_text(queue)} = "fr"' for queue in sorted(heard.queues))
        yield f"# queue_languages = {{ {names} }}  # {FILL_IN}: those that serve one language"
    if prefixes := heard.prefixes - {""}:
        yield f"dial_prefixes = {_list(prefixes)}"


def _parking(heard: TrafficSample) -> Iterator[str]:
    if heard.slots:
        yield from _comment(f"parked calls waited at {', '.join(sorted(heard.slots))}")
    if heard.parking_extensions:
        yield f"parking_extensions = {_list(heard.parking_extensions)}"
    elif heard.slots:
        yield f'# parking_extensions = ["700"]  # {FILL_IN}: the extension to which a transfer parks a call'


def _all_lines(heard: TrafficSample) -> Iterator[str]:
    yield "[services.service]"
    yield from _titles()
    # A channel that dials in is a trunk, unless it proved to be an internal phone that shows a long number.
    lines = {key: line for key, line in sorted(heard.lines.items()) if line.trunks - heard.phones}
    yield from _toll_free(lines)
    for number, (key, line) in enumerate(lines.items(), start=1):
        yield ""
        yield from _one_line(heard.region, f"line-{number}", key, line)
    if not lines:
        yield ""
        yield f"# {FILL_IN}: no call came from outside, so no line is known. Listen for longer, or call a line."


def _toll_free(lines: Iterable[str]) -> Iterator[str]:
    """A toll-free number may end on another number: then its calls look like that number's."""
    if not any(key.removeprefix("+1")[:3] in TOLL_FREE for key in lines if key.startswith("+1")):
        yield ""
        yield from _comment(
            "No toll-free number arrived. If you have one, call it while callmon listens: when its calls arrive "
            "as another line's number, the two cannot be told apart. Ask the carrier for a DID of its own, and "
            "put that into arrives_as."
        )


def _one_line(region: str, name: str, key: str, line: Dialled) -> Iterator[str]:
    heard = ", ".join(f"{form} ({count})" for form, count in sorted(line.forms.items()))
    yield f"[lines.{name}]  # delivered as: {heard}"
    yield f'mode = "voice"  # or "tty"; {FILL_IN}'
    yield 'service = "service"'
    if e164(key, region):
        yield f"numbers = [{_text(key)}]"
    else:
        yield f"arrives_as = [{_text(key)}]  # {FILL_IN}: numbers, the public ones that end here"
    yield from _titles()
    yield from _music(line)
    yield from _ring_time(line)
    if line.mailboxes:
        yield f"mailboxes = {_list(line.mailboxes)}"
    if line.phones:
        yield f"extensions = {_list(line.phones)}"
    yield from _languages(line)


def _ring_time(line: Dialled) -> Iterator[str]:
    """How long phones ring before voicemail: reported as configuration, never as a person's fault."""
    if not line.rang:
        return
    typical = timedelta(seconds=median(length.total_seconds() for length in line.rang))
    full = (typical + _GRACE) // RING_CYCLE
    least, most = min(line.rang), max(line.rang)
    between = "" if most - least < _ALIKE else f" (from {_seconds(least)} to {_seconds(most)})"
    yield from _comment(
        f"Voicemail took {len(line.rang)} of its calls after {_seconds(typical)}{between}: {full} full rings."
    )
    if full != 4:
        yield from _comment("The policy has voicemail after the fourth ring (24 s): set the exchange's ring time.")


def _music(line: Dialled) -> Iterator[str]:
    if line.music:
        yield from _comment(
            f"In {line.music} of its calls the caller heard music instead of ringing. Callers cannot count such "
            "rings: let the group ring (FreePBX: Ring Groups, Play Music On Hold: Ring), or do not report them."
        )
    if line.queued:
        yield from _comment(
            f"{line.queued} of its calls entered a queue. If it answers with music, rings are counted from there."
        )


def _languages(line: Dialled) -> Iterator[str]:
    if line.languages:
        yield from _comment(f"channel languages heard: {', '.join(sorted(line.languages))}")
    given = {language[:2].lower() for language in line.given}
    if line.has_menu:
        yield "language_menu = true  # callers chose another language when something had answered"
    elif line.has_prompt:
        yield f"# language_menu = true  # {FILL_IN}: true if the menu that answers asks for the language"
    elif given in ({"fr"}, {"en"}):
        yield f"language = {_text(given.pop())}  # the exchange gave it to every call before anything answered"


def _tls(exchange: ExchangeSettings) -> Iterator[str]:
    if exchange.tls:
        yield "tls = true"
    for name in ("ca_file", "client_certificate", "client_key", "server_name"):
        if (value := getattr(exchange, name)) is not None:
            yield f"{name} = {_text(str(value))}"


def _secret(exchange: ExchangeSettings | None) -> str:
    if exchange and exchange.secret_env:
        return f"secret_env = {_text(exchange.secret_env)}"
    if exchange and exchange.secret_file:
        return f"secret_file = {_text(str(exchange.secret_file))}"
    return f'secret_file = "/etc/callmon/ami.secret"  # {FILL_IN}'


def _titles() -> Iterator[str]:
    yield f"title_fr = {_text(FILL_IN)}"
    yield f"title_en = {_text(FILL_IN)}"


def _comment(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.1f} s"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, sorted(values)))}]"
