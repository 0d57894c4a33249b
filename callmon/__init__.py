"""callmon: monitors a ministry's telephone lines against its service standards."""

__version__ = "0.1.0"
