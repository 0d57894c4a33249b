"""The administrator's: the record of access, imports, `callmon users` and `callmon privacy`."""

from callmon.feature import Feature, ListedCommand, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page", "imports", "token_page"),
    menu=(MenuItem("accesses", "Record of access", 80),),
    commands=(
        ListedCommand("users", "Set up", 325, "users", "how-to/who-may-sign-in.md"),
        ListedCommand("tokens", "Set up", 330, "tokens", "reference/api.md"),
        ListedCommand("privacy", "Look after", 520, "privacy"),
    ),
)
