"""The promises, and `callmon attest`."""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page",),
    resources=("api",),
    menu=(
        MenuItem("promises", "Service standards", 70),
        MenuItem("guide", "Runbook", 100),
    ),
    commands=(ListedCommand("attest", "Set up", 335, "command", "explanation/disruptions-and-test-calls.md"),),
)
