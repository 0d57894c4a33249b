"""The pages *Why*, *What if*, *Phones needed* and *Needs*: a question, and its answer from a worker process.

    GET /en/why?day=2026-12-01 ─▶ job ─▶ the answer within WAITS, else its progress; the script asks again

Refuses: to compute in the daemon, and any figure by phone or person.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from callmon.features.questions.job import ANSWER, PHONES, QuestionRequest
from callmon.features.questions.what_if import WEEKDAYS
from callmon.text.labels import LANGUAGES
from callmon.web.auth.route import FRENCH
from callmon.web.jobs import BusyError, Job, Jobs
from callmon.web.page_request import NotFoundError, PageRequest
from callmon.web.routing import entry

WAITS = 1.5  # seconds that a page waits for an answer before it shows the progress
SHOWN_BY = {
    "why": "why",
    "what-if": "what if",
    "staffing": "phones needed",
    "needs": "needs",
}  # by question
CHANGES = ("voicemail", "strategy", "ring", "phones", "language", "weekday", "between", "pickup", "hours")
PARAMETERS = ("day", "from", "to", "line", "service", "target", *CHANGES)
# What a template reads of an answer that a question has not, or that is still computed.
NOTHING = {
    "sentences": (),
    "parts": (),
    "rows": (),
    "half_hours": (),
    "day": "",
    "needs": 0,
    "weights": {},
    "refused": "",
    "why_not": None,
}
KINDS = {"csv": "text/csv; charset=utf-8", "ics": "text/calendar; charset=utf-8"}


async def show(page_request: PageRequest) -> Response:
    """The questions that the site has switched on."""
    return await page_request.page(
        "questions.html", page_request.say("Questions"), pages=SHOWN_BY, on=_on(page_request)
    )


def _on(page_request: PageRequest) -> tuple[str, ...]:
    return page_request.settings.configuration.questions


async def why(page_request: PageRequest) -> Response:
    """Why a day kept the third ring less than usual."""
    day = page_request.parameter("day") or (_today(page_request) - timedelta(days=1)).isoformat()
    given = {"day": day, "line": _line(page_request)}
    question = QuestionRequest("why", page_request.language, given)
    return await _answered(page_request, question, page_request.say("Why"), wrong=_wrong_day(page_request, day))


def _wrong_day(page_request: PageRequest, text: str) -> str:
    """Why this is no past day; "" where it is one."""
    try:
        is_ahead = date.fromisoformat(text) > _today(page_request)
    except ValueError:
        return page_request.say("This day cannot be read; write it as 2026-11-24.")
    return page_request.say("This day is in the future.") if is_ahead else ""


async def what_if(page_request: PageRequest) -> Response:
    """What another setting would have made of a period."""
    last = _today(page_request).replace(day=1) - timedelta(days=1)
    given = {
        "from": page_request.parameter("from") or last.replace(day=1).isoformat(),
        "to": page_request.parameter("to") or last.isoformat(),
        "line": _line(page_request),
    }
    changes = {name: page_request.parameter(name) for name in CHANGES}
    question = QuestionRequest("what-if", page_request.language, given, _settings(changes))
    title = page_request.say("What if")
    monday = last - timedelta(days=last.weekday())
    weekdays = [(name, page_request.formatter.weekday(monday + timedelta(n))) for n, name in enumerate(WEEKDAYS)]
    return await _answered(
        page_request, question, title, bool(question.changes), changes=changes, weekdays=weekdays
    )


def _settings(changes: Mapping[str, str]) -> tuple[str, ...]:
    """The settings as the command takes them. Phones without a time, or a time alone, are refused there."""
    language = f":{changes['language']}" if changes["language"] else ""
    weekday = f"{changes['weekday']} " if changes["weekday"] else ""
    named = {
        "voicemail_rings": changes["voicemail"],
        "strategy": changes["strategy"],
        "ring_seconds": changes["ring"],
        "phones": f"{changes['phones']}{language}@{weekday}{changes['between']}" if changes["phones"] else "",
        "pickup": f"{changes['pickup']}%" if changes["pickup"] else "",
        "hours": changes["hours"],
    }
    return tuple(f"{name}={value}" for name, value in named.items() if value)


async def phones_needed(page_request: PageRequest) -> Response:
    """How many phones each half-hour of the next days takes."""
    given = {
        "day": page_request.parameter("day") or (_today(page_request) + timedelta(days=1)).isoformat(),
        "line": _line(page_request),
        "target": page_request.parameter("target") or "90",
        "language": page_request.chosen("language", LANGUAGES),
    }
    question = QuestionRequest("staffing", page_request.language, given)
    return await _answered(page_request, question, page_request.say("Phones needed"), files=PHONES)


async def needs(page_request: PageRequest) -> Response:
    """How many callers reached a person."""
    today = _today(page_request)
    services = page_request.context.services
    chosen = page_request.chosen("service", page_request.settings.names("service"))
    given = {
        "from": page_request.parameter("from") or today.replace(day=1).isoformat(),
        "to": page_request.parameter("to") or today.isoformat(),
        "service": chosen or (services[0] if services else ""),
    }
    return await _answered(
        page_request,
        QuestionRequest("needs", page_request.language, given),
        page_request.say("Callers who reached a person"),
    )


def _today(page_request: PageRequest) -> date:
    return page_request.settings.calendar().local_day(page_request.formatter.now)


def _line(page_request: PageRequest) -> str:
    """The line that is asked about; "" is all. Who reads some services asks about one line of theirs."""
    lines = page_request.settings.names("line")
    given = page_request.chosen("line", lines)
    return given if given or page_request.context.services is None else next(iter(lines), "")


async def _answered(
    page_request: PageRequest,
    question: QuestionRequest,
    title: str,
    is_asked: bool = True,
    wrong: str = "",
    **values: Any,
) -> Response:
    """The page with the answer, or with how far it is; without a question, the form alone.

    `wrong`: what the form has that cannot be asked; nothing is computed.
    """
    jobs = page_request.context.shared(Jobs)
    job: Job[QuestionRequest] | None = None
    refused = wrong
    if is_asked and not wrong and question.name in _on(page_request):
        try:
            job = jobs.start(page_request.settings, question, page_request.person_key)
        except BusyError:
            refused = page_request.say("Too many questions are asked at once. Try again later.")
    is_done = job is None or await job.result(WAITS)
    zone = page_request.settings.timezone
    answer = msgspec.json.decode(dict(job.files)[ANSWER]) if job and is_done and job.files else {}
    answer = NOTHING | answer
    return await page_request.page(
        SHOWN_BY[question.name].replace(" ", "_") + ".html",
        title,
        status=400 if wrong else 503 if refused else 200,
        question=question,
        is_on=question.name in _on(page_request),
        refused=refused or answer["refused"],
        answer=answer,
        job=job,
        is_done=is_done,
        before=0 if job is None else jobs.jobs_before(job),
        moment=datetime.fromisoformat,
        local=lambda day, slot: datetime.fromisoformat(f"{day} {slot}").replace(tzinfo=zone),
        names={name: FRENCH[name] if page_request.language == "fr" else name for name in PARAMETERS},
        **values,
    )


async def download(page_request: PageRequest) -> Response:
    """A file with the phones needed."""
    name, file = (page_request.request.path_params[part] for part in ("name", "file"))
    job = page_request.context.shared(Jobs).get(name, QuestionRequest, page_request.person_key)
    data = dict(job.files).get(file) if job is not None and _may_read(page_request, job.request) else None
    if data is None or file not in PHONES:
        text = page_request.say("This file is no longer kept. Ask again.")
        raise NotFoundError(page_request.say("Unknown file"), text)
    kind = KINDS[file.rpartition(".")[2]]
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{file}"'})


def _may_read(page_request: PageRequest, question: QuestionRequest) -> bool:
    services = page_request.context.services
    return services is None or question.given.get("line") in page_request.settings.names("line")


PAGES = (
    entry("questions", "/questions", "/questions", show),
    entry("why", "/pourquoi", "/why", why),
    entry("what if", "/et-si", "/what-if", what_if),
    entry("phones needed", "/postes", "/phones", phones_needed),
    entry("phones file", "/postes/{name}/{file}", "/phones/{name}/{file}", download),
    entry("needs", "/besoins", "/needs", needs),
)
