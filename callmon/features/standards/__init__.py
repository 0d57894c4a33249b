"""The promises, and `callmon attest`."""

from callmon.feature import Feature

FEATURE = Feature(__name__, pages=("page",), resources=("api",))
