"""Pages and printed documents: what people see. Decides nothing; collects input and calls backend's actions and queries.

`render` owns the Jinja environment and how numbers, times and names are written; `layout.html` the frame; `macros.html`
the components; `static/app.css` the look. Touches no tables.
"""
