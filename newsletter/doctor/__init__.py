"""`newsletter doctor`: whether mail can go out, and whether it will be believed.

`ask/` looks things up (DNS, relay, web, database, files); `judge/` turns what came back into verdicts, and is pure.
"""
