"""What a feature declares of itself: one light value in the `__init__.py` of its folder. `site.py` names them all.

What is heavy stands behind a door: a module that the value names and that is imported where a shell opens it.
Refuses: to import a feature, and to know which there are.
"""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from callmon.config.settings import Settings


class MenuItem(NamedTuple):
    """A page in the menu, its title in English. The least `place` is first; what is not daily is below *More*.

    `is_used`: whether a site with these settings has the page.
    """

    page: str
    title: str
    place: int
    is_daily: bool = False
    is_used: "Callable[[Settings], bool]" = lambda settings: True


class ListedCommand(NamedTuple):
    """A command of `callmon`, below a task in its help. The least `place` is first, of tasks and of commands.

    `module`: of the package, with the command's function. `page`: of docs/en.
    """

    name: str
    task: str
    place: int
    module: str
    page: str = "reference/commands.md"


class Feature(NamedTuple):
    """`package`: the folder. `pages`: its modules with a tuple PAGES; `resources`: with a tuple RESOURCES.

    `workers`: those with a tuple WORKERS, of what it does in the daemon.
    """

    package: str
    pages: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    menu: tuple[MenuItem, ...] = ()
    commands: tuple[ListedCommand, ...] = ()


def parts(features: Iterable[Feature], door: str) -> Iterator[Any]:
    """What stands behind a door of each feature: `pages` has all PAGES, in the order of the features."""
    for feature in features:
        for module in getattr(feature, door):
            yield from getattr(import_module(f"{feature.package}.{module}"), door.upper())
