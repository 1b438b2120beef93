SELECT
  b._order,
  b._row,
  b.appointment_id,
  b.patient_id,
  b.practitioner_id,
  CAST(b.start_at AS DATE) AS appointment_date,
  b.start_at AS appointment_time,
  b.scheduled_at,
  b.duration_minutes,
  b.reason,
  CASE
    WHEN b.status = 'fulfilled' THEN 'Completed'
    WHEN b.status = 'noshow' THEN 'No-show'
    WHEN b.status = 'cancelled' THEN 'Cancelled'
    ELSE 'Scheduled'
  END AS status,
  CASE
    WHEN b.status = 'noshow' THEN TRUE
    WHEN b.status IN ('fulfilled', 'arrived', 'checked-in') THEN FALSE
  END AS no_show,
  b.scheduled_at AS created_at,
  COALESCE(b.last_updated, CAST(b.ingest_date AS TIMESTAMP)) AS updated_at,
  v.status IS NOT NULL AS _deleted
FROM bronze b
LEFT JOIN codes.fhir_void_statuses v ON v.resource = 'Appointment' AND v.status = b.status
