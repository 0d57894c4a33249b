"""The wall screen: is the public being answered now, were the promises kept today, who must be called back.

Made for a browser in kiosk mode at 175 % on a 1080p screen: 24 columns by 15 rows, key figures 64 px, the rest 24.
"""

from __future__ import annotations

from tests.boards.model import (
    CLOCK,
    DAY_AND_CLOCK,
    LENGTH,
    MOMENT,
    NO_CALL,
    OVER,
    QUIET,
    SOON,
    Board,
    Column,
    Panel,
    Text,
    Told,
    now,
    same,
    series,
    sql,
)
from tests.boards.render import twin

# Where nothing answers: nothing is known. What was counted as none, a query says itself.
NOT_KNOWN = Text("?", "?")
VOICE = "line IN (${line:sqlstring}) AND line NOT IN (SELECT names.line FROM §names AS names WHERE mode = 'tty')"
TODAY = f"day = boards.today() AND {VOICE}"

HOURS = Panel(
    "stat",
    Text("Heures d'ouverture", "Opening hours"),
    Text(
        "Ouvert ou fermé selon le calendrier de callmon, et l'heure du prochain changement. Un jour de "
        "fermeture est nommé.",
        "Open or closed by callmon's calendar, and when that changes next. A closed day is named.",
    ),
    (
        # On a closed day its name stands there instead.
        now(
            'max(callmon_business_hours{line=~"$line"}) > 0 or (max(callmon_business_hours{line=~"$line"}) '
            'unless on () max(callmon_closed_day_info{line=~"$line"}))',
            Text("Bureau", "Office"),
        ),
        now(
            'min(callmon_opening_change_timestamp_seconds{line=~"$line"}) * 1000',
            Text("prochain changement", "next change"),
        ),
        now('max by (name_§lang) (callmon_closed_day_info{line=~"$line"})', same("{{name_§lang}}")),
    ),
    (
        Column(
            "A",
            Text("Bureau", "Office"),
            values=(("1", Told(Text("OUVERT", "OPEN"))), ("0", Told(Text("○ FERMÉ", "○ CLOSED"), QUIET))),
        ),
        Column("B", Text("Prochain changement", "Next change"), DAY_AND_CLOCK),
        Column(
            "C", Text("Jour de fermeture", "Closed day"), values=(("1", Told(Text("○ FERMÉ", "○ CLOSED"), QUIET)),)
        ),
    ),
    w=8,
    h=3,
    size=20,
    empty=NOT_KNOWN,
)
TIME = Panel(
    "stat",
    Text("Heure", "Time"),
    Text(
        "L'heure de la dernière mise à jour. Si elle n'avance plus, la page est figée : rechargez-la.",
        "The time of the last update. If it stands still, the page is frozen: reload it.",
    ),
    (now("time() * 1000"),),
    (Column("A", Text("Heure", "Time"), CLOCK),),
    w=4,
    h=3,
    size=24,
    empty=NOT_KNOWN,
)
MEASURE = Panel(
    "stat",
    Text("Mesure", "Measuring"),
    Text(
        "callmon entend-il chaque autocommutateur ? Tant qu'un seul est hors d'écoute, les chiffres du jour sont "
        "incomplets.",
        "Does callmon hear every exchange? While one is unheard, today's figures are incomplete.",
    ),
    (now("min(callmon_exchange_connected)"),),
    (
        Column(
            "A",
            Text("Mesure", "Measuring"),
            values=(
                ("1", Told(Text("✓ À l'écoute", "✓ Heard"))),
                ("0", Told(Text("■ Hors d'écoute", "■ Unheard"), QUIET)),
            ),
        ),
    ),
    w=5,
    h=3,
    size=18,
    empty=Text("■ callmon ne répond pas", "■ callmon does not answer"),
)
DISRUPTION = Panel(
    "stat",
    Text("Perturbation du service", "Service disruption"),
    Text(
        "Une perturbation en cours : d'abord celle dont l'avis est donné (raison, fin prévue, services de "
        "rechange), puis la plus ancienne, et combien d'autres durent. « Avis à donner » : le public n'a pas "
        "encore été informé.",
        "A disruption that goes on: first one with a notice (reason, expected end, alternative), then the oldest, "
        'and how many others last. "Notice to give": the public has not been told yet.',
    ),
    (
        sql(
            "SELECT coalesce(max(notice), '§none') AS notice FROM (SELECT '▲ ' || coalesce(reason_§lang, "
            "'§notice') || coalesce(' · ' || to_char(until AT TIME ZONE boards.zone(), '§clock'), '') || "
            "coalesce(' · ' || alternative_§lang, '') || coalesce(' · §and ' || nullif(count(*) OVER () - 1, 0) "
            "|| ' §others', '') AS notice FROM (SELECT DISTINCT ON (id) * FROM disruptions WHERE ended IS NULL "
            "AND began <= now() AND line IN (${line:sqlstring})) AS going_on ORDER BY reason_§lang IS NULL, began "
            "LIMIT 1) AS first"
        ),
    ),
    (Column("notice", Text("Avis", "Notice")),),
    w=7,
    h=3,
    size=14,
    empty=NOT_KNOWN,
)
MODES = (("voice", Told(Text("voix", "voice"))), ("tty", Told(Text("ATS", "TTY"))))
RINGS = (
    (1, 1.99, Told(Text("●○○○ 1re sonnerie", "●○○○ ring 1"))),
    (2, 2.99, Told(Text("●●○○ 2e sonnerie", "●●○○ ring 2"))),
    (3, 3.99, Told(Text("▲ ●●●○ dernière sonnerie", "▲ ●●●○ last ring"), SOON)),
    (4, None, Told(Text("■ ●●●● 4e sonnerie ou plus", "■ ●●●● ring 4 or more"), OVER)),
)


