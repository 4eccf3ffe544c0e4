"""The HTTP routes: what phone systems, desktops, vendors and operators ask."""
