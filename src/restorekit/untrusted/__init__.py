"""Untrusted text and JSON, checked and limited in size before use."""
