"""A post in the browser as every reader will see it, drawn anew with each save.

`studio` reads and renders, `reading` shows one reader's copy, `trial` sends a test, `app` has the routes, `server` runs
it all and watches the files. The page itself is in `templates/preview`.
"""
