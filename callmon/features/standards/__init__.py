"""The promises, and `callmon attest`."""

from callmon.feature import Feature, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    resources=("api",),
    menu=(
        MenuItem("promises", "Service standards", 70),
        MenuItem("guide", "Runbook", 100),
    ),
)
