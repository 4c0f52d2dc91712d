"""The web console: the shell (`shell`), what forms and pages share, and one module per page.

A page is a door under /app that reads through the domains' queries and shows a template; a form posts to a door
that calls what the API's door of the same name calls. Everything reads and works without JavaScript; with it,
`static/console.js` swaps in what changed.
"""
