"""The router of the screens of value-added services."""

from litestar import Router

from frontend.value_added import deeds, jobs, offers, pledges, processing, requesting, statements, trace

router = Router(
    path="/",
    route_handlers=[
        *jobs.HANDLERS,
        *deeds.HANDLERS,
        *processing.HANDLERS,
        *offers.HANDLERS,
        *requesting.HANDLERS,
        *pledges.HANDLERS,
        *statements.HANDLERS,
        *trace.HANDLERS,
    ],
    include_in_schema=False,
)
