"""Lists: CSV files of subscribers."""
