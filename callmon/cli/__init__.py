"""What all commands share: the terminal, the language, errors, progress, completion."""
