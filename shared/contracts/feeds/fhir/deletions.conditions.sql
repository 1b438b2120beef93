SELECT
  _order,
  _row,
  deleted_id AS record_id,
  TRUE AS _deleted
FROM bronze
WHERE deleted_type = 'Condition'
