"""Pseudonyms for numbers, names and addresses in a recording: equal values get equal pseudonyms. Pure.

Numbers become 555-01xx, which are reserved for fiction. Addresses become those of documentation (192.0.2.x,
.example). A value that already is a pseudonym stays, so that redaction is idempotent. A pseudonym cannot be
reversed.

Refuses: to grow without limit. Above `MAX_REMEMBERED` values the mapping is cleared.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count

from callmon.config.phone_numbers import e164

MAX_REMEMBERED = 100_000
FICTION = "55501"
# Canadian area codes come first, so that a pseudonym is a number of the same country while codes remain.
CANADIAN = (
    *("416", "647", "905", "613", "519", "705", "807", "289", "437", "226", "343", "249", "365", "548"),
    *("683", "753", "742", "382", "514", "438", "450", "579", "418", "581", "819", "873", "367", "506"),
    *("902", "782", "709", "204", "431", "306", "639", "403", "587", "780", "825", "604", "236", "250"),
)


class Pseudonyms:
    """The pseudonyms of one kind of value. When they run out, the last one serves all further values."""

    def __init__(
        self,
        fresh: Callable[[], Iterator[str]],
        is_own: Callable[[str], bool],
        reserved: frozenset[str] = frozenset(),
    ) -> None:
        """`reserved`: values that are no pseudonym, because they stand for themselves."""
        self._make = fresh
        self._is_own = is_own
        self._reserved = reserved
        self.reset()

    def reset(self) -> None:
        self._by_true: dict[str, str] = {}
        self._given: set[str] = set(self._reserved)
        self._fresh = self._make()
        self._last = ""

    def __contains__(self, true: str) -> bool:
        return true in self._by_true

    def pseudonym_of(self, true: str) -> str:
        known = self._by_true.get(true)
        if known is None:
            if len(self._by_true) >= MAX_REMEMBERED:
                self.reset()
            known = self._by_true[true] = self._choose(true)
            self._given.add(known)
        return known

    def _choose(self, true: str) -> str:
        if self._is_own(true) and true not in self._given:
            return true
        self._last = next((value for value in self._fresh if value not in self._given), self._last)
        return self._last


class Numbers:
    """Telephone numbers: equal last ten digits get equal pseudonyms. A public number stays."""

    def __init__(self, keep: Iterable[str] = (), region: str = "CA") -> None:
        self._region = region
        self._keep = frozenset(form.removeprefix("+") for form in keep)
        self._public = frozenset(form[-10:] for form in self._keep if len(form) >= 10)
        self._valid = Pseudonyms(_valid_numbers, _is_fiction, self._public)
        self._invalid = Pseudonyms(_invalid_numbers, _is_fiction, self._public)
        self._short = Pseudonyms(lambda: (f"{FICTION}{n:02}" for n in range(100)), _is_fiction)

    def pseudonym_of(self, digits: str, international: bool = False) -> str:
        """`digits` (7 or more) with the number replaced; `international` when a + precedes them."""
        if digits in self._keep or digits[-10:] in self._public:
            return digits
        if len(digits) < 10:
            return digits[:-7] + self._short.pseudonym_of(digits[-7:])
        prefix, number, is_valid = self._run(digits, international)
        pools = (self._valid, self._invalid) if is_valid else (self._invalid, self._valid)
        pool = next((pool for pool in pools if number in pool), pools[0])
        return prefix + pool.pseudonym_of(number)

    def _run(self, digits: str, international: bool) -> tuple[str, str, bool]:
        """The prefix, which stays; the number; and whether it is valid."""
        prefix, number = digits[:-10], digits[-10:]
        abroad = "" if international else next((p for p in ("9011", "011") if digits.startswith(p)), None)
        rest = digits[len(abroad or "") :]
        if abroad is not None and len(rest) <= 15 and not (len(rest) == 11 and rest[0] == "1"):
            # A number abroad becomes a Canadian one: +33… → +1 416 555-01xx, which is a valid number too.
            return abroad + "1", number, e164("+" + rest, self._region) is not None
        if len(prefix) > 5:  # a personal code, not a dial prefix
            prefix = "0" * len(prefix)
        return prefix, number, e164(number, self._region) is not None


def _is_fiction(number: str) -> bool:
    return number[-7:-2] == FICTION


def _valid_numbers() -> Iterator[str]:
    others = (str(area) for area in range(200, 1000) if str(area) not in CANADIAN)
    for area in chain(CANADIAN, others):
        if e164(f"{area}{FICTION}00") is not None:
            yield from (f"{area}{FICTION}{n:02}" for n in range(100))


def _invalid_numbers() -> Iterator[str]:
    """Pseudonyms for digits that are no valid number anywhere: they are invalid too."""
    return (f"{area:03}{FICTION}{n:02}" for area in range(200) for n in range(100))


def _numbered(form: str, pattern: str) -> Pseudonyms:
    return Pseudonyms(
        lambda: (form.format(n) for n in count(1)),
        lambda true: re.fullmatch(pattern, true, re.ASCII) is not None,
    )


class PseudonymsByKind:
    """The pseudonyms of a recording. `people`: mail addresses, and SIP users named after a person."""

    def __init__(self, keep: Iterable[str], region: str) -> None:
        blocks = ("192.0.2", "198.51.100", "203.0.113")  # 762 documentation addresses
        self.numbers = Numbers(keep, region)
        self.names = _numbered("Name {}", r"Name [1-9]\d*")
        self.people = _numbered("person-{}@example.org", r"person-[1-9]\d*@example\.org")
        self.hosts = _numbered("host-{}.example", r"host-[1-9]\d*\.example")
        self.v4 = Pseudonyms(
            lambda: (f"{block}.{n}" for block in blocks for n in range(1, 255)),
            lambda true: true.startswith(tuple(f"{block}." for block in blocks)),
        )
        self.v6 = Pseudonyms(
            lambda: (f"2001:db8:0:0:0:0:0:{n:x}" for n in range(1, 65_536)),
            lambda true: true.startswith("2001:db8:"),
        )
