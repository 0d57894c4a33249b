"""The calls: their search, one call and its drawing, `callmon calls` and `callmon explain`."""