def _state(*states: str) -> str:
    series = "public_service_mode_state:callmon_calls_in_progress:sum"
    return f'sum by (public_service, mode) ({series}{{state=~"{"|".join(states)}"}})'


NOW = Panel(
    "table",
    Text("Maintenant, par service", "Now, by service"),
    Text(
        "Une rangée par service, sous son sigle s'il en a un; l'ATS toujours à part. Sonnerie : celle de "
        "l'appelant qui attend depuis le plus longtemps. Zéro poste libre : le prochain appelant attendra.",
        "A row for each service, by its abbreviation where it has one; TTY always apart. The ring is that of the "
        "caller who has waited longest. No phone free: the next caller will wait.",
    ),
    (
        now(
            # By the name's abbreviation: from three metres "POCI" is read, the rest is not.
            "label_replace(max by (public_service, mode, name_§lang) (public_service_mode:callmon_row_names:now), "
            r"'name_§lang', '$1', 'name_§lang', '.*\\((\\p{Lu}+)\\)')"
        ),
        now(
            "max by (public_service, mode) "
            '(public_service_mode_state:callmon_longest_wait_rings:max{state="ringing"})'
        ),
        now(_state("ringing")),
        now(_state("menu", "queue")),
        now(
            "max by (public_service, mode) "
            '(public_service_mode_state:callmon_longest_wait_seconds:max{state="queue"})'
        ),
        now(_state("talking", "held", "parked")),
        now('max by (public_service, mode) (callmon_service_phones{state="free"})'),
        now("sum by (public_service, mode) (max by (public_service, mode, state) (callmon_service_phones))"),
        now('max by (public_service, mode) (callmon_service_phones{state="unreachable"})'),
    ),
    (
        Column("name_§lang", Text("Service", "Service"), width=190),
        Column("mode", Text("Mode", "Mode"), values=MODES, width=60),
        Column("C", Text("Sonne", "Rings"), width=60),
        Column("B", Text("Sonnerie", "Ring"), ranges=RINGS, empty=Text("—", "—"), width=210),
        Column("D", Text("Menu, file", "Menu, queue"), width=115),
        Column("E", Text("Attente", "Wait"), LENGTH, empty=Text("—", "—"), width=90),
        Column("F", Text("En ligne", "Talking"), width=85),
        Column("G", Text("Libres", "Free"), values=(("0", Told(Text("▲ 0", "▲ 0"), SOON)),), width=65),
        Column("H", Text("Postes", "Phones"), width=80),
        Column("I", Text("Injoignables", "Unreachable"), width=115),
    ),
    w=24,
    h=6,
)


def _promise(standard: str, more: str = "") -> str:
    return (
        "SELECT coalesce(coalesce(sum(calls) FILTER (WHERE verdict = 'met'), 0) || ' §of ' || "
        "sum(calls) FILTER (WHERE verdict IN ('met', 'not_met')), '§nocall') AS promise "
        f"FROM verdicts_per_day WHERE {TODAY} AND standard = '{standard}'{more}"
    )


