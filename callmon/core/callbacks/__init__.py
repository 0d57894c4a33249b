"""The ledger of obligations: which callers must be called back, by when, and with what result."""
