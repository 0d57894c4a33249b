"""The exchange: everything that speaks Asterisk's dialect (channel, uniqueid, linkedid, bridge)."""
