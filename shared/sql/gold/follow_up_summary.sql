-- name: follow_up_summary
-- version: 1
-- description: How many visits of each department require a follow-up.
-- grain: one row per source and department with at least one visit
-- owner: analytics
-- materialised: no
-- source: star schema: all visits
-- column source: sender
-- column department: department of the visit
-- column num_visits: number of visits
-- column follow_up_count: visits that require a follow-up; a visit that does not state it counts as none
-- column follow_up_rate: follow_up_count / num_visits [0-1]
SELECT
    v.source,
    v.department,
    COUNT(*) AS num_visits,
    COUNT(CASE WHEN v.follow_up_required THEN 1 END) AS follow_up_count,
    CAST(COUNT(CASE WHEN v.follow_up_required THEN 1 END) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS follow_up_rate
FROM gold.dim_visits v
GROUP BY v.source, v.department
