"""Roll-ups: sums by day and hour, stored beside the rows that they sum."""
