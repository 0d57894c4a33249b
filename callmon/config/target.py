"""The settings of an internal target: target = { STANDARD = { percent = 90, … } }. Pure."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator

from callmon.config.validation import Table, setting
from callmon.errors import RefusedValueError


def _percent(given: float) -> float:
    """A share written as 0.9 is refused: as a target, 0.9 % would be kept whatever happens."""
    if 0 < given < 1:
        meant = f"{given * 100:g}"
        raise RefusedValueError(
            "{given} is less than one percent; did you mean {meant}?", given=f"{given:g}", meant=meant
        )
    return given


class TargetSettings(Table):
    """target = { STANDARD = { … } }: the ministry's own percentage (R-25). The policy states none."""

    percent: Annotated[float, AfterValidator(_percent)] = setting(
        "internal target: share of calls that meet the standard", gt=0, le=100, allow_inf_nan=False, unit="%"
    )
    since: date = setting("first day on which the target is in force")
    signed_by: str = setting("name and role of the person who approved it", min_length=1)
