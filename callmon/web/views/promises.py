"""*Promises*: every service standard with the policy's words, callmon's definition, and the settings in force."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any

import msgspec
from starlette.responses import Response

from callmon.config.callbacks import CallbackRules
from callmon.config.settings import Settings
from callmon.config.standards import ALL_STANDARDS
from callmon.core.standards import load
from callmon.text.labels import translate
from callmon.text.story.policy import QUOTES
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import PageRequest

MONTHS_AHEAD = timedelta(days=365)


class TargetView(msgspec.Struct, frozen=True):
    line: str
    told: str


class PromiseView(msgspec.Struct, frozen=True):
    key: str
    title: str
    quote: str
    ours: str
    place: str
    definition: str
    settings: tuple[tuple[str, str], ...]
    targets: tuple[TargetView, ...]
    lacks: str


async def show(visit: PageRequest) -> Response:
    """All service standards."""
    tongue, settings = visit.tongue, visit.site.settings
    enabled = visit.site.seen().enabled
    return await visit.page(
        "promises.html",
        visit.say("Normes de service"),
        promises=[_promise(name, settings, enabled, tongue) for name in ALL_STANDARDS],
        hours=list(_hours(settings, tongue)),
        assumed=settings.hours_are_assumed(),
        closed=list(_closed(settings, tongue)),
        lines=[_line(name, settings, tongue) for name in (x.name for x in settings.lines())],
    )


def _promise(name: str, settings: Settings, enabled: Mapping[str, bool], tongue: WebFormatter) -> PromiseView:
    quote = QUOTES[name]
    ours = "" if tongue.language == "fr" else translate(quote.words, tongue.language, "policy")
    return PromiseView(
        name,
        tongue.word("standard", name),
        quote.words,
        ours,
        quote.place,
        definition(name, tongue),
        tuple(_in_force(name, settings, tongue)),
        tuple(_targets(name, settings, tongue)),
        "" if enabled.get(name) else lacks(name, tongue),
    )


def lacks(name: str, tongue: WebFormatter) -> str:
    """Why the standard gives no verdicts."""
    if name in ("bilingual_person", "callback_in_french"):
        return tongue.say("Aucun verdict : les langues du personnel ne sont pas consignées dans la configuration.")
    if name == "feedback_offered":
        return tongue.say("Aucun verdict : aucun sondage n'a encore été offert.")
    return tongue.say("Aucun verdict : aucun autocommutateur n'est entendu.")


def definition(name: str, tongue: WebFormatter) -> str:
    """How callmon judges the standard, in a few sentences."""
    say = tongue.say
    return _of_callbacks(name, tongue) or {
        "answer_by_third_ring": lambda: say(
            "Respectée si une personne répond avant que la quatrième sonnerie commence : moins de 18 s après la "
            "première sonnerie que l'appelant a entendue, menu vocal exclu. Non respectée si personne ne répond à "
            "temps, si la messagerie vocale prend l'appel, si la ligne est occupée. Non visée si l'appelant "
            "raccroche pendant les trois premières sonneries ou au menu, ou si l'appel arrive hors des heures "
            "normales de bureau."
        ),
        "voicemail_after_fourth_ring": lambda: say(
            "Des appels que la messagerie vocale a pris : respectée si elle les prend après la "
            "quatrième sonnerie; "
            "non respectée si c'est trop tôt, ou après la cinquième (règle de callmon). Non visée si l'appelant a "
            "choisi la messagerie au menu, ou si une personne avait répondu."
        ),
        "reach_a_person": lambda: say(
            "Respectée si une personne a répondu à un moment de l'appel. Non respectée si la "
            "messagerie vocale, une "
            "ligne occupée, une annonce ou un menu y ont mis fin, ou si l'appelant a renoncé après la troisième "
            "sonnerie. Non visée s'il a raccroché plus tôt."
        ),
        "one_transfer_at_most": lambda: say(
            "Des appels pris par une personne : respectée s'ils ont été réacheminés au plus une fois. Ne comptent "
            "pas : le sondage, le parcage, l'interception, le renvoi automatique, ni un appelant qui est revenu."
        ),
        "bilingual_person": lambda: say(
            "Des appels demandés en français et pris par une personne : respectée si une personne "
            "parlant français "
            "a été en ligne à un moment. Dès la première réponse : compté à part."
        ),
        "feedback_offered": lambda: say(
            "Part des appels pris par une personne auxquels le sondage a été offert."
        ),
    }[name]()  # fmt: skip


def _of_callbacks(name: str, tongue: WebFormatter) -> str:
    """The same for callbacks and complaints; "" for a standard about the call itself."""
    say = tongue.say
    return {
        "callback_within_24_hours": lambda: say(
            "Du message, ou de la demande de rappel, au rappel : 24 heures d'horloge, aussi quand l'heure change. "
            "Comprend les rappels qui ont joint la boîte vocale de la personne. Non visée si la personne nous a "
            "joints elle-même, ou si le rappel est impossible."
        ),
        "callback_in_french": lambda: say(
            "Des rappels dus à une demande en français : respectée si une personne parlant français a rappelé."
        ),
        "complaint_within_2_business_days": lambda: say(
            "À accueillir avant la fermeture du deuxième jour ouvrable après celui de la réception; après la "
            "fermeture, le jour de réception est le jour ouvrable suivant."
        ),
        "complaint_answered_within_15_business_days": lambda: say(
            "Réponse donnée avant la fermeture du quinzième jour ouvrable; fermer la plainte exige le nom de la "
            "personne responsable."
        ),
    }.get(name, str)()  # fmt: skip


def _in_force(name: str, settings: Settings, tongue: WebFormatter) -> Iterator[tuple[str, str]]:
    """The parameters in force: configured ones and defaults."""
    loaded = {one.name: one for one in load(settings.standards)}
    parameters = loaded[name].parameters.model_dump()
    yield from ((_setting(name, key, tongue), str(value)) for key, value in parameters.items())
    if name == "callback_within_24_hours":
        yield from _rules(settings.rules, settings, tongue)


def _setting(standard: str, key: str, tongue: WebFormatter) -> str:
    say = tongue.say
    match key:
        case "rings" if standard == "reach_a_person":
            return say("sonneries après lesquelles un appelant qui renonce compte")
        case "rings":
            return say("sonneries pendant lesquelles répondre (politique : 3)")
        case "after_ring":
            return say("sonnerie après laquelle la messagerie peut prendre l'appel (politique : 4)")
        case "late_after_ring":
            return say("sonnerie après laquelle c'est trop tard (règle de callmon)")
        case "transfers":
            return say("réacheminements permis (politique : 1)")
    return key


def _rules(rules: CallbackRules, settings: Settings, tongue: WebFormatter) -> Iterator[tuple[str, str]]:
    say, speech = tongue.say, tongue.speech
    yield say("délai, par l'horloge"), _hours_of(rules.within, tongue)
    yield say("une conversation dure au moins"), speech.about(rules.talked_for)
    yield say("une tentative sonne au moins"), speech.about(rules.rang_for)
    yield say("une tentative à temps suffit"), say("oui") if rules.attempt_counts else say("non")
    yield say("bientôt : heures d'ouverture restantes"), _hours_of(rules.due_soon, tongue)
    by_day = [line.title(tongue.language) for line in settings.lines() if line.callback_clock == "business_day"]
    if by_day:
        yield say("jugées par jour ouvrable"), " · ".join(by_day)


def _hours_of(length: timedelta, tongue: WebFormatter) -> str:
    """« 24 h »: as configured, not as days."""
    hours, rest = divmod(length, timedelta(hours=1))
    return tongue.say("{hours} h", hours=hours) if not rest else tongue.duration(length)


def _targets(name: str, settings: Settings, tongue: WebFormatter) -> Iterator[TargetView]:
    for line in settings.lines():
        for target in line.targets:
            if target.standard == name:
                since = tongue.long_day(target.since)
                told = tongue.say(
                    "{percent} %, depuis le {day}, fixée par {who}",
                    percent=f"{target.percent:g}".replace(".", "," if tongue.language == "fr" else "."),
                    day=since,
                    who=target.signed_by,
                )
                yield TargetView(line.title(tongue.language), told)


def _hours(settings: Settings, tongue: WebFormatter) -> Iterator[tuple[str, str]]:
    """The ministry's week; adjacent days with the same hours are grouped."""
    calendar, monday = settings.calendar(), tongue.now.date() - timedelta(days=tongue.now.weekday())
    names = [tongue.weekday(monday + timedelta(days=n)) for n in range(7)]
    for opening, some in groupby(zip(names, calendar.hours.week, strict=True), key=lambda pair: pair[1]):
        days = [name for name, _ in some]
        span = days[0] if len(days) == 1 else tongue.say("{first} à {last}", first=days[0], last=days[-1])
        yield tongue.capital(span), tongue.periods(opening)


def _closed(settings: Settings, tongue: WebFormatter) -> Iterator[tuple[str, str]]:
    today = settings.calendar().local_day(tongue.now)
    for one in settings.calendar().closed_days(today, today + MONTHS_AHEAD):
        yield tongue.long_day(one.day), one.name_fr if tongue.language == "fr" else one.name_en


def _line(name: str, settings: Settings, tongue: WebFormatter) -> Mapping[str, Any]:
    line = settings.lines()[name]
    return {
        "title": line.title(tongue.language),
        "mode": tongue.word("mode", line.mode),
        "service": tongue.service(line.service),
        "numbers": " · ".join(map(tongue.number, line.numbers)),
        "ring": tongue.speech.about(line.ring_cycle),
    }
