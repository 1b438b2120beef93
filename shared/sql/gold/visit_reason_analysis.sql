-- name: visit_reason_analysis
-- version: 1
-- description: Visits and patients by the reason of the visit.
-- grain: one row per source and reason
-- owner: analytics
-- materialised: no
-- source: clinic analytics: all visits
-- column source: sender
-- column reason: reason of the visit, NULL when not stated
-- column total_visits: number of visits
-- column unique_patients: distinct patients with such a visit
SELECT
    e.source,
    e.reason,
    COUNT(*) AS total_visits,
    COUNT(DISTINCT e.patient_id) AS unique_patients
FROM silver.encounters e
JOIN silver.sources s
    ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinic'
GROUP BY e.source, e.reason
