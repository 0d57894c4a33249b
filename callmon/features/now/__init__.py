"""The page *Now*, its half-hours, the wall, and `callmon status`."""
