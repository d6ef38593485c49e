"""The door of the lake: what may pass, in what guise, and what is refused because it tells of people."""
