"""How the face rests in each mood."""

RESTING_SMILE = 0.06
"""mouthSmile while nothing else moves the mouth: friendly, hardly seen. A reply's mouth rests on the same."""
