"""Settings: what the business decides for itself, who may act in it, what it is connected to."""
