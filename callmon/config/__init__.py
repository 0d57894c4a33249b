"""The configuration of a site: the settings, their validation, and the calendar they describe."""
