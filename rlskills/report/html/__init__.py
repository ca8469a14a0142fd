"""The page of a study as one HTML file with figures that answer to the reader.

`page` puts it together; each file of a figure gives a `Part`, or None where the runs lack what it
needs. `page.html`, `style.css`, `script.js` and `figures.js` are the parts that are no Python.
"""
