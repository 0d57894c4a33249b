"""The standards that give verdicts at a site: all except those whose `NEEDS` no exchange meets. Pure."""

from collections.abc import Mapping

from callmon.config.settings import Settings
from callmon.core.standards import Need, load


def met_needs(settings: Settings, survey_heard: bool = False) -> Mapping[Need, bool]:
    """Whether the site has what a standard may need. `survey_heard`: a dialplan has reported the survey."""
    exchanges = settings.exchanges
    has_survey = survey_heard or any(x.survey_extensions for x in exchanges.values())
    return {"staff": any(map(settings.staff, exchanges)), "survey": bool(exchanges) and has_survey}


def judged_standards(settings: Settings, survey_heard: bool = False) -> dict[str, bool]:
    """Whether each standard gives verdicts. Without an exchange none does."""
    met = met_needs(settings, survey_heard)
    return {
        x.name: bool(settings.exchanges) if x.needs is None else met[x.needs] for x in load(settings.standards)
    }
