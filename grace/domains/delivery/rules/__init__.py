"""Decisions about projects: milestones, progress, satisfaction. Pure functions."""
