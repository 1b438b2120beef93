-- name: avg_bmi
-- version: 1
-- description: Mean body mass index by gender, race and age group.
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
-- column patients: patients with a value
-- column avg_bmi: mean of their latest values [kg/m2]
WITH latest AS (
    SELECT
        o.source,
        o.patient_id,
        o.measure,
        o.value_number
    FROM gold.patient_observations o
    WHERE o.place = 1 AND o.measure = 'bmi'
)
SELECT
    p.source,
    CASE WHEN w.gender = 1 THEN p.gender ELSE 'All' END AS gender,
    CASE WHEN w.race = 1 THEN COALESCE(p.race, 'Unknown') ELSE 'All' END AS race,
    CASE WHEN w.age_group = 1 THEN p.age_group ELSE 'All' END AS age_group,
    COUNT(DISTINCT l.patient_id) AS patients,
    AVG(l.value_number) AS avg_bmi
FROM latest l
JOIN gold.patients p
    ON p.source = l.source AND p.patient_id = l.patient_id
CROSS JOIN (VALUES (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)) AS w (gender, race, age_group)
GROUP BY
    p.source,
    CASE WHEN w.gender = 1 THEN p.gender ELSE 'All' END,
    CASE WHEN w.race = 1 THEN COALESCE(p.race, 'Unknown') ELSE 'All' END,
    CASE WHEN w.age_group = 1 THEN p.age_group ELSE 'All' END
