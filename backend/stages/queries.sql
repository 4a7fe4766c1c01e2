-- name: history
select s.*, w.code as warehouse, w.time_zone, w.operator_id
from stage s join warehouse w on w.id = s.warehouse_id
where s.subject = $1 and s.subject_id = $2
order by s.entered_at, s.id
