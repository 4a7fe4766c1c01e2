"""The router of bookings: the list, new returns, one return, its label, and returns desks."""

from litestar import Router

from frontend.returns import booked, desks, new, papers

_returns = Router(
    path="/returns",
    route_handlers=[
        booked.listed,
        booked.show,
        booked.cancel,
        booked.settle,
        booked.edit,
        booked.change,
        new.show,
        new.template,
        new.write,
        new.book,
        papers.label,
        desks.show,
        desks.keep,
    ],
)
router = Router(path="/", route_handlers=[_returns, booked.listed_file], include_in_schema=False)
api_router = Router(path="/api/v1", route_handlers=[papers.label_for_machines])
