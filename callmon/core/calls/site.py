"""The configuration of an exchange and of its lines that the tracker and the triggers of the ledger read. Pure."""

from collections.abc import Iterable, Mapping

from callmon.config.lines import Line, Lines
from callmon.config.staff import NOBODY, StaffLanguages
from callmon.core.calls.endpoints import Endpoints


class ExchangeProfile:
    """The configuration of one exchange."""

    def __init__(
        self,
        lines: Lines,
        trunks: Iterable[str] = (),
        phones: Iterable[str] = (),
        voicemail_contexts: Iterable[str] = (),
        region: str = "CA",
        any_line: bool = False,
        parking_extensions: Iterable[str] = (),
        survey_extensions: Iterable[str] = (),
        queue_languages: Mapping[str, str] | None = None,
        relay_numbers: Iterable[str] = (),
        staff: StaffLanguages = NOBODY,
        dial_prefixes: Iterable[str] = (),
        test_callers: Iterable[str] = (),
    ) -> None:
        self.test_callers = frozenset(test_callers)
        self.dial_prefixes = tuple(dial_prefixes)
        self.parking_extensions = frozenset(parking_extensions)
        self.survey_extensions = frozenset(survey_extensions)
        self.queue_languages: Mapping[str, str] = queue_languages or {}
        self.relay_numbers = frozenset(relay_numbers)
        self.staff = staff
        self.endpoints = Endpoints(tuple(trunks), tuple(phones))
        self.region = region
        self.any_line = any_line
        self.voicemail_contexts = frozenset(voicemail_contexts)
        self.mailboxes = frozenset(box.partition("@")[0] for line in lines for box in line.mailboxes)
        self.lines = lines

    def line(self, dialled: str) -> Line | None:
        """The line of this number; with `any_line`, a line created for an unknown number."""
        line = self.lines.by_number(dialled)
        if line is None and self.any_line and dialled:
            return Line(name=dialled, mode="voice", service=dialled, title_fr=dialled, title_en=dialled)
        return line
