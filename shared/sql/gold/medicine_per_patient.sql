-- name: medicine_per_patient
-- version: 1
-- description: How often and when each drug was prescribed to each patient.
-- grain: one row per source, patient and drug
-- owner: analytics
-- materialised: no
-- source: visit events: all treatments
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column drug: drug prescribed
-- column times_prescribed: number of prescriptions
-- column first_prescribed: day of the first prescription
-- column last_prescribed: day of the last prescription
SELECT
    t.source,
    t.patient_id,
    t.drug,
    COUNT(*) AS times_prescribed,
    MIN(t.prescribed_date) AS first_prescribed,
    MAX(t.prescribed_date) AS last_prescribed
FROM silver.treatments t
JOIN silver.sources s
    ON s.source = t.source AND s.feed = t.feed AND s.area = 'visit_events'
GROUP BY t.source, t.patient_id, t.drug
