"""The face: blendshapes on the reply's own timeline, and what draws them."""
