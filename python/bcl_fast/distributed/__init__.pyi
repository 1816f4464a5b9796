from ._engine import RayEngine as RayEngine
from ._sources import ParquetPoints as ParquetPoints

__all__ = ["ParquetPoints", "RayEngine"]
