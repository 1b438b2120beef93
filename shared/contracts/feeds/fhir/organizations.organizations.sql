SELECT
  _order,
  _row,
  organization_id,
  name,
  address,
  city,
  state,
  zip_code,
  phone
FROM bronze
