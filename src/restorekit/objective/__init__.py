"""Objectives: what a network learns from clean images."""
