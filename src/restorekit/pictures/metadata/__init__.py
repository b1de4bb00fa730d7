"""What a picture file holds besides its pixels: EXIF, XMP, attachments, notes of programs."""
