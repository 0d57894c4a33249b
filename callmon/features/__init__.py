"""What people use, one folder a thing: its page, its command, its queries, its words."""
