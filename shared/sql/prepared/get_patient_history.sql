-- name: get_patient_history
-- version: 1
-- description: Every clinic visit of one patient, newest first.
-- grain: one row per visit of the patient
-- owner: clinic
-- materialised: no
-- source: clinic analytics: visits with their patient and doctor; ties of the date by visit_id
-- parameter patient_id: real identifier of the patient
-- column source: sender
-- column name: full name of the patient
-- column gender: M, F, Other or Unknown
-- column dob: day of birth
-- column blood_group: blood group
-- column city: city of the patient
-- column visit_date: day of the visit
-- column reason: reason of the visit
-- column visit_type: kind of visit
-- column doctor_name: full name of the doctor
-- column specialization: medical specialty of the doctor
-- column hospital: hospital the doctor works in
SELECT
    e.source,
    i.full_name AS name,
    p.gender,
    p.birth_date AS dob,
    p.blood_group,
    p.city,
    e.encounter_date AS visit_date,
    e.reason,
    e.visit_type,
    d.full_name AS doctor_name,
    d.specialty AS specialization,
    d.hospital
FROM identity.patients i
JOIN silver.patients p
    ON p.source = i.source AND p.patient_id = i.patient_id
JOIN silver.encounters e
    ON e.source = i.source AND e.patient_id = i.patient_id
JOIN silver.sources s
    ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinic'
LEFT JOIN silver.practitioners d
    ON d.source = e.source AND d.practitioner_id = e.practitioner_id
WHERE i.real_patient_id = ?
ORDER BY e.encounter_date DESC NULLS LAST, e.encounter_id, e.source
