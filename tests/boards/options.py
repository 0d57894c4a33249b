"""How each kind of panel is set. No gauge dials, no sparklines, no colour scale from red to green."""

from __future__ import annotations

from typing import Any

from tests.boards.model import NORMAL, Panel

Json = dict[str, Any]


def options(panel: Panel) -> Json:
    match panel.kind:
        case "table":
            return {
                "frameIndex": 0,
                "showHeader": True,
                "showTypeIcons": False,
                "cellHeight": "sm",
                "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
            }
        case "stat":
            return _reduced(panel) | {
                "graphMode": "none",
                "colorMode": "value",
                "justifyMode": "center",
                "textMode": "auto",
                "wideLayout": False,
                "showPercentChange": False,
                "percentChangeColorMode": "standard",
                "text": {"titleSize": 14, "valueSize": panel.size or 37},
            }
        case "bargauge":
            return _reduced(panel) | {
                "orientation": "horizontal",
                "displayMode": "basic",
                "valueMode": "text",
                "namePlacement": "top",  # at the left a name has 40 % of the width, and is cut
                "showUnfilled": False,
                "sizing": "auto",
                "minVizHeight": 36,
                "minVizWidth": 8,
                "maxVizHeight": 40,
                "text": {"titleSize": 14, "valueSize": 16},
                "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
            }
        case "timeseries":
            return {
                "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
                "tooltip": {"mode": "multi", "sort": "none"},
            }
        case "heatmap":
            return _heatmap()


def _reduced(panel: Panel) -> Json:
    fields = "/.*/" if panel.queries[0].source == "postgres" and not panel.by_row else ""
    return {
        "orientation": "auto",
        "reduceOptions": {"values": panel.by_row, "calcs": ["lastNotNull"], "fields": fields, "limit": 40},
    }


def _heatmap() -> Json:
    return {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "none"},
        "color": {
            "mode": "opacity",
            "fill": NORMAL,
            "scale": "exponential",
            "exponent": 0.5,
            "steps": 32,
            "scheme": "Blues",
            "reverse": False,
        },
        "selectionMode": "x",
        "exemplars": {"color": NORMAL},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "always",
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "none"},
    }


def custom(panel: Panel) -> Json:
    match panel.kind:
        case "table":
            return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
        case "timeseries":
            return _bars() if panel.is_stacked else _lines()
        case "heatmap":
            return {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    return {}


def _lines() -> Json:
    return {
        "drawStyle": "line",
        "lineWidth": 2,
        "fillOpacity": 0,
        "showPoints": "auto",
        "pointSize": 5,
        "spanNulls": False,
        "lineInterpolation": "linear",
        "axisPlacement": "auto",
        "axisSoftMin": 0,
        "stacking": {"mode": "none", "group": "A"},
    }


def _bars() -> Json:
    return _lines() | {
        "drawStyle": "bars",
        "lineWidth": 1,
        "fillOpacity": 70,
        "showPoints": "never",
        "barAlignment": 1,  # a day or half hour is named by its beginning
        "barWidthFactor": 0.8,
        "stacking": {"mode": "normal", "group": "A"},
    }
