"""What each registered network costs and can do: `restorekit zoo` and the page that it writes.

`entries` lists networks with their presets, `facts` counts what does not depend on the machine, and
`measure` measures the rest in a process of its own. `zoo_page` writes both, with what `zoo_files`
reads from the files next to the page.
"""
