SELECT
  _order,
  _row,
  job_date,
  visit_id AS encounter_id,
  patient_id,
  note_author AS practitioner_name,
  visit_date AS encounter_date
FROM (
  SELECT
    _order,
    _row,
    ingest_date AS job_date,
    visit_id,
    patient_id,
    note_author,
    visit_date,
    ROW_NUMBER() OVER (
      PARTITION BY source, ingest_date, visit_id
      ORDER BY _order DESC, _row
    ) AS occurrence
  FROM bronze
  WHERE visit_id IS NOT NULL
) visits
WHERE occurrence = 1
