-- name: hospital_visits
-- version: 1
-- description: Visits, patients and active doctors of each hospital.
-- grain: one row per source and hospital with at least one visit
-- owner: analytics
-- materialised: no
-- source: clinic analytics: visits joined with their doctors
-- column source: sender
-- column hospital: hospital of the doctor seen
-- column total_visits: number of visits
-- column unique_patients: distinct patients seen
-- column active_doctors: distinct doctors with at least one visit
SELECT
    d.source,
    d.hospital,
    COUNT(*) AS total_visits,
    COUNT(DISTINCT e.patient_id) AS unique_patients,
    COUNT(DISTINCT e.practitioner_id) AS active_doctors
FROM silver.encounters e
JOIN silver.sources s
    ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinic'
JOIN silver.practitioners d
    ON d.source = e.source AND d.practitioner_id = e.practitioner_id
GROUP BY d.source, d.hospital
