from ._films import simulate_episodes as simulate_episodes
from ._films import simulate_movies as simulate_movies
from ._films import simulate_splits as simulate_splits
from ._world import World as World

__all__ = [
    "World",
    "simulate_episodes",
    "simulate_movies",
    "simulate_splits",
]
