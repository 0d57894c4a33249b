"""The ledger of obligations: who must be called back, until when, and what became of it."""
