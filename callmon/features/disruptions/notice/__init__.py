"""The public notice: static pages, calendars and JSON of current and planned disruptions, for any web server."""
