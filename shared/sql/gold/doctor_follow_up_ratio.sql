-- name: doctor_follow_up_ratio
-- version: 1
-- description: How many visits of each doctor require a follow-up; doctors without visits included.
-- grain: one row per source and doctor
-- owner: analytics
-- materialised: no
-- source: star schema: all doctors and their visits
-- column source: sender
-- column doctor_id: identifier of the doctor
-- column num_visits: number of visits
-- column follow_up_count: visits that require a follow-up; a visit that does not state it counts as none
-- column follow_up_rate: follow_up_count / num_visits, NULL without visits [0-1]
SELECT
    d.source,
    d.doctor_id,
    COUNT(v.visit_id) AS num_visits,
    COUNT(CASE WHEN v.follow_up_required THEN 1 END) AS follow_up_count,
    CAST(COUNT(CASE WHEN v.follow_up_required THEN 1 END) AS DOUBLE)
        / NULLIF(CAST(COUNT(v.visit_id) AS DOUBLE), 0) AS follow_up_rate
FROM gold.dim_doctors d
LEFT JOIN gold.dim_visits v
    ON v.source = d.source AND v.doctor_id = d.doctor_id
GROUP BY d.source, d.doctor_id
