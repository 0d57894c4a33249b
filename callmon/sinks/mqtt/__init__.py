"""The MQTT sink: topics on a broker."""