def _today(title: Text, description: Text, query: str, label: Text, link: str, w: int = 6) -> Panel:
    to = Text(
        f"${{pages}}/fr/appels?jour=${{__to:date:YYYY-MM-DD}}&{link.format(norme='norme', ligne='ligne')}",
        f"${{pages}}/en/calls?day=${{__to:date:YYYY-MM-DD}}&{link.format(norme='standard', ligne='line')}",
    )
    columns = (Column("promise", label, link=to),)
    return Panel("stat", title, description, (sql(query),), columns, w=w, h=3, empty=NOT_KNOWN)


THIRD = _today(
    Text("Aujourd'hui : avant 4e sonnerie", "Today: before the 4th ring"),
    Text(
        "Appels du jour auxquels une personne a répondu au plus tard après la troisième sonnerie, sur ceux "
        "que la norme vise. Lignes vocales seulement. Un clic mène aux appels.",
        "Of today's calls that the standard covers: those that a person answered by the third ring. Voice "
        "lines only. One click leads to the calls.",
    ),
    _promise("answer_by_third_ring"),
    Text("avant la 4e sonnerie", "before the 4th ring"),
    "{norme}=answer_by_third_ring",
)
VOICEMAIL = _today(
    Text("Aujourd'hui : messagerie vocale", "Today: voicemail"),
    Text(
        "Appels des heures d'ouverture que la messagerie vocale a pris; dont ceux qui y sont allés trop tôt, "
        "avant la fin de la quatrième sonnerie. Lignes vocales seulement.",
        "Calls in opening hours that voicemail took; of these, those sent there before the fourth ring was "
        "over. Voice lines only.",
    ),
    "SELECT coalesce(sum(calls) FILTER (WHERE reason LIKE 'voicemail%') || ' (' || coalesce(sum(calls) FILTER "
    "(WHERE reason IN ('voicemail_early', 'voicemail_nothing_rang')), 0) || ' §early)', '§nocall') AS promise "
    f"FROM verdicts_per_day WHERE {TODAY} AND standard = 'voicemail_after_fourth_ring'",
    Text("messagerie vocale", "voicemail"),
    "{norme}=voicemail_after_fourth_ring",
    w=7,
)
TWICE = _today(
    Text("Aujourd'hui : trop réacheminés", "Today: redirected too often"),
    Text(
        "Appels pris qui ont été réacheminés plus d'une fois, sur tous les appels pris. Lignes vocales seulement.",
        "Answered calls that were redirected more than once, of all that were answered. Voice lines only.",
    ),
    _promise("one_transfer_at_most").replace("verdict = 'met'", "verdict = 'not_met'"),
    Text("plus d'une fois", "more than once"),
    "{norme}=one_transfer_at_most&verdict=not_met",
)
FRENCH = _today(
    Text("Aujourd'hui : en français", "Today: in French"),
    Text(
        "Appels demandés en français et pris, où une personne parlant français a été en ligne. Lignes vocales "
        "seulement.",
        "Answered calls asked for in French in which a French speaker was on the line. Voice lines only.",
    ),
    _promise("bilingual_person"),
    Text("en français", "in French"),
    "{norme}=bilingual_person",
    w=5,
)
NEXT = Panel(
    "stat",
    Text("Prochain rappel à faire", "Next callback to make"),
    Text(
        "Jusqu'à quand une personne peut encore agir sur le premier rappel, et le temps qu'il reste "
        "(heures:minutes).",
        "Until when a person can still act on the first callback, and the time left (hours:minutes).",
    ),
    (
        now(
            'min(callmon_callback_earliest_actionable_timestamp_seconds{line=~"$line"}) * 1000',
            Text("avant", "before"),
        ),
        now(
            'clamp_min(min(callmon_callback_earliest_actionable_timestamp_seconds{line=~"$line"}) - time(), 0)',
            Text("il reste", "time left"),
        ),
    ),
    (
        Column("A", Text("Avant", "Before"), MOMENT),
        Column(
            "B",
            Text("Il reste", "Time left"),
            LENGTH,
            ranges=((0, 0, Told(Text("■ en retard", "■ overdue"), OVER)),),
        ),
    ),
    w=12,
    h=3,
    size=24,
    empty=Text("Aucun connu", "None known"),
)


def _owed(metric: str, title: Text, description: Text, label: Text, colour: Told | None) -> Panel:
    alarming = ((1, None, colour),) if colour else ()
    to = Text("${pages}/fr/rappels", "${pages}/en/callbacks")
    return Panel(
        "stat",
        title,
        description,
        (now(f'sum(max by (line, language) ({metric}{{line=~"$line"}}))'),),
        (Column("A", label, ranges=alarming, link=to),),
        w=4,
        h=3,
        empty=NOT_KNOWN,
    )


