"""Metadata of picture files: EXIF, XMP, attachments, notes of programs."""
