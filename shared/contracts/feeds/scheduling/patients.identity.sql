SELECT
  i._order,
  i._row,
  i.patient_id,
  i.real_patient_id,
  NULLIF(concat_ws(' ', i.first_name, i.last_name), '') AS full_name,
  i.first_name,
  i.last_name,
  i.contact_number AS phone,
  i.email,
  i.address,
  i.insurance_id,
  b.updated_at
FROM identity i
JOIN bronze b ON b.source = i.source AND b._order = i._order AND b._row = i._row
