"""The administrator's: the record of access, imports, `callmon users` and `callmon privacy`."""

from callmon.feature import Feature, MenuItem

FEATURE = Feature(
    __name__,
    pages=("page", "imports", "token_page"),
    menu=(MenuItem("accesses", "Record of access", 80),),
)
