SELECT
  _order,
  _row,
  job_date,
  patient_id,
  visit_id AS encounter_id,
  code,
  code_system,
  diagnosis_description AS description,
  visit_date AS start_date,
  -- This feed codes diseases only, not findings.
  TRUE AS is_disorder
FROM (
  SELECT
    _order,
    _row,
    ingest_date AS job_date,
    patient_id,
    visit_id,
    visit_date,
    diagnosis_description,
    CASE
      WHEN strpos(diagnosis_code, ':') > 0 THEN substr(diagnosis_code, strpos(diagnosis_code, ':') + 1)
      ELSE diagnosis_code
    END AS code,
    CASE WHEN strpos(diagnosis_code, ':') > 0 THEN split_part(diagnosis_code, ':', 1) END AS code_system,
    ROW_NUMBER() OVER (
      PARTITION BY source, ingest_date, patient_id, visit_id, visit_date, diagnosis_code
      ORDER BY _order DESC, _row, diagnosis_position
    ) AS occurrence
  FROM bronze
  WHERE visit_id IS NOT NULL AND diagnosis_code IS NOT NULL
) diagnoses
WHERE occurrence = 1
