-- name: get_doctor_summary
-- version: 1
-- description: Visits and patients of one clinic doctor; zeros without visits, no row for an unknown doctor.
-- grain: one row per source that knows the doctor
-- owner: clinic
-- materialised: no
-- source: clinic analytics: the doctor and their visits
-- parameter doctor_id: identifier of the doctor
-- column source: sender
-- column doctor_name: full name of the doctor
-- column specialization: medical specialty of the doctor
-- column hospital: hospital the doctor works in
-- column total_visits: number of visits
-- column unique_patients: distinct patients seen
SELECT
    d.source,
    d.full_name AS doctor_name,
    d.specialty AS specialization,
    d.hospital,
    COUNT(e.encounter_id) AS total_visits,
    COUNT(DISTINCT e.patient_id) AS unique_patients
FROM silver.practitioners d
JOIN silver.sources s
    ON s.source = d.source AND s.feed = d.feed AND s.area = 'clinic'
LEFT JOIN silver.encounters e
    ON e.source = d.source AND e.practitioner_id = d.practitioner_id
WHERE d.practitioner_id = ?
GROUP BY d.source, d.practitioner_id, d.full_name, d.specialty, d.hospital
ORDER BY d.source
