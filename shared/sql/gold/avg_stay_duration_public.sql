-- name: avg_stay_duration_public
-- version: 1
-- description: avg_stay_duration for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source and condition code
-- owner: quality
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column code: code of the condition
-- column condition: text of the code, the code itself where no condition has it
-- column stays: stays measured, NULL when it is not shown
-- column avg_stay_days: mean of the exact time from admission to discharge, NULL when it is not shown [days]
-- column avg_los_days: mean of los_days, NULL when it is not shown [days]
-- column avg_los_billing_days: mean of los_billing_days, NULL when it is not shown [days]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.code,
        v.condition,
        v.stays,
        v.avg_stay_days,
        v.avg_los_days,
        v.avg_los_billing_days,
        CASE
            WHEN v.stays BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.avg_stay_duration v
),
ranked AS (
    SELECT
        c.source,
        c.code,
        c.condition,
        c.stays,
        c.avg_stay_days,
        c.avg_los_days,
        c.avg_los_billing_days,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.stays ELSE 0 END) OVER (PARTITION BY c.source) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.is_small, CASE WHEN c.stays = 0 THEN 1 ELSE 0 END
            ORDER BY c.stays, c.code
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.code,
        r.condition,
        r.stays,
        r.avg_stay_days,
        r.avg_los_days,
        r.avg_los_billing_days,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.stays > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.code,
    j.condition,
    CASE WHEN NOT j.is_suppressed THEN j.stays END AS stays,
    CASE WHEN NOT j.is_suppressed THEN j.avg_stay_days END AS avg_stay_days,
    CASE WHEN NOT j.is_suppressed THEN j.avg_los_days END AS avg_los_days,
    CASE WHEN NOT j.is_suppressed THEN j.avg_los_billing_days END AS avg_los_billing_days,
    j.is_suppressed
FROM judged j
