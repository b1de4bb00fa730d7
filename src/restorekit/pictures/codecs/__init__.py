"""One format a file, or one part of a format: JPEG, PNG, TIFF, WebP, BMP, raw."""
