"""Calls that the event stream did not carry: read from CEL, merged, reconciled each night."""

from callmon.feature import Feature, ListedCommand

FEATURE = Feature(
    __name__,
    commands=(
        ListedCommand("import", "Look after", 505, "import_command", "tutorials/day-one.md"),
        ListedCommand("backfill", "Look after", 510, "command", "explanation/gaps-and-reconciliation.md"),
        ListedCommand("reconcile", "Look after", 515, "reconcile", "explanation/gaps-and-reconciliation.md"),
    ),
)
