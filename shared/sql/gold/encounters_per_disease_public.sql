-- name: encounters_per_disease_public
-- version: 1
-- description: encounters_per_disease for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source and condition code
-- owner: public-health
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column is_disorder: whether it is a disease and not a finding or situation
-- column patients: distinct patients, NULL when it is not shown
-- column encounters: distinct encounters in which it was recorded, NULL when it is not shown
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.code,
        v.condition,
        v.is_disorder,
        v.patients,
        v.encounters,
        CASE
            WHEN v.patients BETWEEN 1 AND 10
            OR v.encounters BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.encounters_per_disease v
),
ranked AS (
    SELECT
        c.source,
        c.code,
        c.condition,
        c.is_disorder,
        c.patients,
        c.encounters,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.patients ELSE 0 END) OVER (PARTITION BY c.source) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.is_small, CASE WHEN c.patients = 0 THEN 1 ELSE 0 END
            ORDER BY c.patients, c.code
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.code,
        r.condition,
        r.is_disorder,
        r.patients,
        r.encounters,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.patients > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.code,
    j.condition,
    j.is_disorder,
    CASE WHEN NOT j.is_suppressed THEN j.patients END AS patients,
    CASE WHEN NOT j.is_suppressed THEN j.encounters END AS encounters,
    j.is_suppressed
FROM judged j
