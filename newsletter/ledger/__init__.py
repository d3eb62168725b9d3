"""Who was mailed, durably."""
