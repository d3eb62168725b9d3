"""Messages over SMTP, each exactly once."""
