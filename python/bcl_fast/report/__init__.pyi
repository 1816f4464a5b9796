from ._exports import Exported as Exported
from ._exports import check_export_output as check_export_output
from ._exports import export_result as export_result
from ._imports import import_labels as import_labels
from ._report import Report as Report
from ._report import check_report_output as check_report_output
from ._report import write_report as write_report
from ._review import review_app as review_app
from ._review import serve as serve

__all__ = [
    "Exported",
    "Report",
    "check_export_output",
    "check_report_output",
    "export_result",
    "import_labels",
    "review_app",
    "serve",
    "write_report",
]
