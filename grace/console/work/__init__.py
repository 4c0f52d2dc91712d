"""Long work in the console: what is begun by uploading or by a button, its progress, its list."""
