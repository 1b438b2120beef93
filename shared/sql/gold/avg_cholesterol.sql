-- name: avg_cholesterol
-- version: 1
-- description: Mean cholesterol and triglycerides by gender, race and age group.
-- grain: one row per source and cell; a cell is one of gender, race or age group, all three together, or everybody
-- owner: public-health
-- materialised: no
-- source: for each patient the latest value up to the as-of day, the greatest of equal moments, then the mean of the
--    cell. The LOINC codes are the list codes.observation_measures. All stands where a cell does not tell apart
-- measure: demographics
-- column source: sender
-- column gender: gender, or All
-- column race: race, or All
-- column age_group: age group on the as-of day, at death for the dead, or All
-- column patients: patients with any of the values
-- column avg_total_cholesterol: mean of their latest total cholesterol, NULL without any [mg/dL]
-- column avg_ldl_cholesterol: mean of their latest LDL cholesterol, NULL without any [mg/dL]
-- column avg_hdl_cholesterol: mean of their latest HDL cholesterol, NULL without any [mg/dL]
-- column avg_triglycerides: mean of their latest triglycerides, NULL without any [mg/dL]
WITH latest AS (
    SELECT
        o.source,
        o.patient_id,
        o.measure,
        o.value_number
    FROM gold.patient_observations o
    WHERE o.place = 1 AND o.measure IN ('total_cholesterol', 'ldl_cholesterol', 'hdl_cholesterol', 'triglycerides')
)
SELECT
    p.source,
    CASE WHEN w.gender = 1 THEN p.gender ELSE 'All' END AS gender,
    CASE WHEN w.race = 1 THEN COALESCE(p.race, 'Unknown') ELSE 'All' END AS race,
    CASE WHEN w.age_group = 1 THEN p.age_group ELSE 'All' END AS age_group,
    COUNT(DISTINCT l.patient_id) AS patients,
    AVG(CASE WHEN l.measure = 'total_cholesterol' THEN l.value_number END) AS avg_total_cholesterol,
    AVG(CASE WHEN l.measure = 'ldl_cholesterol' THEN l.value_number END) AS avg_ldl_cholesterol,
    AVG(CASE WHEN l.measure = 'hdl_cholesterol' THEN l.value_number END) AS avg_hdl_cholesterol,
    AVG(CASE WHEN l.measure = 'triglycerides' THEN l.value_number END) AS avg_triglycerides
FROM latest l
JOIN gold.patients p
    ON p.source = l.source AND p.patient_id = l.patient_id
CROSS JOIN (VALUES (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)) AS w (gender, race, age_group)
GROUP BY
    p.source,
    CASE WHEN w.gender = 1 THEN p.gender ELSE 'All' END,
    CASE WHEN w.race = 1 THEN COALESCE(p.race, 'Unknown') ELSE 'All' END,
    CASE WHEN w.age_group = 1 THEN p.age_group ELSE 'All' END
