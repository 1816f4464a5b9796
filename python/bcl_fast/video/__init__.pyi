from ._contact_sheet import check_contact_sheet_output as check_contact_sheet_output
from ._contact_sheet import write_contact_sheet as write_contact_sheet
from ._extract import Extraction as Extraction
from ._extract import extract as extract
from ._look import ExtractionProgress as ExtractionProgress
from ._options import ExtractionOptions as ExtractionOptions

__all__ = [
    "Extraction",
    "ExtractionOptions",
    "ExtractionProgress",
    "check_contact_sheet_output",
    "extract",
    "write_contact_sheet",
]
