"""CEL (channel event logging), the exchange's own log: rows of measurement gaps, translated to AMI events."""
