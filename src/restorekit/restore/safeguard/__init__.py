"""Decides whether a picture is left unchanged, and limits how far its restoration may go."""
