-- name: vw_disease_trends
-- version: 1
-- description: disease_trends of diseases and named cohorts, without findings and situations.
-- grain: one row per source, kind, code, period and its start
-- owner: public-health
-- materialised: no
-- source: disease_trends
-- measure: surveillance
-- exclusion not_a_disorder: findings and situations, such as employment
-- column source: sender
-- column kind: code or cohort
-- column code: code of the condition, or name of the cohort
-- column condition: most frequent text of the code, or name of the cohort
-- column period: week or month
-- column period_start: first day of the period
-- column new_cases: patients with their first diagnosis in the period
-- column patients: distinct patients with a diagnosis in the period
-- column prevalence: share of the living patients who have the condition at the end of the period [0-1]
SELECT
    t.source,
    t.kind,
    t.code,
    t.condition,
    t.period,
    t.period_start,
    t.new_cases,
    t.patients,
    t.prevalence
FROM gold.disease_trends t
WHERE t.is_disorder
