-- name: readmission_30d
-- version: 1
-- description: Readmissions within 30 days under three named policies, with the exclusions counted by reason.
-- grain: one row per source and policy
-- owner: quality
-- materialised: no
-- source: readmission_stays, which holds the definition of each policy; admissions = index_admissions + all exclusions.
--    The rates are raw: no policy adjusts for risk
-- measure: quality
-- exclusion any: by the reasons of readmission_stays, each in a column of its own
-- column source: sender
-- column policy: crude_30d, hwr_like_30d or pcr_like_30d
-- column admissions: admissions, overlapping or abutting stays merged
-- column index_admissions: admissions that are an index
-- column readmissions: index admissions that a readmission followed
-- column readmission_rate: readmissions / index_admissions, NULL without any [0-1]
-- column excluded_no_discharge: admissions whose end is not known
-- column excluded_died: admissions whose patient died on or before the day of discharge
-- column excluded_transferred: admissions followed by another on the same or the next day
-- column excluded_psychiatric: psychiatric stays
-- column excluded_rehabilitation: rehabilitation stays
-- column excluded_same_day: stays within one day
-- column excluded_pregnancy: stays for pregnancy or birth
-- column excluded_outside_index_period: admissions that ended after December 1
-- column excluded_incomplete_follow_up: admissions whose 30 days are not over
-- column excluded_planned_readmission: admissions that a planned one followed within 30 days
SELECT
    r.source,
    r.policy,
    COUNT(*) AS admissions,
    COALESCE(SUM(CASE WHEN r.is_index THEN 1 END), 0) AS index_admissions,
    COALESCE(SUM(CASE WHEN r.is_readmitted THEN 1 END), 0) AS readmissions,
    AVG(CASE WHEN r.is_readmitted THEN 1.0E0 WHEN r.is_index THEN 0.0E0 END) AS readmission_rate,
    COUNT(CASE WHEN r.exclusion = 'no_discharge' THEN 1 END) AS excluded_no_discharge,
    COUNT(CASE WHEN r.exclusion = 'died' THEN 1 END) AS excluded_died,
    COUNT(CASE WHEN r.exclusion = 'transferred' THEN 1 END) AS excluded_transferred,
    COUNT(CASE WHEN r.exclusion = 'psychiatric' THEN 1 END) AS excluded_psychiatric,
    COUNT(CASE WHEN r.exclusion = 'rehabilitation' THEN 1 END) AS excluded_rehabilitation,
    COUNT(CASE WHEN r.exclusion = 'same_day' THEN 1 END) AS excluded_same_day,
    COUNT(CASE WHEN r.exclusion = 'pregnancy' THEN 1 END) AS excluded_pregnancy,
    COUNT(CASE WHEN r.exclusion = 'outside_index_period' THEN 1 END) AS excluded_outside_index_period,
    COUNT(CASE WHEN r.exclusion = 'incomplete_follow_up' THEN 1 END) AS excluded_incomplete_follow_up,
    COUNT(CASE WHEN r.exclusion = 'planned_readmission' THEN 1 END) AS excluded_planned_readmission
FROM gold.readmission_stays r
GROUP BY r.source, r.policy
