"""The use cases: render a post, plan a send, deliver it."""
