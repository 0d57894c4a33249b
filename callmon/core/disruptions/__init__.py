"""Disruptions: times in which a line could not take calls, planned work, and their public notices."""
