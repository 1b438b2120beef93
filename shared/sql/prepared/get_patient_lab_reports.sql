-- name: get_patient_lab_reports
-- version: 1
-- description: Every laboratory report of one clinic patient, newest first.
-- grain: one row per laboratory report of the patient
-- owner: clinic
-- materialised: no
-- source: clinic analytics: laboratory reports with their visit and patient; by report_date, ties by the report's identifier
-- parameter patient_id: real identifier of the patient
-- column source: sender
-- column patient_name: full name of the patient
-- column visit_date: day of the visit
-- column reason: reason of the visit
-- column test_type: test that was done
-- column result: result of the test
-- column report_date: day of the report
SELECT
    l.source,
    i.full_name AS patient_name,
    e.encounter_date AS visit_date,
    e.reason,
    l.test_type,
    l.result,
    l.report_date
FROM identity.patients i
JOIN silver.encounters e
    ON e.source = i.source AND e.patient_id = i.patient_id
JOIN silver.sources s
    ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinic'
JOIN silver.lab_reports l
    ON l.source = e.source AND l.encounter_id = e.encounter_id
WHERE i.real_patient_id = ?
ORDER BY l.report_date DESC NULLS LAST, l.lab_report_id, l.source
