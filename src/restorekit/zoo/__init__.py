"""What each registered network costs and can do: `restorekit zoo` and the page that it writes.

`entries` lists networks with their presets, `facts` counts what does not depend on the machine,
`measure` measures the rest in a process of its own, `page` writes both with what `records` reads
from the files next to the page.
"""
