-- name: vw_quality_metrics
-- version: 1
-- description: The four quality measures of each facility by month.
-- grain: one row per source, facility and month with anything to measure
-- owner: quality
-- materialised: no
-- source: readmission by hwr_like_30d (month and facility of the discharge), adherence by medication_adherence (month and
--    facility of the index fill), latency by diagnosis_latency (month and facility of the encounter), length of acute
--    stays (month and facility of the stay's end). NULL where a measure has nothing to measure
-- measure: quality
-- column source: sender
-- column organization_id: facility, NULL where the sender names none
-- column facility: name of the facility, NULL when it was not sent
-- column month: first day of the month
-- column index_admissions: index admissions
-- column readmissions: index admissions that a readmission followed
-- column readmission_rate: readmissions / index_admissions [0-1]
-- column adherence_measured: patients and drug classes whose adherence is measured
-- column mean_pdc: mean proportion of days covered [0-1]
-- column diagnoses_measured: conditions whose latency is measured
-- column mean_latency_days: mean days from encounter to diagnosis [days]
-- column stays: acute stays that ended
-- column avg_los_days: mean length of stay, the same day 0 [days]
WITH fills AS (
    SELECT
        m.source,
        m.patient_id,
        COALESCE(d.drug_class, m.code) AS drug_class,
        CAST(m.start_at AS DATE) AS fill_date,
        MIN(e.organization_id) AS organization_id
    FROM silver.medications m
    LEFT JOIN codes.drug_ingredients d ON d.code = m.code
    LEFT JOIN silver.encounters e
        ON e.source = m.source AND e.encounter_id = m.encounter_id
    GROUP BY m.source, m.patient_id, COALESCE(d.drug_class, m.code), CAST(m.start_at AS DATE)
),
facts AS (
    SELECT
        r.source,
        r.organization_id,
        CAST(date_trunc('month', CAST(r.discharge_at AS DATE)) AS DATE) AS month,
        CASE WHEN r.is_readmitted THEN 1.0E0 ELSE 0.0E0 END AS readmission,
        CAST(NULL AS DOUBLE) AS pdc,
        CAST(NULL AS DOUBLE) AS latency,
        CAST(NULL AS DOUBLE) AS stay
    FROM gold.readmission_stays r
    WHERE r.policy = 'hwr_like_30d' AND r.is_index
    UNION ALL
    SELECT
        m.source,
        f.organization_id,
        CAST(date_trunc('month', m.index_fill) AS DATE) AS month,
        CAST(NULL AS DOUBLE) AS readmission,
        m.pdc,
        CAST(NULL AS DOUBLE) AS latency,
        CAST(NULL AS DOUBLE) AS stay
    FROM gold.medication_adherence m
    JOIN fills f
        ON f.source = m.source AND f.patient_id = m.patient_id
        AND f.drug_class = m.drug_class AND f.fill_date = m.index_fill
    WHERE m.exclusion IS NULL
    UNION ALL
    SELECT
        l.source,
        l.organization_id,
        CAST(date_trunc('month', l.encounter_date) AS DATE) AS month,
        CAST(NULL AS DOUBLE) AS readmission,
        CAST(NULL AS DOUBLE) AS pdc,
        CAST(l.latency_days AS DOUBLE) AS latency,
        CAST(NULL AS DOUBLE) AS stay
    FROM gold.diagnosis_latency l
    WHERE l.exclusion IS NULL
    UNION ALL
    SELECT
        e.source,
        e.organization_id,
        CAST(date_trunc('month', CAST(e.stop_at AS DATE)) AS DATE) AS month,
        CAST(NULL AS DOUBLE) AS readmission,
        CAST(NULL AS DOUBLE) AS pdc,
        CAST(NULL AS DOUBLE) AS latency,
        CAST(date_diff('day', CAST(e.start_at AS DATE), CAST(e.stop_at AS DATE)) AS DOUBLE) AS stay
    FROM silver.encounters e
    JOIN silver.sources s
        ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinical'
    JOIN codes.stay_types t
        ON t.encounter_class = e.encounter_class AND t.stay_type = 'acute'
    WHERE e.stop_at IS NOT NULL
),
months AS (
    SELECT
        f.source,
        f.organization_id,
        f.month,
        COUNT(f.readmission) AS index_admissions,
        CAST(COALESCE(SUM(f.readmission), 0) AS BIGINT) AS readmissions,
        AVG(f.readmission) AS readmission_rate,
        COUNT(f.pdc) AS adherence_measured,
        AVG(f.pdc) AS mean_pdc,
        COUNT(f.latency) AS diagnoses_measured,
        AVG(f.latency) AS mean_latency_days,
        COUNT(f.stay) AS stays,
        AVG(f.stay) AS avg_los_days
    FROM facts f
    GROUP BY f.source, f.organization_id, f.month
)
SELECT
    m.source,
    m.organization_id,
    o.name AS facility,
    m.month,
    m.index_admissions,
    m.readmissions,
    m.readmission_rate,
    m.adherence_measured,
    m.mean_pdc,
    m.diagnoses_measured,
    m.mean_latency_days,
    m.stays,
    m.avg_los_days
FROM months m
LEFT JOIN silver.organizations o
    ON o.source = m.source AND o.organization_id = m.organization_id
