"""Topics on an MQTT broker."""
