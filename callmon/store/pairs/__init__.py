"""The databases of several pairs of callmon, read as one."""
