"""A lead's questions, answered from the store's record. Estimates only: no verdict and no figure of a month.

Refuses: a person. No extension, name or number leaves this package; phones are counted.
"""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    workers=("worker",),
    menu=(
        MenuItem("questions", "Questions", 60, is_used=lambda settings: bool(settings.configuration.questions)),
    ),
    commands=(
        ListedCommand("what-if", "Plan", 205, "what_if"),
        ListedCommand("staffing", "Plan", 210, "staffing"),
        ListedCommand("why", "Plan", 215, "why"),
        ListedCommand("needs", "Plan", 220, "needs"),
        ListedCommand("half-hours", "For engineers", 605, "half_hours"),
    ),
)
