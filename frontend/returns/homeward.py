"""The router of what an exporter agrees and sends home: terms, batches, clocks, evidence."""

from litestar import Router

from frontend.returns import terms

router = Router(path="/returns", route_handlers=[terms.show, terms.file, terms.agree], include_in_schema=False)
