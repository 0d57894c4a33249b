"""The reasoning, without I/O: calls, standards, callbacks, disruptions, statistics."""
