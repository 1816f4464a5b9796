from ._report import Report as Report
from ._report import check_report_output as check_report_output
from ._report import write_report as write_report
from ._review import review_app as review_app
from ._review import serve as serve

__all__ = ["Report", "check_report_output", "review_app", "serve", "write_report"]
