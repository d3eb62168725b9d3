"""SMTP: connect, session, replies."""
