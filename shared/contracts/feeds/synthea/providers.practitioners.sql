SELECT
  _order,
  _row,
  provider_id AS practitioner_id,
  name AS full_name,
  gender,
  specialty,
  organization_id,
  city,
  state,
  zip_code
FROM bronze
