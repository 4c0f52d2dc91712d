"""The back end that needs nothing outside: rules, templates and the workspace's own past projects."""
