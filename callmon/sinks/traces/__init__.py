"""The traces: one of each ended call on a public line, to an OpenTelemetry collector."""
