"""The monthly report by e-mail: its text, the conversation with the server, who gets which, and the timer."""
