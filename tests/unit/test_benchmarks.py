"""The benchmarks stand on the product and on what the tests share: each can be started."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCH.glob("*.py")))
def test_every_benchmark_can_be_imported(name: str) -> None:
    assert import_module(f"bench.{name}").__name__ == f"bench.{name}"
