-- name: medication_adherence_summary
-- version: 1
-- description: Adherence to each drug class in each year, with the exclusions counted by reason.
-- grain: one row per source, drug class and calendar year
-- owner: quality
-- materialised: no
-- source: medication_adherence; patients = measured + all exclusions
-- measure: quality
-- exclusion any: by the reasons of medication_adherence, each in a column of its own
-- column source: sender
-- column drug_class: class of the drugs
-- column measurement_year: calendar year
-- column patients: patients with a fill
-- column measured: patients whose adherence is measured
-- column adherent: measured patients who are adherent
-- column adherence_rate: adherent / measured, NULL without any [0-1]
-- column mean_pdc: mean proportion of days covered, NULL without any [0-1]
-- column excluded_unknown_age: patients whose birth date is not known
-- column excluded_minor: patients younger than 18
-- column excluded_fewer_than_two_fills: patients with fills on fewer than two days
-- column excluded_index_fill_too_late: patients whose index fill lies less than 91 days before the end
-- column excluded_fill_after_death: patients whose index fill lies after their death
SELECT
    m.source,
    m.drug_class,
    m.measurement_year,
    COUNT(*) AS patients,
    COUNT(m.pdc) AS measured,
    COUNT(CASE WHEN m.is_adherent THEN 1 END) AS adherent,
    AVG(CASE WHEN m.is_adherent THEN 1.0E0 WHEN m.exclusion IS NULL THEN 0.0E0 END) AS adherence_rate,
    AVG(m.pdc) AS mean_pdc,
    COUNT(CASE WHEN m.exclusion = 'unknown_age' THEN 1 END) AS excluded_unknown_age,
    COUNT(CASE WHEN m.exclusion = 'minor' THEN 1 END) AS excluded_minor,
    COUNT(CASE WHEN m.exclusion = 'fewer_than_two_fills' THEN 1 END) AS excluded_fewer_than_two_fills,
    COUNT(CASE WHEN m.exclusion = 'index_fill_too_late' THEN 1 END) AS excluded_index_fill_too_late,
    COUNT(CASE WHEN m.exclusion = 'fill_after_death' THEN 1 END) AS excluded_fill_after_death
FROM gold.medication_adherence m
GROUP BY m.source, m.drug_class, m.measurement_year
