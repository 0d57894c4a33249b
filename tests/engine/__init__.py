"""A Docker engine of its own: in a Debian folder, with its own data, ended by its process id."""
