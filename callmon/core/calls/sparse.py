"""Compact attributes: a busy exchange has thousands of calls, and each has dozens of attributes. Pure."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")


def bit_flag(bit: int) -> bool:
    """A boolean in one bit of its owner's `flags`; a slot of its own would take eight bytes."""

    def get(owner: Any) -> bool:
        return bool(owner.flags & bit)

    def put(owner: Any, value: bool) -> None:
        owner.flags = owner.flags | bit if value else owner.flags & ~bit

    return property(get, put)  # type: ignore[return-value]  # whoever reads it gets a bool


class SparseAttribute(Generic[T]):
    """An attribute that few owners have: stored in their `seldom` only while it differs from the default."""

    __slots__ = ("_default", "_name")

    def __init__(self, default: T) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, kind: type | None = None) -> T:
        had = owner.seldom
        value: T = self._default if had is None else had.get(self._name, self._default)
        return value

    def __set__(self, owner: Any, value: T) -> None:
        had = owner.seldom
        if value != self._default:
            owner.seldom = {self._name: value} if had is None else had | {self._name: value}
        elif had is not None and self._name in had:
            owner.seldom = {name: kept for name, kept in had.items() if name != self._name} or None
