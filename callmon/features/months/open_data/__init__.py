"""The public edition: suppression of small cells, and its revisions."""
