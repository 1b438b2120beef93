-- name: readmission_stays
-- version: 1
-- description: Every admission under each readmission policy: whether it is an index, why not, and what followed.
-- grain: one row per source, policy and admission (overlapping or abutting stays of a patient are one admission)
-- owner: quality
-- materialised: delta
-- partition_by: source
-- source: crude_30d: next admission 0 to 30 days after discharge; hwr_like_30d after the CMS hospital-wide readmission
--    measure; pcr_like_30d after HEDIS plan all-cause readmissions. Days are calendar days in UTC. An admission counts
--    at most one readmission, and is an index in its own right when it follows another. Classes of stays and planned,
--    psychiatric, rehabilitation and pregnancy admissions are the lists codes.stay_types and codes.admission_categories,
--    looked up by the codes of the stay, its reason and its procedures. Neither ages nor risk are adjusted for.
-- measure: quality
-- exclusion no_discharge: the end of the stay is not known (all policies)
-- exclusion died: the patient died on or before the day of discharge (all policies)
-- exclusion transferred: another admission followed on the same or the next day, whatever its codes; it carries the
--    index (hwr_like_30d, pcr_like_30d)
-- exclusion psychiatric: a psychiatric stay (hwr_like_30d)
-- exclusion rehabilitation: a rehabilitation stay (hwr_like_30d)
-- exclusion same_day: the whole stay, transfers included, began and ended on one day (pcr_like_30d)
-- exclusion pregnancy: a stay for pregnancy or birth (pcr_like_30d)
-- exclusion outside_index_period: discharged after December 1 (pcr_like_30d)
-- exclusion incomplete_follow_up: the 30 days after discharge are not over on the as-of day (hwr_like_30d, pcr_like_30d)
-- exclusion planned_readmission: the first admission within the 30 days was planned (pcr_like_30d)
-- column source: sender
-- column policy: crude_30d, hwr_like_30d or pcr_like_30d
-- column stay_id: identifier of the encounter that began the admission
-- column patient_id: pseudonym of the patient
-- column organization_id: organization of the encounter that ended the admission
-- column admit_at: begin of the admission [UTC]
-- column discharge_at: end of the admission, NULL when the end of one of its encounters is not known [UTC]
-- column encounters: encounters merged into the admission
-- column is_planned: whether the encounter that began it is of a planned kind
-- column exclusion: why it is not an index, the first reason that applies; NULL for an index
-- column is_index: whether it is an index admission
-- column readmission_stay_id: the first admission within 30 days of an index
-- column days_to_readmission: days from the discharge to that admission [days]
-- column is_readmitted: whether that admission counts as a readmission; NULL when the stay is not an index
WITH policies AS (
    SELECT t.policy, t.takes_observation
    FROM (VALUES ('crude_30d', 0), ('hwr_like_30d', 0), ('pcr_like_30d', 1)) AS t (policy, takes_observation)
),
kinds AS (
    SELECT
        k.code,
        MAX(CASE WHEN k.category = 'observation' THEN 1 ELSE 0 END) AS observation,
        MAX(CASE WHEN k.category IN ('planned', 'rehabilitation') THEN 1 ELSE 0 END) AS planned,
        MAX(CASE WHEN k.category = 'psychiatric' THEN 1 ELSE 0 END) AS psychiatric,
        MAX(CASE WHEN k.category = 'rehabilitation' THEN 1 ELSE 0 END) AS rehabilitation,
        MAX(CASE WHEN k.category = 'pregnancy' THEN 1 ELSE 0 END) AS pregnancy
    FROM codes.admission_categories k
    GROUP BY k.code
),
procedures AS (
    SELECT
        p.source,
        p.encounter_id,
        MAX(k.planned) AS planned,
        MAX(k.psychiatric) AS psychiatric,
        MAX(k.rehabilitation) AS rehabilitation,
        MAX(k.pregnancy) AS pregnancy
    FROM silver.procedures p
    JOIN kinds k ON k.code = p.code
    GROUP BY p.source, p.encounter_id
),
stays AS (
    SELECT
        e.source,
        e.patient_id,
        e.encounter_id,
        e.organization_id,
        e.start_at,
        e.stop_at,
        COALESCE(t.stay_type, 'observation') AS stay_type,
        GREATEST(COALESCE(c.planned, 0), COALESCE(r.planned, 0), COALESCE(p.planned, 0)) AS planned,
        GREATEST(COALESCE(c.psychiatric, 0), COALESCE(r.psychiatric, 0), COALESCE(p.psychiatric, 0)) AS psychiatric,
        GREATEST(COALESCE(c.rehabilitation, 0), COALESCE(r.rehabilitation, 0), COALESCE(p.rehabilitation, 0)) AS rehabilitation,
        GREATEST(COALESCE(c.pregnancy, 0), COALESCE(r.pregnancy, 0), COALESCE(p.pregnancy, 0)) AS pregnancy
    FROM silver.encounters e
    JOIN silver.sources s
        ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinical'
    LEFT JOIN codes.stay_types t ON t.encounter_class = e.encounter_class
    LEFT JOIN kinds c ON c.code = e.code
    LEFT JOIN kinds r ON r.code = e.reason_code
    LEFT JOIN procedures p ON p.source = e.source AND p.encounter_id = e.encounter_id
    WHERE (t.stay_type IS NOT NULL OR c.observation = 1)
        AND e.start_at IS NOT NULL
        AND e.patient_id IS NOT NULL
),
members AS (
    SELECT
        p.policy,
        e.source,
        e.patient_id,
        e.encounter_id,
        e.organization_id,
        e.start_at,
        e.stop_at,
        e.planned,
        e.psychiatric,
        e.rehabilitation,
        e.pregnancy,
        MAX(COALESCE(e.stop_at, e.start_at)) OVER (
            PARTITION BY p.policy, e.source, e.patient_id
            ORDER BY e.start_at, e.encounter_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS occupied_to,
        ROW_NUMBER() OVER (
            PARTITION BY p.policy, e.source, e.patient_id
            ORDER BY COALESCE(e.stop_at, e.start_at), e.encounter_id
        ) AS leaves
    FROM stays e
    JOIN policies p ON p.takes_observation = 1 OR e.stay_type = 'acute'
),
numbered AS (
    SELECT
        m.policy,
        m.source,
        m.patient_id,
        m.encounter_id,
        m.organization_id,
        m.start_at,
        m.stop_at,
        m.planned,
        m.psychiatric,
        m.rehabilitation,
        m.pregnancy,
        m.leaves,
        CASE WHEN m.occupied_to IS NULL OR m.start_at > m.occupied_to THEN 1 ELSE 0 END AS begins,
        SUM(CASE WHEN m.occupied_to IS NULL OR m.start_at > m.occupied_to THEN 1 ELSE 0 END) OVER (
            PARTITION BY m.policy, m.source, m.patient_id
            ORDER BY m.start_at, m.encounter_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS admission
    FROM members m
),
admissions AS (
    SELECT
        n.policy,
        n.source,
        n.patient_id,
        n.admission,
        MAX(CASE WHEN n.begins = 1 THEN n.encounter_id END) AS stay_id,
        max_by(n.organization_id, n.leaves) AS organization_id,
        MIN(n.start_at) AS admit_at,
        CASE WHEN COUNT(n.stop_at) = COUNT(*) THEN MAX(n.stop_at) END AS discharge_at,
        COUNT(*) AS encounters,
        MAX(CASE WHEN n.begins = 1 THEN n.planned ELSE 0 END) AS planned,
        MAX(n.psychiatric) AS psychiatric,
        MAX(n.rehabilitation) AS rehabilitation,
        MAX(n.pregnancy) AS pregnancy
    FROM numbered n
    GROUP BY n.policy, n.source, n.patient_id, n.admission
),
followed AS (
    SELECT
        a.policy,
        a.source,
        a.patient_id,
        a.admission,
        a.stay_id,
        a.organization_id,
        a.admit_at,
        a.discharge_at,
        CAST(a.discharge_at AS DATE) AS discharge_date,
        a.encounters,
        a.planned,
        a.psychiatric,
        a.rehabilitation,
        a.pregnancy,
        CAST(LEAD(a.admit_at) OVER (
            PARTITION BY a.policy, a.source, a.patient_id ORDER BY a.admission
        ) AS DATE) AS following_date,
        LEAD(CASE WHEN a.policy <> 'pcr_like_30d' OR a.pregnancy = 0 THEN a.stay_id END) IGNORE NULLS OVER (
            PARTITION BY a.policy, a.source, a.patient_id ORDER BY a.admission
        ) AS next_stay_id,
        CAST(LEAD(CASE WHEN a.policy <> 'pcr_like_30d' OR a.pregnancy = 0 THEN a.admit_at END) IGNORE NULLS OVER (
            PARTITION BY a.policy, a.source, a.patient_id ORDER BY a.admission
        ) AS DATE) AS next_date,
        LEAD(CASE WHEN a.policy <> 'pcr_like_30d' OR a.pregnancy = 0 THEN a.planned END) IGNORE NULLS OVER (
            PARTITION BY a.policy, a.source, a.patient_id ORDER BY a.admission
        ) AS next_planned
    FROM admissions a
),
linked AS (
    SELECT
        f.policy,
        f.source,
        f.patient_id,
        f.admission,
        f.stay_id,
        f.organization_id,
        f.admit_at,
        f.discharge_at,
        f.discharge_date,
        f.encounters,
        f.planned,
        f.psychiatric,
        f.rehabilitation,
        f.pregnancy,
        f.next_stay_id,
        f.next_planned,
        date_diff('day', f.discharge_date, f.next_date) AS days_to_next,
        CASE
            WHEN f.policy <> 'crude_30d' AND date_diff('day', f.discharge_date, f.following_date) <= 1 THEN 1
            ELSE 0
        END AS transferred
    FROM followed f
),
chained AS (
    SELECT
        l.policy,
        l.source,
        l.patient_id,
        l.admission,
        l.stay_id,
        l.organization_id,
        l.admit_at,
        l.discharge_at,
        l.discharge_date,
        l.encounters,
        l.planned,
        l.psychiatric,
        l.rehabilitation,
        l.pregnancy,
        l.next_stay_id,
        l.next_planned,
        l.days_to_next,
        l.transferred,
        COALESCE(SUM(1 - l.transferred) OVER (
            PARTITION BY l.policy, l.source, l.patient_id
            ORDER BY l.admission
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS chain
    FROM linked l
),
chains AS (
    SELECT
        c.policy,
        c.source,
        c.patient_id,
        c.stay_id,
        c.organization_id,
        c.admit_at,
        c.discharge_at,
        c.discharge_date,
        c.encounters,
        c.planned,
        c.psychiatric,
        c.rehabilitation,
        c.next_stay_id,
        c.next_planned,
        c.days_to_next,
        c.transferred,
        CAST(MIN(c.admit_at) OVER (PARTITION BY c.policy, c.source, c.patient_id, c.chain) AS DATE) AS chain_admit_date,
        MAX(c.pregnancy) OVER (PARTITION BY c.policy, c.source, c.patient_id, c.chain) AS chain_pregnancy
    FROM chained c
),
judged AS (
    SELECT
        c.policy,
        c.source,
        c.patient_id,
        c.stay_id,
        c.organization_id,
        c.admit_at,
        c.discharge_at,
        c.encounters,
        c.planned,
        c.next_stay_id,
        c.next_planned,
        c.days_to_next,
        CASE
            WHEN c.discharge_at IS NULL THEN 'no_discharge'
            WHEN p.death_date <= c.discharge_date THEN 'died'
            WHEN c.transferred = 1 THEN 'transferred'
            WHEN c.policy = 'hwr_like_30d' AND c.psychiatric = 1 THEN 'psychiatric'
            WHEN c.policy = 'hwr_like_30d' AND c.rehabilitation = 1 THEN 'rehabilitation'
            WHEN c.policy = 'pcr_like_30d' AND c.chain_admit_date = c.discharge_date THEN 'same_day'
            WHEN c.policy = 'pcr_like_30d' AND c.chain_pregnancy = 1 THEN 'pregnancy'
            WHEN c.policy = 'pcr_like_30d' AND month(c.discharge_date) = 12 AND day(c.discharge_date) > 1
                THEN 'outside_index_period'
            WHEN c.policy <> 'crude_30d' AND date_add('day', 30, c.discharge_date) > d.as_of_date
                THEN 'incomplete_follow_up'
            WHEN c.policy = 'pcr_like_30d' AND c.next_planned = 1 AND c.days_to_next <= 30 THEN 'planned_readmission'
        END AS exclusion
    FROM chains c
    LEFT JOIN silver.patients p
        ON p.source = c.source AND p.patient_id = c.patient_id
    CROSS JOIN gold.as_of d
)
SELECT
    j.source,
    j.policy,
    j.stay_id,
    j.patient_id,
    j.organization_id,
    j.admit_at,
    j.discharge_at,
    j.encounters,
    j.planned = 1 AS is_planned,
    j.exclusion,
    j.exclusion IS NULL AS is_index,
    CASE WHEN j.exclusion IS NULL AND j.days_to_next <= 30 THEN j.next_stay_id END AS readmission_stay_id,
    CASE WHEN j.exclusion IS NULL AND j.days_to_next <= 30 THEN j.days_to_next END AS days_to_readmission,
    CASE
        WHEN j.exclusion IS NOT NULL THEN NULL
        WHEN j.days_to_next <= 30 AND (j.policy = 'crude_30d' OR j.next_planned = 0) THEN TRUE
        ELSE FALSE
    END AS is_readmitted
FROM judged j
