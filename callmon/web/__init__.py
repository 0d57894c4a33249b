"""What callmon serves over HTTP."""
