"""Disruptions: times in which a line could not take calls, planned work, and what the public was told of them."""
