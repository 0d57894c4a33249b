"""What a sentence repeats of a person's text: never a password, never a control character. Loads no pydantic."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from callmon.errors import Sentence

ENV_PREFIX = "CALLMON_"
# A URL whose parts are unambiguous. A password may contain any character, so an extra @, / or ? makes the whole
# URL ambiguous. A file's path may contain any character.
ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<path_of_file>(?<=sqlite://)/[^?]*)|"
    r"(?:(?P<user>[^/@:?#]*)(?P<password>:[^/@?#]*)?@)?(?P<host>[^/@:?#\[\]]*|\[[0-9a-f:.]+\])(?P<port>:[0-9]*)?"
    r"(?P<path>/[^?#@]*)?)(?:\?(?P<query>[^#@]*))?",
    re.IGNORECASE,
)
# The query parameters that may be shown: where the database is, and how to connect to it.
QUERY = frozenset(
    {
        *("host", "port", "dbname", "user", "options", "sslmode", "application_name", "connect_timeout"),
        "target_session_attrs",
    }
)
UNREADABLE = Sentence(
    "cannot be read; a password is kept in password_file, or has : / ? # and @ written as %3A %2F %3F %23 %40"
)
# Control characters except tab and line feed, the Unicode line and paragraph separators, bidirectional controls,
# surrogates.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def variable(path: Sequence[int | str]) -> str:
    """The environment variable for the setting: CALLMON_STORE__URL."""
    return ENV_PREFIX + "__".join(map(str, path)).upper()


def nearest(written: str, choices: list[str]) -> str | None:
    """The most similar choice, or the only one that begins with `written`; None without one."""
    begun = [choice for choice in choices if written and choice.startswith(written)]
    near = get_close_matches(written, choices, n=1, cutoff=0.6) or (begun if len(begun) == 1 else [])
    return near[0] if near else None


def placed(place: object, text: str) -> Sentence:
    """ "callmon.toml: is a folder": a mistake after its location."""
    return Sentence("{place}: {text}", place=place, text=text)


def quoted(value: object) -> str:
    """A value for a sentence: text is quoted and has no password; 60 characters at most."""
    text = hidden(value) if isinstance(value, str) else str(value)
    shown = text if len(text) <= 58 else text[:57] + "…"
    return Sentence('"{value}"', value=shown) if isinstance(value, str) else shown


def hidden(address: str) -> str:
    """The address without a password in any part: postgresql://callmon:***@db/callmon."""
    scheme, mark, _ = address.partition("://")
    if not mark:
        return address
    found = ADDRESS.fullmatch(address)
    if found is None:
        return f"{scheme}://***"
    part = {name: value or "" for name, value in found.groupdict().items()}
    user = f"{part['user']}{':***' if found['password'] else ''}@" if found["user"] is not None else ""
    given = [pair if pair.partition("=")[0] in QUERY else "…" for pair in part["query"].split("&") if pair]
    rest = f"{part['path_of_file']}{part['host']}{part['port']}{part['path']}"
    return f"{scheme}://{user}{rest}{'?' if given else ''}{'&'.join(given)}"


def holds_password(address: str) -> bool:
    found = ADDRESS.fullmatch(address)
    return found is not None and bool(found["password"] or "pass" in (found["query"] or "").lower())


def plain(text: str) -> str:
    """The typed text without control characters, so that no page, log, view or database must handle them."""
    return CONTROL.sub("", text)
