"""The administrator's: the record of access, imports, `callmon users` and `callmon privacy`."""

from callmon.feature import Feature

FEATURE = Feature(__name__, pages=("page", "imports", "token_page"))
