"""callmon: the witness of what a ministry promised its callers on the telephone."""

__version__ = "0.1.0"
