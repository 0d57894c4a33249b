"""Read models: calls, obligations, disruptions, reports, reconciliations."""
