"""The same service for TTY callers and in French: every standard on both sides, with both counts."""

from __future__ import annotations

from callmon.text.labels import KINDS
from dashboards.source.grown import LINE, STEP, grown, in_the_week, of_mode, of_standards, share, total
from dashboards.source.judged import VERDICTS, in_order, numbered, of_short_names, to_calls
from dashboards.source.model import MOMENT as AT
from dashboards.source.model import (
    NORMAL,
    OVER,
    PERCENT,
    POINTS,
    QUIET,
    SOON,
    TOO_FEW,
    Board,
    Column,
    Panel,
    Query,
    Text,
    Told,
    now,
    over_time,
    words,
)
from dashboards.source.parts import OUTCOMES, Part, stacked
from dashboards.source.render import twin

STANDARDS = tuple(KINDS["standard"])
MOST, NEUTRAL = 25, 5  # points
FEW = Text("moins de 20 de part ou d'autre", "fewer than 20 on either side")
NO_RELAY = Text("Aucun appel par relais", "No call through a relay")


class Side:
    """One side of a comparison: the calls of a mode, or those asked for in a language."""

    def __init__(self, key: str, said: Text) -> None:
        self.key, self.said = key, said
        self._language = key if key in ("fr", "en") else ""

    def _of(self, counted: str) -> str:
        return counted if self._language else of_mode(counted, self.key)

    def _chosen(self, standard: str, verdicts: str) -> str:
        language = f'language="{self._language}"' if self._language else 'language=~"$language"'
        return f'standard=~"{standard}", verdict=~"{verdicts}", {LINE}, {language}'

    def count(self, verdicts: str, *standards: str) -> str:
        """By standard."""
        chosen = self._chosen("|".join(standards), verdicts)
        return total(self._of(grown(VERDICTS, chosen)), "standard")

    def rate_of_the_week(self, standard: str) -> str:
        met, judged = (
            total(self._of(in_the_week(VERDICTS, self._chosen(standard, verdicts))))
            for verdicts in ("met", "met|not_met")
        )
        return share(met, judged)

    def ratio(self) -> str:
        return f"{self.count('met', *STANDARDS)} / ({self.count('met|not_met', *STANDARDS)} >= $sample)"


TTY, VOICE = Side("tty", Text("ATS", "TTY")), Side("voice", Text("voix", "voice"))
FRENCH, ENGLISH = Side("fr", Text("français", "French")), Side("en", Text("anglais", "English"))


def _titles() -> Query:
    return now("max by (standard, title_§lang) (callmon_standard_info)")


def _difference(one: Side, other: Side) -> Query:
    return now(f"100 * ({one.ratio()} - {other.ratio()})")


STANDARD = Column(
    "title_§lang",
    Text("Norme de service", "Service standard"),
    width=510,
    link=to_calls("norme=${__data.fields.standard}", "standard=${__data.fields.standard}"),
)


def _names(one: Side, other: Side) -> Query:
    """Short, with how many were judged on either side."""
    judged = (
        numbered(x.count("met|not_met", *STANDARDS), n, "standard") for x, n in ((one, "one"), (other, "two"))
    )
    both = of_short_names("({} * on (standard) group_left (two) {})".format(*judged))
    joined = f"label_join(label_join({both}, 'both', ' / ', 'one', 'two'), 'told', ' · ', 'told', 'both')"
    return now(f"{joined} or on (standard) {of_short_names('max by (standard) (callmon_standard_info)')}")


def _bars(title: Text, description: Text, one: Side, other: Side) -> Panel:
    return Panel(
        "barchart",
        title,
        description,
        (_names(one, other), _difference(one, other), in_order(STANDARDS)),
        (Column("told", STANDARD.title), Column("B", Text("Écart", "Difference"), POINTS, decimals=1)),
        w=12,
        h=13,
        empty=FEW,
        order="C",
        least=-MOST,
        most=MOST,
        neutral=NEUTRAL,
    )