TO_DO = _owed(
    "callmon_callbacks_open",
    Text("Rappels à faire", "Callbacks to make"),
    Text("Toutes les fiches ouvertes, en retard ou non.", "All open entries, overdue or not."),
    Text("à faire", "to make"),
    None,
)
SOON_DUE = _owed(
    "callmon_callbacks_due_soon",
    Text("À faire bientôt", "Callbacks due soon"),
    Text(
        "Il reste peu d'heures d'ouverture avant l'échéance; pas encore en retard.",
        "Little opening time is left before they are due; not overdue yet.",
    ),
    Text("▲ bientôt", "▲ soon"),
    None,
)
OVERDUE = _owed(
    "callmon_callbacks_overdue",
    Text("Rappels en retard", "Overdue callbacks"),
    Text(
        "Personne ne peut plus agir à temps : rappelez maintenant.", "Nobody can act in time any more: call now."
    ),
    Text("■ en retard", "■ overdue"),
    None,
)
HALVES = (
    Column("today", Text("aujourd'hui", "today"), colour="#56B4E9"),
    Column("usual", Text("d'habitude", "usually"), colour=QUIET, decimals=1),
)
# Today's half hours of a line that had a call, beside the median of the eight days before.
HALF_HOURS = Panel(
    "timeseries",
    Text("Appels reçus par demi-heure", "Calls offered by half hour"),
    Text(
        "Appels reçus aujourd'hui par demi-heure, à côté de la médiane du même jour des huit semaines "
        "passées. Lignes vocales seulement.",
        "Calls offered today by half hour, beside the median of the same weekday in the eight weeks before. "
        "Voice lines only.",
    ),
    (
        series(
            "WITH counted AS (SELECT day, half_hour, sum(offered) AS offered FROM offered_per_half_hour "
            f"WHERE {VOICE} AND (boards.today() - day) % 7 = 0 AND boards.today() - day <= 56 GROUP BY 1, 2) "
            "SELECT boards.clock(boards.today(), half_hour) AS time, CASE WHEN boards.clock(boards.today(), "
            "half_hour) <= $__timeTo() THEN coalesce(sum(offered) FILTER (WHERE day = boards.today()), 0)::float8 "
            "END AS today, "
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY offered) FILTER (WHERE day < boards.today()) AS usual "
            "FROM counted GROUP BY half_hour ORDER BY 1"
        ),
    ),
    HALVES,
    w=12,
    h=8,
    empty=NO_CALL,
)
CAUSES = Panel(
    "bargauge",
    Text("Pourquoi la norme n'a pas été respectée aujourd'hui", "Why the standard was not met today"),
    Text(
        "Cause des appels sans réponse au plus tard après la troisième sonnerie. Elle ne désigne personne.",
        "Cause of the calls not answered by the third ring. It points at nobody.",
    ),
    (
        sql(
            "SELECT §word(cause, cause) AS reason, sum(calls)::float8 AS calls FROM verdicts_per_day WHERE "
            f"{TODAY} AND standard = 'answer_by_third_ring' AND verdict = 'not_met' GROUP BY cause ORDER BY 2 "
            "DESC, 1"
        ),
    ),
    (Column("reason", Text("Cause", "Cause")), Column("calls", Text("Appels", "Calls"))),
    w=12,
    h=6,
    by_row=True,
    empty=Text("Aucun appel non respecté", "No call not met"),
)

BOARD = Board(
    "live",
    Text("callmon · En direct", "callmon · Live"),
    Text(
        "Tableau mural : ce qui se passe sur les lignes du public, les promesses du jour, les rappels. À "
        "ouvrir en mode kiosque, à 175 %.",
        "Wall board: what happens on the public lines, today's promises, callbacks. To be opened in kiosk mode at "
        "175 %.",
    ),
    (
        (HOURS, TIME, MEASURE, DISRUPTION),
        (NOW,),
        (THIRD, VOICEMAIL, TWICE, FRENCH),
        (NEXT, TO_DO, SOON_DUE, OVERDUE),
        (HALF_HOURS, twin(HALF_HOURS, (Column("time", Text("Heure", "Time"), CLOCK), *HALVES))),
        (CAUSES, twin(CAUSES)),
    ),
    variables=("line",),
    refresh="5s",
)
