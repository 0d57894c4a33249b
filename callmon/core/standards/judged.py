"""The standards that give verdicts at a site: all except those whose `NEEDS` no exchange meets. Pure."""

from callmon.config.settings import Settings
from callmon.config.standards import ALL_STANDARDS
from callmon.core.standards import Need, need_of


def configured_standards(settings: Settings, survey_heard: bool = False) -> frozenset[str]:
    """The standards whose needs the site meets. `survey_heard`: a dialplan has reported the survey."""
    exchanges = settings.exchanges
    has_survey = survey_heard or any(x.survey_extensions for x in exchanges.values())
    is_met: dict[Need | None, bool] = {
        None: True,
        "staff": any(map(settings.staff, exchanges)),
        "survey": bool(exchanges) and has_survey,
    }
    return frozenset(name for name in ALL_STANDARDS if is_met[need_of(name)])


def judged_standards(settings: Settings, survey_heard: bool = False) -> dict[str, bool]:
    """Whether each standard gives verdicts. Without an exchange none does."""
    configured = configured_standards(settings, survey_heard)
    return {name: bool(settings.exchanges) and name in configured for name in ALL_STANDARDS}
