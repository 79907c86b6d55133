"""Plans that are quick to carry out."""

# Complete to 1.75 deg in the table of twelve positions, and none of them a deep field.
POSITIONS = (
    (0.0, -30.0),
    (30.0, -45.0),
    (60.0, -20.0),
    (80.0, -69.0),
    (267.0, -29.5),
    (180.0, -80.0),
    (200.0, -25.0),
    (330.0, 5.0),
)
# One-year searches in a narrow range of periods cost a few milliseconds.
QUICK = {"star_classes": ("RRab",), "stars_per_position": 3, "period_range": (0.3, 1.2)}
