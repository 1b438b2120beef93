-- name: fact_treatments
-- version: 1
-- description: Treatments with their cost, of the sources that report costs.
-- grain: one row per treatment of a source
-- owner: analytics
-- materialised: delta
-- partition_by: source
-- z_order: treatment_type
-- source: star schema of the network feed
-- column source: sender of the treatment
-- column treatment_id: identifier of the treatment
-- column visit_id: visit in which the treatment was given
-- column treatment_type: kind of treatment
-- column treatment_cost: cost of the treatment [USD]
-- column insurance_provider: insurer that covers the treatment, Uninsured when none
SELECT
    t.source,
    t.treatment_id,
    t.encounter_id AS visit_id,
    t.treatment_type,
    t.treatment_cost,
    t.insurance_provider
FROM silver.treatments t
JOIN silver.sources s
    ON s.source = t.source AND s.feed = t.feed AND s.area = 'cost'
