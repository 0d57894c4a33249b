"""What a feature declares of itself: one light value in the `__init__.py` of its folder. `site.py` names them all.

What is heavy stands behind a door: a module that the value names and that is imported where a shell opens it.
Refuses: to import a feature, and to know which there are.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, NamedTuple


class Feature(NamedTuple):
    """`package`: the folder. `pages`: its modules with a tuple PAGES; `resources`: with a tuple RESOURCES."""

    package: str
    pages: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


def parts(features: Iterable[Feature], door: str) -> Iterator[Any]:
    """What stands behind a door of each feature: `pages` has all PAGES, in the order of the features."""
    for feature in features:
        for module in getattr(feature, door):
            yield from getattr(import_module(f"{feature.package}.{module}"), door.upper())
