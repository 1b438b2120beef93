-- name: encounters_per_disease
-- version: 1
-- description: Encounters and patients of each condition.
-- grain: one row per source and condition code
-- owner: public-health
-- materialised: no
-- source: distinct encounters and distinct patients of the condition rows with the code
-- measure: demographics
-- column source: sender
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column is_disorder: whether it is a disease and not a finding or situation
-- column encounters: distinct encounters in which it was recorded
-- column patients: distinct patients
SELECT
    n.source,
    n.code,
    n.condition,
    n.is_disorder,
    COUNT(DISTINCT c.encounter_id) AS encounters,
    COUNT(DISTINCT c.patient_id) AS patients
FROM gold.condition_names n
JOIN silver.conditions c
    ON c.source = n.source AND c.code = n.code
JOIN silver.sources s
    ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
GROUP BY n.source, n.code, n.condition, n.is_disorder
