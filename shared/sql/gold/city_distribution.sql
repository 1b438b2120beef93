-- name: city_distribution
-- version: 1
-- description: Number of clinic patients by the city they live in.
-- grain: one row per source and city
-- owner: analytics
-- materialised: no
-- source: clinic analytics: all patients
-- column source: sender
-- column city: city of the patient, NULL when not known
-- column patient_count: number of patients
SELECT
    p.source,
    p.city,
    COUNT(*) AS patient_count
FROM silver.patients p
JOIN silver.sources s
    ON s.source = p.source AND s.feed = p.feed AND s.area = 'clinic'
GROUP BY p.source, p.city
