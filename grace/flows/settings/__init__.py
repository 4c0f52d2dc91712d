"""Settings of the workspace at their doors: read, and changed as a whole, with an audit entry."""
