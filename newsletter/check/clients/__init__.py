"""What mail clients support."""
