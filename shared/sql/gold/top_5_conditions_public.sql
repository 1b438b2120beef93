-- name: top_5_conditions_public
-- version: 1
-- description: top_5_conditions for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source, age group and place
-- owner: public-health
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column age_group: 0-17, 18-34, 35-49, 50-64, 65+ or Unknown
-- column place: 1 to 5
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column patients: distinct patients, NULL when it is not shown
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.age_group,
        v.place,
        v.code,
        v.condition,
        v.patients,
        CASE
            WHEN v.patients BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.top_5_conditions v
),
ranked AS (
    SELECT
        c.source,
        c.age_group,
        c.place,
        c.code,
        c.condition,
        c.patients,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source, c.age_group) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.patients ELSE 0 END) OVER (PARTITION BY c.source, c.age_group) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.age_group, c.is_small, CASE WHEN c.patients = 0 THEN 1 ELSE 0 END
            ORDER BY c.patients, c.age_group, c.place
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.age_group,
        r.place,
        r.code,
        r.condition,
        r.patients,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.patients > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.age_group,
    j.place,
    j.code,
    j.condition,
    CASE WHEN NOT j.is_suppressed THEN j.patients END AS patients,
    j.is_suppressed
FROM judged j
