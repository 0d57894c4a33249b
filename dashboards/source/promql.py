"""What a question to Prometheus is about: its series, what it measures, the labels it leaves. By a real parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser as p

from dashboards.source import known

VARIABLE = re.compile(r"\$\{?\w+(?::\w+)?\}?")


def parsed(text: str) -> Any:
    """Raises ValueError for what is no PromQL. Grafana's variables are filled with anything."""
    text = text.replace("$__rate_interval", "1m").replace("$__interval", "1m").replace("$__range", "1h")
    text = text.replace("$sample", "20")
    return p.parse(VARIABLE.sub("§", text))


def walk(node: Any) -> Iterator[Any]:
    yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(node, name, None)
        if isinstance(child, p.Expr) or type(child).__module__ == "promql_parser":
            yield from walk(child)
    for child in getattr(node, "args", None) or ():
        yield from walk(child)


def selectors(node: Any) -> Iterator[Any]:
    return (one for one in walk(node) if isinstance(one, p.VectorSelector))


def unknown(node: Any) -> Iterator[str]:
    """Every metric, label or value of a label that callmon never has."""
    for one in selectors(node):
        name = known.base(one.name or "")
        if name not in known.METRICS and name not in known.RECORDED:
            yield f"unknown metric {one.name}"
            continue
        for matcher in one.matchers.matchers:
            is_bound = matcher.name == "le" and (one.name or "").endswith("_bucket")
            yield from () if is_bound else _never(name, matcher)


def _never(metric: str, matcher: Any) -> Iterator[str]:
    labels = known.METRICS.get(metric)
    if labels is not None and matcher.name not in labels | known.OF_PROMETHEUS:
        yield f"{metric} has no label {matcher.name}"
        return
    among = known.VALUES.get(matcher.name)
    among = known.STATES_OF.get(metric, among) if matcher.name == "state" else among
    if among is None or "§" in matcher.value:
        return
    wanted = (
        matcher.value.split("|")
        if str(matcher.op) in ("=~", "!~", "MatchOp.Re", "MatchOp.NotRe")
        else [matcher.value]
    )
    for value in wanted:
        if value not in among:
            yield f'{metric} never has {matcher.name}="{value}"'


def labels(node: Any) -> frozenset[str]:
    """Those by which the answer is told apart."""
    while isinstance(node, p.ParenExpr | p.BinaryExpr | p.UnaryExpr):
        is_two = isinstance(node, p.BinaryExpr)
        node = (node.rhs if _is_number(node.lhs) else node.lhs) if is_two else node.expr
    if isinstance(node, p.Call) and node.func.name in ("label_replace", "label_join"):
        return labels(node.args[0]) | {node.args[1].val}
    if isinstance(node, p.AggregateExpr) and node.modifier is not None:
        return frozenset(node.modifier.labels)
    if isinstance(node, p.VectorSelector):
        return known.METRICS.get(known.base(node.name or ""), frozenset())
    return frozenset()


def _is_number(node: Any) -> bool:
    return isinstance(node, p.NumberLiteral)


def measure(node: Any) -> str:
    """What is measured: count, seconds, moment (seconds since 1970), milliseconds, bytes, ratio, percent, rate."""
    match node:
        case p.ParenExpr() | p.UnaryExpr() | p.AggregateExpr():
            return "count" if str(getattr(node, "op", "")) == "count" else measure(node.expr)
        case p.VectorSelector():
            return _by_name(node.name or "")
        case p.MatrixSelector():
            return measure(node.vector_selector)
        case p.Call():
            return _of_call(node)
        case p.BinaryExpr():
            return _of_two(str(node.op), node)
    return "count"


def _by_name(name: str) -> str:
    name = name.split(":")[1] if ":" in name else name.removesuffix("_total")
    for ending, measured in (
        ("_timestamp_seconds", "moment"),
        ("start_time_seconds", "moment"),
        ("_seconds", "seconds"),
        ("_bytes", "bytes"),
        ("_ratio", "ratio"),
    ):
        if name.endswith(ending):
            return measured
    return "count"


def _of_call(node: Any) -> str:
    match node.func.name:
        case "rate" | "irate":
            return "ratio" if measure(node.args[0]) == "seconds" else "rate"
        case "time":
            return "moment"
        case "histogram_quantile":
            return measure(node.args[1])
    return measure(node.args[0]) if node.args else "count"


def _of_two(op: str, node: Any) -> str:
    left, right = measure(node.lhs), measure(node.rhs)
    number = node.lhs if _is_number(node.lhs) else node.rhs if _is_number(node.rhs) else None
    other = right if number is node.lhs else left
    if number is not None and op == "*":
        scaled = {("moment", 1000.0): "milliseconds", ("ratio", 100.0): "percent"}
        return scaled.get((other, number.val), other)
    if op == "-" and left == right == "moment":
        return "seconds"
    if op == "/":
        if number is not None and other == "seconds":
            return {60.0: "minutes", 3600.0: "hours"}.get(number.val, left)
        return "ratio" if left == right else left
    if op == "*":
        return right if left == "count" else left
    return left
