"""The page, one tab a file. Gradio is imported only here and in `web_server.py`."""
