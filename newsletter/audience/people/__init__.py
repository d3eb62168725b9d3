"""The people whom mail goes to: who signed up, what they agreed to, and who must not be mailed."""
