"""Who may what on the pages: rights and roles, who somebody is, sessions, forms, the record of what was seen."""
