-- name: doctor_summary
-- version: 1
-- description: Visits and patients of each clinic doctor who has had a visit.
-- grain: one row per source and doctor with at least one visit
-- owner: analytics
-- materialised: no
-- source: clinic analytics: visits joined with their doctors
-- column source: sender
-- column doctor_id: identifier of the doctor
-- column total_visits: number of visits
-- column unique_patients: distinct patients seen
-- column name: full name of the doctor
-- column specialization: medical specialty of the doctor
-- column hospital: hospital the doctor works in
SELECT
    d.source,
    d.practitioner_id AS doctor_id,
    COUNT(*) AS total_visits,
    COUNT(DISTINCT e.patient_id) AS unique_patients,
    d.full_name AS name,
    d.specialty AS specialization,
    d.hospital
FROM silver.encounters e
JOIN silver.sources s
    ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinic'
JOIN silver.practitioners d
    ON d.source = e.source AND d.practitioner_id = e.practitioner_id
GROUP BY d.source, d.practitioner_id, d.full_name, d.specialty, d.hospital
