"""The administrator's: the record of access, imports, `callmon users` and `callmon privacy`."""
