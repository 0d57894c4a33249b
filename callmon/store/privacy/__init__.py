"""What callmon does for the people whose numbers it keeps: keys, sealing, files that expire. SQL is in store/."""
