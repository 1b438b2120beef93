-- name: patient_treatment_summary
-- version: 1
-- description: Every treatment prescribed in a visit event, with the patient's pseudonym.
-- grain: one row per treatment of a visit event
-- owner: analytics
-- materialised: no
-- source: visit events: all treatments
-- column source: sender
-- column treatments_drug: drug prescribed
-- column treatments_dose: dose as written
-- column prescribed_date: day of the visit in which it was prescribed
-- column patient_id: pseudonym of the patient
SELECT
    t.source,
    t.drug AS treatments_drug,
    t.dose AS treatments_dose,
    t.prescribed_date,
    t.patient_id
FROM silver.treatments t
JOIN silver.sources s
    ON s.source = t.source AND s.feed = t.feed AND s.area = 'visit_events'
