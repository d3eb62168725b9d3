"""Several machines that send one issue."""
