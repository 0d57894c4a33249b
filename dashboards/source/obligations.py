"""The callbacks of this moment in four figures: for the wall screen and the board of callbacks."""

from __future__ import annotations

from dashboards.source.model import LENGTH, MOMENT, OVER, SOON, Column, Panel, Text, Told, now, over_time, same

# Where nothing answers: nothing is known. What was counted as none, a query says itself.
NOT_KNOWN = Text("?", "?")
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
    size=0,
    empty=Text("Aucun connu", "None known"),
)


def _due(metric: str, title: Text, description: Text, label: Text, colour: str | None) -> Panel:
    alarming = ((1, None, Told(Text("", ""), colour)),) if colour else ()
    to = Text("${pages}/fr/rappels", "${pages}/en/callbacks")
    return Panel(
        "stat",
        title,
        description,
        (over_time(f'sum(max by (line, language) ({metric}{{line=~"$line"}}))', same(""), "1m"),),
        (Column("A", label, ranges=alarming, link=to),),
        w=4,
        h=3,
        empty=NOT_KNOWN,
    )


TO_DO = _due(
    "callmon_callbacks_open",
    Text("Rappels à faire", "Callbacks to make"),
    Text("Toutes les fiches ouvertes, en retard ou non.", "All open entries, overdue or not."),
    Text("à faire", "to make"),
    None,
)
SOON_DUE = _due(
    "callmon_callbacks_due_soon",
    Text("À faire bientôt", "Due soon"),
    Text(
        "Il reste peu d'heures d'ouverture avant l'échéance; pas encore en retard.",
        "Little opening time is left before they are due; not overdue yet.",
    ),
    Text("▲ bientôt", "▲ soon"),
    SOON,
)
OVERDUE = _due(
    "callmon_callbacks_overdue",
    Text("Rappels en retard", "Overdue callbacks"),
    Text(
        "Personne ne peut plus agir à temps : rappelez maintenant.", "Nobody can act in time any more: call now."
    ),
    Text("■ en retard", "■ overdue"),
    OVER,
)
