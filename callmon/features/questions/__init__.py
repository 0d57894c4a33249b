"""A lead's questions, answered from the store's record. Estimates only: no verdict and no figure of a month.

Refuses: a person. No extension, name or number leaves this package; phones are counted.
"""

from callmon.feature import Feature, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    menu=(
        MenuItem("questions", "Questions", 60, is_used=lambda settings: bool(settings.configuration.questions)),
    ),
)
