"""What mail clients can show."""
