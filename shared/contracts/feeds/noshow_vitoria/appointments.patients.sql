-- One row a patient and file; the load keeps that of the latest file. Choosing within the file alone makes a rerun
-- of all files and a run of the new file give the same row.
SELECT
  _order,
  _row,
  patient_id,
  age,
  COALESCE(gender, 'Unknown') AS gender
FROM (
  SELECT
    _order,
    _row,
    patient_id,
    age,
    CASE WHEN gender IN ('M', 'F') THEN gender END AS gender,
    ROW_NUMBER() OVER (
      PARTITION BY source, _order, patient_id
      ORDER BY appointment_date DESC NULLS LAST, scheduled_at DESC NULLS LAST, _row DESC
    ) AS recency
  FROM bronze
) versions
WHERE recency = 1
