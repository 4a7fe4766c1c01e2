-- name: recipe
select side, item_id, lot_id, condition, quantity from recipe_line where warehouse_id = $1 and job_id = $2 order by line_no

-- name: places
select code, id from location
where warehouse_id = $1 and code = any($2::text[]) and kind in ('bin', 'dock', 'workshop')

-- name: items
select id, code from item where id = any($1::bigint[])

-- name: transform_step
select id, runs, document_id from job_step
where warehouse_id = $1 and job_id = $2 and id = $3 and kind = 'transform'
