-- name: dim_doctors
-- version: 1
-- description: Doctors of the sources that report costs.
-- grain: one row per doctor of a source
-- owner: analytics
-- materialised: delta
-- partition_by: source
-- source: star schema of the network feed
-- column source: sender of the doctor
-- column doctor_id: identifier of the doctor
-- column doctor_name: full name of the doctor
-- column department: department the doctor belongs to
-- column years_experience: years of experience as extracted [years]
SELECT
    d.source,
    d.practitioner_id AS doctor_id,
    d.full_name AS doctor_name,
    d.department,
    d.years_experience
FROM silver.practitioners d
JOIN silver.sources s
    ON s.source = d.source AND s.feed = d.feed AND s.area = 'cost'
