-- name: prevalence
-- version: 1
-- description: Share of patients who ever had each condition, by gender, race and age group.
-- grain: one row per source, condition code and cell; a cell is one of gender, race or age group, all three together, or
--    everybody
-- owner: public-health
-- materialised: no
-- source: distinct patients with the code / distinct patients of the cell; age on the as-of day, at death for the dead.
--    All stands where a cell does not tell apart. Cells without a patient who has the code have no row
-- measure: demographics
-- column source: sender
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column is_disorder: whether it is a disease and not a finding or situation
-- column gender: gender, or All
-- column race: race, or All
-- column age_group: age group, or All
-- column patients_with_code: distinct patients of the cell who ever had the code
-- column patients: patients of the cell
-- column prevalence: patients_with_code / patients [0-1]
WITH people AS (
    SELECT
        p.source,
        p.patient_id,
        CASE WHEN w.gender = 1 THEN p.gender ELSE 'All' END AS gender,
        CASE WHEN w.race = 1 THEN COALESCE(p.race, 'Unknown') ELSE 'All' END AS race,
        CASE WHEN w.age_group = 1 THEN p.age_group ELSE 'All' END AS age_group
    FROM gold.patients p
    CROSS JOIN (VALUES (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)) AS w (gender, race, age_group)
),
cells AS (
    SELECT p.source, p.gender, p.race, p.age_group, COUNT(*) AS patients
    FROM people p
    GROUP BY p.source, p.gender, p.race, p.age_group
),
affected AS (
    SELECT p.source, j.code, j.condition, j.is_disorder, p.gender, p.race, p.age_group, COUNT(*) AS patients_with_code
    FROM gold.patient_journey j
    JOIN people p
        ON p.source = j.source AND p.patient_id = j.patient_id
    GROUP BY p.source, j.code, j.condition, j.is_disorder, p.gender, p.race, p.age_group
)
SELECT
    a.source,
    a.code,
    a.condition,
    a.is_disorder,
    a.gender,
    a.race,
    a.age_group,
    a.patients_with_code,
    c.patients,
    CAST(a.patients_with_code AS DOUBLE) / c.patients AS prevalence
FROM affected a
JOIN cells c
    ON c.source = a.source AND c.gender = a.gender AND c.race = a.race AND c.age_group = a.age_group
