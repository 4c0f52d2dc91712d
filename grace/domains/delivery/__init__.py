"""Projects, milestones, deliverables and satisfaction."""
