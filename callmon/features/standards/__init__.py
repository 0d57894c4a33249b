"""The promises, and `callmon attest`."""
