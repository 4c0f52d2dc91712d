"""The pipeline: the board, the list, one lead in its drawer, a new lead, and the form for a website."""
