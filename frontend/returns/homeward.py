"""The router of what an exporter agrees and sends home: terms, batches with their papers, clocks, evidence."""

from litestar import Router

from frontend.returns import batches, clocks, filling, pack, proof, records, terms

router = Router(
    path="/returns",
    route_handlers=[
        terms.show,
        terms.file,
        terms.agree,
        batches.listed,
        batches.listed_file,
        batches.new,
        batches.open_one,
        batches.show,
        batches.act,
        batches.add_papers,
        filling.show,
        filling.add,
        pack.print_pack,
        pack.save_pack,
        clocks.listed,
        clocks.listed_file,
        proof.print_pack,
        proof.save_pack,
        proof.check,
        proof.check_file,
        records.listed,
        records.listed_file,
        records.show,
        records.print_record,
    ],
    include_in_schema=False,
)
