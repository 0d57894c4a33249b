"""The service standards. Each module is one standard. It is stateless, and its name is the standard's name.

A standard module has `SETTLED_BY` (the facts after which it may be judged), and `PARAMETERS` (pydantic) when a
site may set any. Its `judge(fact, call, parameters) -> Judgement | None` is called after a fact of `SETTLED_BY`
only, and returns None while the call has not gone far enough. The loader imports the module of every standard in
`ALL_STANDARDS`.

`NEEDS` names what a site must provide before a standard gives verdicts: "staff" (the staff's languages are listed;
`judge` takes them as a fourth argument) or "survey" (a survey is offered; whether by the dialplan is the fourth).

A standard of obligations also has a `KIND` ("callback", "complaint") and `judge(obligation, seen, parameters)`. It
judges the current state: *met* as soon as it is so, any other verdict only after the due time. No fact of a call
settles it.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import msgspec
from pydantic import ValidationError

from callmon.config.staff import NOBODY, StaffLanguages
from callmon.config.standards import ALL_STANDARDS
from callmon.config.validation import did_you_mean, sentences
from callmon.config.wording import placed
from callmon.core.calls.call import Call
from callmon.core.facts import Fact
from callmon.core.standards.verdict_rules import StandardParameters
from callmon.core.verdicts import Judgement
from callmon.errors import ConfigError, Sentence

Need = Literal["staff", "survey"]


class Standard(msgspec.Struct, frozen=True):
    """A standard with its parameters, ready to judge."""

    name: str
    parameters: StandardParameters
    verdict: Callable[..., Judgement | None]
    settled_by: tuple[type[Fact], ...]
    needs: Need | None
    kind: str | None  # of the obligations that it judges; None when it judges calls

    def judge(
        self, fact: Fact, call: Call, staff: StaffLanguages = NOBODY, by_dialplan: bool = False
    ) -> Judgement | None:
        match self.needs:
            case "staff":
                return self.verdict(fact, call, self.parameters, staff)
            case "survey":
                return self.verdict(fact, call, self.parameters, by_dialplan)
            case None:
                return self.verdict(fact, call, self.parameters)


def need_of(name: str) -> Need | None:
    """What a site must have before the standard gives verdicts; None where it needs nothing."""
    need: Need | None = getattr(_module(name), "NEEDS", None)
    return need


def _module(name: str) -> ModuleType:
    return import_module(f"callmon.core.standards.{name}")


def load(configured: Mapping[str, Mapping[str, Any]]) -> tuple[Standard, ...]:
    """Load every standard with its configured parameters. Raises ConfigError, which lists all mistakes."""
    mistakes = [
        placed(
            f"standards.{name}", Sentence("unknown service standard{hint}", hint=did_you_mean(name, ALL_STANDARDS))
        )
        for name in sorted(configured.keys() - set(ALL_STANDARDS))
    ]
    standards: list[Standard] = []
    for name in ALL_STANDARDS:
        module = _module(name)
        settled_by = getattr(module, "SETTLED_BY", ())
        try:
            model = getattr(module, "PARAMETERS", StandardParameters)
            parameters = model(**configured.get(name, {}))
        except ValidationError as error:
            mistakes += sentences(error, model, "", ("standards", name))
        else:
            kind = getattr(module, "KIND", None)
            standards.append(Standard(name, parameters, module.judge, settled_by, need_of(name), kind))
    if mistakes:
        raise ConfigError(*mistakes)
    return tuple(standards)
