"""A dialplan as the action ShowDialPlan lists it. Pure.

Asked for a context and an extension, Asterisk answers with all that match, in the order in which it prefers them:
those of the context, then those of each context that it includes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

DEEPEST = 10  # contexts included by each other
MOST_CONTEXTS = 200  # of one endpoint


class Step(NamedTuple):
    """One event ListDialplan. `include`: the context that this context includes; the other fields are empty."""

    context: str
    exten: str = ""
    priority: int = 0
    label: str = ""
    application: str = ""
    data: str = ""
    include: str = ""


# The steps of a context and extension; of all its extensions where that is "".
Load = Callable[[str, str], Sequence[Step]]


class Dialplan:
    """What was asked of it is kept."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._steps: dict[tuple[str, str], Mapping[int, Step]] = {}
        self._contexts: dict[str, Sequence[Step]] = {}

    def steps(self, context: str, number: str) -> Mapping[int, Step]:
        """The steps, by priority, of the extension that a number meets in the context; empty: there is none."""
        if (context, number) not in self._steps:
            listed = self._load(context, number)
            first = next(((step.context, step.exten) for step in listed if step.priority > 0), None)
            found = {step.priority: step for step in listed if (step.context, step.exten) == first}
            self._steps[context, number] = found
        return self._steps[context, number]

    def keys(self, context: str) -> list[str]:
        """The extensions and patterns of the context alone."""
        return sorted({step.exten for step in self._listed(context) if step.priority > 0})

    def extensions(self, context: str) -> dict[str, None]:
        """The extensions and patterns of the context and of those that it includes."""
        return {step.exten: None for step in self.all_steps(context)}

    def all_steps(self, context: str) -> list[Step]:
        """The steps of the context and of those that it includes."""
        searched = dict.fromkeys(self._searched(context, 0))
        return [step for each in searched for step in self._listed(each) if step.priority > 0]

    def _searched(self, context: str, depth: int) -> Iterator[str]:
        yield context
        included = [step.include for step in self._listed(context) if step.include]
        for each in included if depth < DEEPEST and len(self._contexts) < MOST_CONTEXTS else ():
            yield from self._searched(each, depth + 1)

    def _listed(self, context: str) -> Sequence[Step]:
        if context not in self._contexts:
            self._contexts[context] = self._load(context, "")
        return self._contexts[context]
