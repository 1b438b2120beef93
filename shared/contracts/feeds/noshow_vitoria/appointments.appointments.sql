SELECT
  _order,
  _row,
  appointment_id,
  patient_id,
  appointment_date,
  scheduled_at,
  CASE
    WHEN no_show THEN 'No-show'
    WHEN NOT no_show THEN 'Completed'
  END AS status,
  no_show,
  age AS patient_age,
  gender AS patient_gender,
  neighbourhood,
  scholarship,
  hypertension,
  diabetes,
  alcoholism,
  disability,
  reminder_sent
FROM bronze
