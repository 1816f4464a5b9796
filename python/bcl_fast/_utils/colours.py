"""Colours of people, in pictures that tell them apart by nothing else."""

# Any two of these, white and the grey are at least 20 apart by CIEDE2000 (2 is just seen): matplotlib's first four,
# then each the colour that was farthest from all before it.
OF_PEOPLE = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#2d2d1e", "#5a0069", "#f000ff", "#f0d200", "#876900", "#00e1d2",
    "#ffa5c3", "#00695a", "#5a1e1e", "#a5a5ff", "#965a78", "#1ec3ff", "#87f000", "#002d5a", "#5a2dff", "#3c5a00",
)  # fmt: skip
GREY = "#9a9a9a"  # of everybody else


def colour_of_person(rank: int) -> str:
    """Return the colour of the person seen most (0), second most, and so on; grey once there are no more."""
    return OF_PEOPLE[rank] if rank < len(OF_PEOPLE) else GREY
