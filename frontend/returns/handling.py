"""The router of handling returned goods: scanning, worklists, grading, deciding, carrying out, money, unannounced parcels."""

from litestar import Router

from frontend.returns import carrying, deciding, grading, money, parcels, scan, unit, work

router = Router(
    path="/returns",
    route_handlers=[
        scan.show,
        scan.scan,
        scan.receive,
        scan.close,
        work.to_receive,
        work.to_receive_file,
        work.to_grade,
        work.to_grade_file,
        work.to_decide,
        work.to_decide_file,
        work.to_carry_out,
        work.to_carry_out_file,
        grading.show,
        grading.grade,
        grading.published,
        grading.agreement,
        grading.agreement_file,
        deciding.show,
        deciding.decide,
        carrying.show,
        carrying.carry_out,
        unit.show,
        unit.act,
        unit.labels,
        money.refund,
        money.reverse,
        parcels.listed,
        parcels.listed_file,
        parcels.show_new,
        parcels.record,
        parcels.show,
        parcels.act,
    ],
    include_in_schema=False,
)
