"""The query side: views that the events build, that can be thrown away and built again."""