def _both(panel: Panel, one: Side, other: Side) -> Panel:
    """Both sides with their counts, in words and numbers."""
    counts = [side.count(verdicts, *STANDARDS) for side in (one, other) for verdicts in ("met", "met|not_met")]
    queries = (_titles(), *(now(count) for count in counts), _difference(one, other), in_order(STANDARDS))
    columns = [STANDARD]
    for letter, side in zip("BD", (one, other), strict=True):
        met, judged = (
            Text(f"{side.said.fr} : respectées", f"{side.said.en}: met"),
            Text(f"{side.said.fr} : jugés", f"{side.said.en}: judged"),
        )
        columns += [Column(letter, met), Column(chr(ord(letter) + 1), judged)]
    columns.append(Column("F", Text("Écart", "Difference"), POINTS, empty=Text("—", "—"), decimals=1, width=120))
    columns.append(Column("standard", Text("Clé", "Key"), is_hidden=True))
    return twin(panel, columns, queries=queries, order="G", w=24, h=12)


TTY_BARS = _bars(
    Text("Parité ATS : téléimprimeur moins voix", "TTY parity: teletypewriter minus voice"),
    Text(
        "Écart des taux de la période, lignes pour téléimprimeur (ATS) moins lignes vocales, en points. À "
        "gauche du zéro, l'ATS est moins bien servi; en gris, moins de 5 points. Après le nom : les jugés de part "
        "et d'autre. Aucune barre (— dans le tableau) sous 20 jugés de part ou d'autre.",
        "Difference of the period's rates, TTY lines minus voice lines, in points. Left of zero, TTY is served "
        "worse; grey is less than 5 points. After the name: judged on either side. No bar (— in the table) below "
        "20 judged on either side.",
    ),
    TTY,
    VOICE,
)
LANGUAGE_BARS = _bars(
    Text("Parité linguistique : français moins anglais", "Language parity: French minus English"),
    Text(
        "Écart des taux de la période, demandes en français moins demandes en anglais, en points. À gauche du "
        "zéro, le français est moins bien servi; en gris, moins de 5 points. Après le nom : les jugés de part et "
        "d'autre. Aucune barre (— dans le tableau) sous 20 jugés de part ou d'autre.",
        "Difference of the period's rates, calls asked for in French minus in English, in points. Left of zero, "
        "French is served worse; grey is less than 5 points. After the name: judged on either side. No bar (— in "
        "the table) below 20 judged on either side.",
    ),
    FRENCH,
    ENGLISH,
)


def _curves(title: Text, one: Side, other: Side) -> Panel:
    colours = (NORMAL, SOON)
    return Panel(
        "timeseries",
        title,
        Text(
            "Réponse au plus tard après la troisième sonnerie : taux des sept jours avant chaque point, des "
            "deux côtés, "
            "à partir de 20 jugés.",
            "Answer by the third ring: rate of the seven days before each point, on both sides, from 20 judged "
            "on.",
        ),
        tuple(over_time(side.rate_of_the_week("answer_by_third_ring"), side.said, "6h") for side in (one, other)),
        tuple(
            Column(letter, side.said, PERCENT, colour=colour, decimals=1)
            for letter, side, colour in zip("AB", (one, other), colours, strict=True)
        ),
        12,
        9,
        TOO_FEW,
        most=100,
    )


