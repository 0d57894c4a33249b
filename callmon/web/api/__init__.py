"""The read API, `/api/v1/`: what holds for every resource. A feature offers its own in its `api.py`."""
