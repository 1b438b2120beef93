SELECT
  _order,
  _row,
  appointment_id,
  patient_id,
  physician_id AS practitioner_id,
  appointment_date,
  appointment_time,
  -- The feed has no booking time of its own: the record is created when the appointment is booked.
  created_at AS scheduled_at,
  duration_minutes,
  reason,
  status,
  no_show,
  created_at,
  updated_at
FROM bronze
