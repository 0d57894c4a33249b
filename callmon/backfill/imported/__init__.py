"""Calls of the exchange's older records, which hold less than CEL: queue_log and CDR."""
