"""The service standards. Each module is one standard. It is stateless, and its name is the standard's name.

A standard module has `SETTLED_BY` (the facts after which it may be judged), and `PARAMETERS` (pydantic) when a
site may set any. Its `judge(fact, call, parameters) -> Judgement | None` is called after a fact of `SETTLED_BY`
only, and returns None while the call has not gone far enough. The loader imports the module of every standard in
`ALL_STANDARDS`.

`NEEDS` names what a site must provide before a standard gives verdicts: "staff" (the staff's languages are listed;
`judge` takes them as a fourth argument) or "survey" (a survey is offered).

A standard of obligations also has a `KIND` ("callback", "complaint") and `judge(obligation, seen, parameters)`. It
judges the current state: *met* as soon as it is so, any other verdict only after the due time. No fact of a call
settles it.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

import msgspec
from pydantic import ValidationError

from callmon.config.staff import NOBODY, StaffLanguages
from callmon.config.standards import ALL_STANDARDS
from callmon.core.callbacks.obligation import Obligation
from callmon.core.calls.call import Call
from callmon.core.facts import Fact
from callmon.core.standards._common import Seen, StandardParameters
from callmon.core.verdicts import Judgement
from callmon.errors import ConfigError

Need = Literal["staff", "survey"]


class Standard(msgspec.Struct, frozen=True):
    """A standard with its parameters, ready to judge."""

    name: str
    module: Any
    parameters: StandardParameters
    needs: Need | None = None

    def judge(self, fact: Fact, call: Call, staff: StaffLanguages = NOBODY) -> Judgement | None:
        given = (staff,) if self.needs == "staff" else ()
        judged: Judgement | None = self.module.judge(fact, call, self.parameters, *given)
        return judged

    def judge_owed(self, obligation: Obligation, seen: Seen) -> Judgement | None:
        judged: Judgement | None = self.module.judge(obligation, seen, self.parameters)
        return judged

    @property
    def kind(self) -> str | None:
        """The kind of obligation that the standard judges; None when it judges calls."""
        return getattr(self.module, "KIND", None)


def load(configured: Mapping[str, Mapping[str, Any]]) -> tuple[Standard, ...]:
    """Load every standard with its configured parameters. Raises ConfigError, which lists all mistakes."""
    mistakes = [
        f"standards.{name}: there is no such standard; these exist: {', '.join(ALL_STANDARDS)}."
        for name in sorted(configured.keys() - set(ALL_STANDARDS))
    ]
    standards = [_loaded(name, configured.get(name, {}), mistakes) for name in ALL_STANDARDS]
    if mistakes:
        raise ConfigError(*mistakes)
    return tuple(standard for standard in standards if standard is not None)


def _loaded(name: str, configured: Mapping[str, Any], mistakes: list[str]) -> Standard | None:
    module = import_module(f"callmon.core.standards.{name}")
    parameters = getattr(module, "PARAMETERS", StandardParameters)
    try:
        return Standard(name, module, parameters(**configured), getattr(module, "NEEDS", None))
    except ValidationError as error:
        mistakes.extend(
            f"standards.{name}.{'.'.join(map(str, problem['loc']))}: {problem['msg']}."
            for problem in error.errors()
        )
        return None
