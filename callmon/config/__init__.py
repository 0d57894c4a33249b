"""What a site configures: the settings, their validation, and the calendar they describe."""