TTY_CURVES = _curves(
    Text("Troisième sonnerie : ATS et voix, sept jours glissants", "Third ring: TTY and voice, seven days"),
    TTY,
    VOICE,
)
LANGUAGE_CURVES = _curves(
    Text("Troisième sonnerie : français et anglais, sept jours", "Third ring: French and English, seven days"),
    FRENCH,
    ENGLISH,
)
FIRST = stacked(
    Text("Demandes en français : qui a répondu d'abord", "Calls asked for in French: who answered first"),
    Text(
        "Appels en français auxquels une personne a répondu : la première parlait-elle français? Sinon, "
        "l'appelant a été réacheminé pour être servi.",
        "Answered calls asked for in French: did the first person speak it? If not, the caller was redirected "
        "to be served.",
    ),
    tuple(
        Part(total(grown("callmon_french_at_first_answer_total", f'first="{key}", {LINE}', STEP)), said, colour)
        for key, said, colour in (
            ("yes", Text("✓ en français", "✓ in French"), NORMAL),
            ("no", Text("■ pas en français", "■ not in French"), OVER),
            ("unknown", Text("? indéterminé", "? not known"), QUIET),
        )
    ),
    "1h",
    empty=Text("Aucun appel demandé en français", "No call asked for in French"),
)
RELAY = stacked(
    Text("Par service de relais", "Through a relay service"),
    Text(
        "Appels venant de numéros de relais connus, par issue; un relais est souvent pris pour du télémarketing.",
        "Calls from known relay numbers, by outcome; a relay is often taken for telemarketing.",
    ),
    tuple(
        Part(total(grown("callmon_relay_calls_total", f'outcome=~"{keys}", {LINE}', STEP)), said, colour)
        for keys, said, colour in OUTCOMES
    ),
    "1h",
    empty=NO_RELAY,
)
EVER = Panel(
    "table",
    Text("Écarts depuis la mise en service", "Differences since callmon was put into service"),
    Text(
        "Les deux écarts sur tous les verdicts, tels que donnés d'abord; une norme n'y paraît qu'à partir de "
        "20 de part et d'autre (réglage de callmon).",
        "Both differences over all verdicts, as first given; a standard appears from 20 on either side on "
        "(callmon's setting).",
    ),
    (
        now("max by (comparison, standard) (100 * callmon_parity_difference_ratio)"),
        now(of_standards('max by (comparison, standard) (callmon_parity_calls{side=~"tty|fr"})')),
        now('max by (comparison, standard) (callmon_parity_calls{side=~"voice|en"})'),
    ),
    (
        Column("comparison", Text("Parité", "Parity"), values=words("parity"), width=520),
        Column("title_§lang", Text("Norme de service", "Service standard"), width=510),
        Column("B", Text("Jugés : ATS, français", "Judged: TTY, French")),
        Column("C", Text("Jugés : voix, anglais", "Judged: voice, English")),
        Column("A", Text("Écart", "Difference"), POINTS, decimals=1, empty=Text("—", "—"), width=120),
    ),
    w=24,
    h=10,
    empty=FEW,
)
LATE = ((None, 0, Told(Text("■ à faire maintenant", "■ to be made now"), OVER)),)
TESTS = Panel(
    "table",
    Text("Dernier appel et appel d'essai de chaque ligne", "Last call and test call of each line"),
    Text(
        "Une ligne que peu de gens appellent, l'ATS surtout, peut ne plus fonctionner sans que personne le sache.",
        "A line that few people call, TTY above all, may be dead and nobody would know.",
    ),
    (
        now('max by (line, mode, name_§lang) (line:callmon_line_names:now{line=~"$line"})'),
        now("1000 * max by (line) (callmon_line_last_call_timestamp_seconds)"),
        now("1000 * max by (line) (callmon_line_last_test_call_timestamp_seconds)"),
        now("1000 * max by (line) (callmon_line_test_call_due_timestamp_seconds)"),
    ),
    (
        Column("name_§lang", Text("Ligne", "Line"), width=320),
        Column("mode", Text("Mode", "Mode"), values=words("mode")),
        Column("B", Text("Dernier appel", "Last call"), AT, empty=Text("jamais", "never")),
        Column("C", Text("Dernier essai", "Last test"), AT, empty=Text("jamais", "never")),
        Column(
            "D",
            Text("Prochain essai avant", "Next test before"),
            AT,
            ranges=LATE,
            empty=Text("sans plan", "no plan"),
        ),
    ),
    w=24,
    h=8,
)

BOARD = Board(
    "parity",
    Text("callmon · Parité", "callmon · Parity"),
    Text(
        "Les mêmes promesses pour les personnes qui se servent d'un téléimprimeur (ATS) et pour celles qui "
        "demandent le français : l'écart de chaque norme, et les deux taux dans le temps.",
        "The same promises for TTY callers and for those who ask for French: the difference of each standard, and "
        "both rates over time.",
    ),
    ((TTY_BARS, LANGUAGE_BARS), (TTY_CURVES, LANGUAGE_CURVES), (FIRST, RELAY), (TESTS,)),
    tables=(
        _both(TTY_BARS, TTY, VOICE),
        _both(LANGUAGE_BARS, FRENCH, ENGLISH),
        EVER,
    ),
    since="now-30d",
)
