"""The boards for Grafana: one typed source, from which the JSON of both languages is made.

    python -m dashboards.source      writes dashboards/grafana/fr/ and en/

`model` is what a board is made of, `render` makes Grafana's JSON of it by Grafana's own typed builders; each board
is a module. `lint` reads the JSON as Grafana would and knows nothing of the source. `drawn` draws the boards with
Grafana's components, for `pictures` and for the tests. They are no part of callmon: a site needs the JSON alone.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "dashboards" / "grafana"
LANGUAGES = ("fr", "en")
