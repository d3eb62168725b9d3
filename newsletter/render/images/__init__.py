"""Pictures: found, fetched, converted, embedded."""
