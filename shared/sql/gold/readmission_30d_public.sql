-- name: readmission_30d_public
-- version: 1
-- description: readmission_30d for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source and policy
-- owner: quality
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column policy: crude_30d, hwr_like_30d or pcr_like_30d
-- column index_admissions: admissions that are an index, NULL when it is not shown
-- column readmissions: index admissions that a readmission followed, NULL when it is not shown
-- column readmission_rate: readmissions / index_admissions, NULL when it is not shown [0-1]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.policy,
        v.index_admissions,
        v.readmissions,
        v.readmission_rate,
        CASE
            WHEN v.index_admissions BETWEEN 1 AND 10
            OR v.readmissions BETWEEN 1 AND 10
            OR v.index_admissions - v.readmissions BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.readmission_30d v
),
ranked AS (
    SELECT
        c.source,
        c.policy,
        c.index_admissions,
        c.readmissions,
        c.readmission_rate,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source, c.policy) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.index_admissions ELSE 0 END) OVER (PARTITION BY c.source, c.policy) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.policy, c.is_small, CASE WHEN c.index_admissions = 0 THEN 1 ELSE 0 END
            ORDER BY c.index_admissions, c.policy
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.policy,
        r.index_admissions,
        r.readmissions,
        r.readmission_rate,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.index_admissions > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.policy,
    CASE WHEN NOT j.is_suppressed THEN j.index_admissions END AS index_admissions,
    CASE WHEN NOT j.is_suppressed THEN j.readmissions END AS readmissions,
    CASE WHEN NOT j.is_suppressed THEN j.readmission_rate END AS readmission_rate,
    j.is_suppressed
FROM judged j
