"""HTTP: `/metrics`, `/healthz` and the pages."""
