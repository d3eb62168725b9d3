"""What may be wrong with an issue or its email, as findings: pure, one module for each kind of check."""
