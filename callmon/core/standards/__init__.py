"""The promises. One module is one service standard; it is stateless, and its name is its name everywhere.

A standard module has `Parameters` (pydantic; what the configuration may set, extras forbidden), `SETTLED_BY`
(the facts after which it may be judged) and `judge(fact, call, parameters) -> Judgement | None` (None while
the call has not gone far enough). The loader imports the modules that the configuration names.

A standard that can only be judged when a site tells or does something says so in `NEEDS`: "staff" (languages are
listed; its `judge` takes them as a fourth argument), "survey" (one is offered). Until then it gives no verdicts.

A standard of obligations has a `KIND` beside ("callback", "complaint") and `judge(obligation, seen, parameters)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, ValidationError

from callmon.config.staff import NOBODY, StaffLanguages
from callmon.config.standards import ALL_STANDARDS
from callmon.core.callbacks.obligation import Obligation
from callmon.core.calls.call import Call
from callmon.core.facts import Fact
from callmon.core.standards._obligations import Seen
from callmon.core.verdicts import Judgement
from callmon.errors import ConfigError

Need = Literal["staff", "survey"]


class Standard(msgspec.Struct, frozen=True):
    """A standard with its parameters, ready to judge."""

    name: str
    module: Any
    parameters: BaseModel
    needs: Need | None = None

    def judge(self, fact: Fact, call: Call, staff: StaffLanguages = NOBODY) -> Judgement | None:
        given = (staff,) if self.needs == "staff" else ()
        judged: Judgement | None = self.module.judge(fact, call, self.parameters, *given)
        return judged

    def judge_owed(self, one: Obligation, seen: Seen) -> Judgement | None:
        """The same for a standard of obligations."""
        judged: Judgement | None = self.module.judge(one, seen, self.parameters)
        return judged

    @property
    def kind(self) -> str | None:
        """Of the obligations that it judges; None when it judges calls."""
        return getattr(self.module, "KIND", None)


def load(configured: Mapping[str, Mapping[str, Any]]) -> tuple[Standard, ...]:
    """Every standard, with the parameters configured for it. ConfigError names what is wrong."""
    unknown = sorted(set(configured) - set(ALL_STANDARDS))
    mistakes = [
        f"standards.{name}: there is no such standard; these exist: {', '.join(ALL_STANDARDS)}."
        for name in unknown
    ]
    standards = [_loaded(name, configured.get(name, {}), mistakes) for name in ALL_STANDARDS]
    if mistakes:
        raise ConfigError(*mistakes)
    return tuple(standard for standard in standards if standard is not None)


def _loaded(name: str, configured: Mapping[str, Any], mistakes: list[str]) -> Standard | None:
    module = import_module(f"callmon.core.standards.{name}")
    try:
        return Standard(name, module, module.Parameters(**configured), getattr(module, "NEEDS", None))
    except ValidationError as error:
        mistakes.extend(
            f"standards.{name}.{'.'.join(map(str, problem['loc']))}: {problem['msg']}."
            for problem in error.errors()
        )
        return None
