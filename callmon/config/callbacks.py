"""The [callbacks] table: the rules that `core/callbacks/` follows."""

from typing import Self

from callmon.config.phone_numbers import e164
from callmon.config.times import Duration
from callmon.config.validation import Table, setting


class CallbackRules(Table):
    """[callbacks]: parameters of the ledger and of its due dates."""

    within: Duration = setting("a caller must be called back within this time, by the clock", "1d")
    talked_for: Duration = setting("a callback counts when the conversation lasted at least this long", "10s")
    rang_for: Duration = setting("an attempt counts when it rang for at least this long: four rings", "24s")
    attempt_counts: bool = setting("an attempt in time satisfies the standard; it is reported separately", True)
    due_soon: Duration = setting("a callback is due soon when no more opening time than this is left", "4h")
    abandoned_after: Duration | None = setting(
        "a caller who abandons after this wait must be called back; when left out, no such caller", None
    )
    shared_numbers: tuple[str, ...] = setting(
        "numbers that several people share: staff close each callback manually", ()
    )
    shared_after_days: int = setting(
        "a number counts as shared after messages on more days of a month", 5, ge=1, unit="days"
    )
    shared_after_lines: int = setting(
        "a number counts as shared after messages on more lines within a month", 3, ge=1, unit="lines"
    )
    unreachable_attempts: int = setting(
        "attempts required before a callback may be closed as unreachable", 2, ge=1, unit="attempts"
    )
    unreachable_days: int = setting("different days on which those attempts were made", 2, ge=1, unit="days")

    def in_region(self, region: str) -> Self:
        """The rules with the shared numbers as an exchange of this region delivers them (E.164)."""
        shared = tuple(number for text in self.shared_numbers if (number := e164(text, region)))
        return self.model_copy(update={"shared_numbers": shared})
