"""Where outcomes go: the database, the metrics and an MQTT broker."""
