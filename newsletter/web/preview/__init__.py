"""`newsletter preview`: a post in the browser, redrawn with each save.

`studio` reads and renders, `reading` shows one reader's copy, `trial` sends a test, `app` has the routes, `server` runs
it all and watches the files. The page itself is in `templates/preview`.
"""
