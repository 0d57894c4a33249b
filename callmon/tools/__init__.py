"""What an administrator runs manually: doctor, demo, record, replay, Alertmanager's settings."""

from callmon.feature import Feature, ListedCommand

FEATURE = Feature(
    __name__,
    commands=(
        ListedCommand("init", "Set up", 305, "init", "how-to/install.md"),
        ListedCommand("config", "Set up", 310, "config", "reference/settings.md"),
        ListedCommand("check", "Set up", 315, "check", "reference/settings.md"),
        ListedCommand("doctor", "Set up", 320, "commands", "how-to/install.md"),
        ListedCommand("alerting", "Set up", 340, "alerting", "how-to/alerts.md"),
        ListedCommand("demo", "Run", 410, "commands"),
        ListedCommand("db", "Look after", 525, "db", "how-to/back-up-and-restore.md"),
        ListedCommand("record", "For engineers", 615, "commands"),
        ListedCommand("replay", "For engineers", 620, "commands"),
    ),
)
