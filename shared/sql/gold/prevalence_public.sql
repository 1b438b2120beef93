-- name: prevalence_public
-- version: 1
-- description: prevalence for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per row of prevalence that crosses no other
-- owner: public-health
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column code: code of the condition
-- column gender: gender, or All
-- column race: race, or All
-- column age_group: age group, or All
-- column condition: most frequent text of the code
-- column is_disorder: whether it is a disease and not a finding or situation
-- column patients_with_code: distinct patients of the cell who ever had the code, NULL when it is not shown
-- column patients: patients of the cell, NULL when it is not shown
-- column prevalence: patients_with_code / patients, NULL when it is not shown [0-1]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.code,
        v.gender,
        v.race,
        v.age_group,
        v.condition,
        v.is_disorder,
        v.patients_with_code,
        v.patients,
        v.prevalence,
        CASE WHEN v.gender <> 'All' THEN 'gender' WHEN v.race <> 'All' THEN 'race' WHEN v.age_group <> 'All' THEN 'age' ELSE 'All' END AS shape,
        CASE
            WHEN v.patients_with_code BETWEEN 1 AND 10
            OR v.patients BETWEEN 1 AND 10
            OR v.patients - v.patients_with_code BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.prevalence v
    WHERE v.gender = 'All' AND v.race = 'All' OR v.gender = 'All' AND v.age_group = 'All' OR v.race = 'All' AND v.age_group = 'All'
),
populations AS (
    SELECT DISTINCT
        c.source,
        c.gender,
        c.race,
        c.age_group,
        c.shape,
        c.patients,
        CASE WHEN c.patients BETWEEN 1 AND 10 THEN 1 ELSE 0 END AS is_small
    FROM cells c
),
ordered AS (
    SELECT
        p.source,
        p.gender,
        p.race,
        p.age_group,
        p.is_small,
        SUM(p.is_small) OVER (PARTITION BY p.source, p.shape) AS small_rows,
        SUM(CASE WHEN p.is_small = 1 THEN p.patients ELSE 0 END) OVER (PARTITION BY p.source, p.shape) AS small_size,
        ROW_NUMBER() OVER (PARTITION BY p.source, p.shape, p.is_small ORDER BY p.patients, p.gender, p.race, p.age_group) AS size_rank
    FROM populations p
),
marked AS (
    SELECT
        c.source,
        c.code,
        c.gender,
        c.race,
        c.age_group,
        c.condition,
        c.is_disorder,
        c.patients_with_code,
        c.patients,
        c.prevalence,
        c.shape,
        CASE
            WHEN c.is_small = 1 OR h.is_small = 1 THEN 1
            WHEN h.small_rows > 0 AND h.size_rank = 1 AND (h.small_rows = 1 OR h.small_size < 11) THEN 1
            ELSE 0
        END AS is_small
    FROM cells c
    JOIN ordered h
        ON h.source = c.source AND h.gender = c.gender AND h.race = c.race AND h.age_group = c.age_group
),
ranked AS (
    SELECT
        c.source,
        c.code,
        c.gender,
        c.race,
        c.age_group,
        c.condition,
        c.is_disorder,
        c.patients_with_code,
        c.patients,
        c.prevalence,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source, c.code, c.shape) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.patients_with_code ELSE 0 END) OVER (PARTITION BY c.source, c.code, c.shape) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.code, c.shape, c.is_small, CASE WHEN c.patients_with_code = 0 THEN 1 ELSE 0 END
            ORDER BY c.patients_with_code, c.code, c.gender, c.race, c.age_group
        ) AS size_rank
    FROM marked c
),
judged AS (
    SELECT
        r.source,
        r.code,
        r.gender,
        r.race,
        r.age_group,
        r.condition,
        r.is_disorder,
        r.patients_with_code,
        r.patients,
        r.prevalence,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.patients_with_code > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.code,
    j.gender,
    j.race,
    j.age_group,
    j.condition,
    j.is_disorder,
    CASE WHEN NOT j.is_suppressed THEN j.patients_with_code END AS patients_with_code,
    CASE WHEN NOT j.is_suppressed THEN j.patients END AS patients,
    CASE WHEN NOT j.is_suppressed THEN j.prevalence END AS prevalence,
    j.is_suppressed
FROM judged j
