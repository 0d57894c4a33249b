"""How each kind of panel is set. No gauge dials, no colour scale from red to green."""

from __future__ import annotations

import re
from typing import Any

from dashboards.source.model import NORMAL, Panel

Json = dict[str, Any]
SIGN = re.compile(r"[✓■○▲?]")


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
            return {
                "orientation": "auto",
                "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": "", "limit": 40},
                "graphMode": "area" if panel.queries[0].span == "range" else "none",
                "colorMode": "value",
                "justifyMode": "center",
                "textMode": "value_and_name" if SIGN.match(panel.columns[0].title.en) else "auto",
                "wideLayout": False,
                "showPercentChange": False,
                "percentChangeColorMode": "standard",
                "text": {"titleSize": 14} | ({"valueSize": panel.size} if panel.size else {}),
            }
        case "timeseries":
            return {
                "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
                "tooltip": {"mode": "multi", "sort": "none"},
            }
        case "heatmap":
            return _heatmap()
        case "barchart":
            return _barchart()
        case "state-timeline":
            return _timeline()


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
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "none"},
    }


def _barchart() -> Json:
    return {
        "orientation": "horizontal",
        "xTickLabelRotation": 0,
        "xTickLabelMaxLength": 0,
        "xTickLabelSpacing": 0,
        "showValue": "always",
        "stacking": "none",
        "groupWidth": 0.7,
        "barWidth": 0.9,
        "barRadius": 0,
        "fullHighlight": False,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }


def _timeline() -> Json:
    return {
        "showValue": "auto",
        "rowHeight": 0.85,
        "perPage": 20,
        "mergeValues": True,
        "alignValue": "left",
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }


def custom(panel: Panel) -> Json:
    match panel.kind:
        case "table":
            return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
        case "timeseries":
            made = _bars() if panel.is_stacked else _lines()
            return made if panel.mark is None else made | {"thresholdsStyle": {"mode": "dashed"}}
        case "heatmap":
            return {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}
        case "barchart":
            return {"lineWidth": 1, "fillOpacity": 90, "gradientMode": "none", "axisPlacement": "auto"}
        case "state-timeline":
            return {"lineWidth": 0, "fillOpacity": 90}
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
        "fillOpacity": 90,
        "showPoints": "never",
        "barAlignment": -1,  # a point counts the time before it
        "barWidthFactor": 0.8,
        "stacking": {"mode": "normal", "group": "A"},
    }
