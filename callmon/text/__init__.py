"""What people read: labels, dates and numbers, the account of a call. Pure."""
