"""The web page of `restorekit app`.

The files here are plain functions on paths and arrays. `layout` arranges them on a page with
Gradio, and `web_server.py` serves it.
"""
