"""The wall screen: is the public being answered now, were the promises kept today, who must be called back.

Made for a browser in kiosk mode at 175 % on a 1080p screen: 24 columns by 15 rows, key figures 64 px, the rest 24.
"""

from __future__ import annotations

from dataclasses import replace

from dashboards.source.grown import LINE, RANGE, STEP, grown, of_mode
from dashboards.source.model import (
    CLOCK,
    DAY_AND_CLOCK,
    LENGTH,
    NO_CALL,
    NORMAL,
    OVER,
    PALE,
    QUIET,
    SOON,
    Board,
    Column,
    Panel,
    Text,
    Told,
    now,
    over_time,
    same,
)
from dashboards.source.obligations import NEXT, NOT_KNOWN, OVERDUE, SOON_DUE, TO_DO
from dashboards.source.parts import Part, causes, outcomes, stacked
from dashboards.source.render import twin

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
            'max(callmon_line_open{line=~"$line"}) > 0 or (max(callmon_line_open{line=~"$line"}) '
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
        "callmon entend-il chaque autocommutateur? Tant que la mesure d'un seul est interrompue, les chiffres du "
        "jour sont incomplets.",
        "Does callmon hear every exchange? While one is unheard, today's figures are incomplete.",
    ),
    (now("min(callmon_exchange_connected)"),),
    (
        Column(
            "A",
            Text("Mesure", "Measuring"),
            values=(
                ("1", Told(Text("✓ Mesure en cours", "✓ Measuring"))),
                ("0", Told(Text("■ Mesure interrompue", "■ Unheard"), QUIET)),
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
        "Lignes qui ne peuvent recevoir d'appels en ce moment. Un clic mène à l'avis : raison, fin prévue, "
        "services "
        "de rechange.",
        "Lines that cannot take calls now. One click leads to the notice: reason, expected end, alternative.",
    ),
    (
        over_time(
            'count(max by (line) (callmon_disruptions_open{line=~"$line"}) > 0) or on () (0 * '
            'count(callmon_disruptions_open{line=~"$line"}))',
            same(""),
            "1m",
        ),
    ),
    (
        Column(
            "A",
            Text("▲ lignes touchées", "▲ lines affected"),
            values=(("0", Told(Text("✓ aucune", "✓ none"))),),
            ranges=((1, None, Told(Text("", ""), SOON)),),
            link=Text("${pages}/fr/perturbations", "${pages}/en/disruptions"),
        ),
    ),
    w=7,
    h=3,
    size=20,
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
        Column("name_§lang", Text("Service", "Service")),
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

# Today's, of voice lines: the other lines' parity has a board of its own.


def _today(metric: str, chosen: str, window: str = RANGE) -> str:
    return f"sum({of_mode(grown(metric, f'{chosen}, {LINE}'.removeprefix(', '), window), 'voice')})"


def _verdicts(standard: str, verdicts: str) -> str:
    return _today("callmon_verdicts_total", f'standard="{standard}", verdict=~"{verdicts}"')


def _of_today(title: Text, description: Text, standard: str, part: Text, verdict: str = "met") -> Panel:
    """How many of how many: below twenty no rate is told."""
    to = Text(
        f"${{pages}}/fr/appels?jour=${{__to:date:YYYY-MM-DD}}&norme={standard}&verdict={verdict}",
        f"${{pages}}/en/calls?day=${{__to:date:YYYY-MM-DD}}&standard={standard}&verdict={verdict}",
    )
    judged = Text("sur", "of")
    queries = (now(_verdicts(standard, verdict), part), now(_verdicts(standard, "met|not_met"), judged))
    columns = (Column("A", part, link=to), Column("B", judged))
    return Panel("stat", title, description, queries, columns, w=6, h=3, size=28, empty=NOT_KNOWN)


THIRD = _of_today(
    Text("Aujourd'hui : avant 4e sonnerie", "Today: before the 4th ring"),
    Text(
        "Appels du jour auxquels une personne a répondu au plus tard après la troisième sonnerie, sur ceux "
        "que la norme vise. Lignes vocales seulement. Un clic mène aux appels.",
        "Of today's calls that the standard covers: those that a person answered by the third ring. Voice "
        "lines only. One click leads to the calls.",
    ),
    "answer_by_third_ring",
    Text("avant la 4e", "before the 4th"),
)
VOICEMAIL = _of_today(
    Text("Aujourd'hui : messagerie", "Today: voicemail on time"),
    Text(
        "Appels que la messagerie vocale a pris après la quatrième sonnerie, sur ceux qu'elle a pris. Lignes "
        "vocales seulement.",
        "Calls that voicemail took after the fourth ring, of those that it took. Voice lines only.",
    ),
    "voicemail_after_fourth_ring",
    Text("à temps", "on time"),
)
TWICE = _of_today(
    Text("Aujourd'hui : trop réacheminés", "Today: redirected too often"),
    Text(
        "Appels pris qui ont été réacheminés plus d'une fois, sur tous les appels pris. Lignes vocales seulement.",
        "Answered calls that were redirected more than once, of all that were answered. Voice lines only.",
    ),
    "one_transfer_at_most",
    Text("plus d'une fois", "more than once"),
    "not_met",
)
FRENCH = _of_today(
    Text("Aujourd'hui : en français", "Today: in French"),
    Text(
        "Appels en français auxquels une personne a répondu, et où une personne parlant français a été en ligne. "
        "Lignes vocales seulement.",
        "Answered calls asked for in French in which a French speaker was on the line. Voice lines only.",
    ),
    "bilingual_person",
    Text("en français", "in French"),
)
HALF_HOUR = "30m"
OFFERED = stacked(
    Text("Appels reçus aujourd'hui, par demi-heure", "Calls offered today, by half hour"),
    Text(
        "Ce que sont devenus les appels terminés, par demi-heure. Une colonne compte les trente minutes avant "
        "elle. "
        "Lignes vocales seulement.",
        "What became of the ended calls, by half hour. A column counts the thirty minutes before it. Voice "
        "lines only.",
    ),
    outcomes(lambda which: _today("callmon_calls_total", which, STEP)),
    HALF_HOUR,
    empty=NO_CALL,
)
CAUSES = stacked(
    Text("Pourquoi la norme n'a pas été respectée", "Why the standard was not met"),
    Text(
        "Cause des appels sans réponse au plus tard après la troisième sonnerie, par demi-heure. Elle ne désigne "
        "personne.",
        "Cause of the calls not answered by the third ring, by half hour. It points at nobody.",
    ),
    causes(lambda which: _today("callmon_not_met_cause_total", f'standard="answer_by_third_ring", {which}', STEP)),
    HALF_HOUR,
    empty=NO_CALL,
)
IN_PROGRESS = stacked(
    Text("Appels en cours, dans la journée", "Calls in progress, over the day"),
    Text(
        "Appels qui sonnent, qui attendent dans un menu ou une file, et conversations.",
        "Calls that ring, calls that wait in a menu or a queue, and conversations.",
    ),
    tuple(
        Part(
            f'sum(max by (line, state) (callmon_calls_in_progress{{line=~"$line", state=~"{states}"}}))',
            said,
            colour,
        )
        for states, said, colour in (
            ("arriving|ringing", Text("▲ sonne", "▲ ringing"), SOON),
            ("menu|queue", Text("menu, file", "menu, queue"), PALE),
            ("talking|held|parked", Text("en ligne", "talking"), NORMAL),
            ("voicemail", Text("messagerie", "voicemail"), QUIET),
        )
    ),
    "10m",
    empty=NO_CALL,
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
        tuple(replace(panel, w=8, h=13) for panel in (OFFERED, CAUSES, IN_PROGRESS)),
    ),
    tables=(twin(OFFERED, w=24), twin(CAUSES, w=24)),
    refresh="5s",
)
