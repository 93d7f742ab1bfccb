"""An optional chat endpoint that writes training rows: asked once, its rows checked one by one and stored in the recipe."""
