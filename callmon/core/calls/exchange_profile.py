"""The configuration of an exchange and of its lines that the tracker and the triggers of the ledger read. Pure."""

from callmon.config.exchange import ExchangeSettings
from callmon.config.lines import Line
from callmon.config.settings import Settings
from callmon.config.staff import NOBODY
from callmon.core.calls.endpoints import Endpoints

# Of an exchange that is not configured (a recording), nothing is known.
NOT_CONFIGURED = ExchangeSettings.model_construct(trunks=(), parking_extensions=(), dial_prefixes=())


class ExchangeProfile:
    """The configuration of one exchange. `any_line`: treat every dialled number as a line."""

    def __init__(self, settings: Settings, exchange: str, any_line: bool = False) -> None:
        table = settings.exchanges.get(exchange, NOT_CONFIGURED)
        self.lines = settings.lines()
        self.region = settings.region
        self.any_line = any_line
        self.relay_numbers, self.test_callers = settings.relay_numbers, settings.test_callers
        self.staff = NOBODY if table is NOT_CONFIGURED else settings.staff(exchange)
        self.dial_prefixes, self.queue_languages = table.dial_prefixes, table.queue_languages
        self.parking_extensions = frozenset(table.parking_extensions)
        self.survey_extensions = frozenset(table.survey_extensions)
        self.voicemail_contexts = frozenset(table.voicemail_contexts)
        self.rings_within = table.rings_within
        self.endpoints = Endpoints(table.trunks, table.phones)
        self.mailboxes = frozenset(box.partition("@")[0] for line in self.lines for box in line.mailboxes)

    def line(self, dialled: str) -> Line | None:
        """The line of this number; with `any_line`, a line created for an unknown number."""
        line = self.lines.by_number(dialled)
        if line is None and self.any_line and dialled:
            return Line(name=dialled, mode="voice", service=dialled, title_fr=dialled, title_en=dialled)
        return line
