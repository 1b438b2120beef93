SELECT
  _order,
  _row,
  deleted_id AS organization_id,
  TRUE AS _deleted
FROM bronze
WHERE deleted_type = 'Organization'
