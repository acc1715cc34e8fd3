"""A static site of the course: statements, interview questions, figures and sources.

`pages` makes the pages as HTML from the course (`markdown` reads its Markdown, `formulas` its formulas, `links` holds
that no link leads nowhere), `theme` puts them into the frame of Material for MkDocs (navigation, search, light and
dark), `build` writes the folder, and `serve` shows it to a browser on this machine. The site needs no network and no
server: it works from `file://`, and the same course gives the same bytes.

The packages of the extra ``site`` are imported when a site is built, and not before.
"""
