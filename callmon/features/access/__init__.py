"""Accounts and the record of access: the page, `callmon users` and `callmon privacy`."""
