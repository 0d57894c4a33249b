"""Text for people: labels, dates and numbers, lists, the story of a call. Pure."""
