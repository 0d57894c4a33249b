"""Tests with a real Asterisk, Prometheus, Alertmanager, Mosquitto or MariaDB."""
