"""Authentication and authorization of the pages: rights, roles, identity, sessions, forms, the audit record."""
