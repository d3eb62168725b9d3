"""`newsletter doctor`: checks of the newsletter's deliverability.

`ask/` collects answers (DNS, relay, web, database, files); `judge/` turns them into verdicts, and is pure.
"""
